/**
 * Two statements that each move many rows may take their locks in opposite orders; Postgres then ends one of them with a
 * deadlock error and nothing of it has happened. Saying it again is the answer.
 */
const deadlock = "40P01";
const tries = 10;

export async function despiteDeadlocks<Value>(statement: () => Promise<Value>): Promise<Value> {
  for (let attempt = 1; ; attempt += 1) {
    try {
      return await statement();
    } catch (error) {
      const code = error instanceof Error && "code" in error ? error.code : undefined;
      if (code !== deadlock || attempt === tries) throw error;
    }
  }
}
