/**
 * Two statements that each move many rows may take their locks in opposite orders; Postgres then ends one of them with a
 * deadlock error and nothing of it has happened. Saying it again is the answer.
 */
const deadlock = "40P01";
const tries = 10;

const codeOf = (error: unknown): unknown => (error instanceof Error && "code" in error ? error.code : undefined);

/** Postgres refused a value (class 22) or a constraint did (class 23): one row of the statement is to blame. */
export const isRowRefused = (error: unknown): boolean => /^2[23]/.test(String(codeOf(error)));

export async function despiteDeadlocks<Value>(statement: () => Promise<Value>): Promise<Value> {
  for (let attempt = 1; ; attempt += 1) {
    try {
      return await statement();
    } catch (error) {
      if (codeOf(error) !== deadlock || attempt === tries) throw error;
    }
  }
}
