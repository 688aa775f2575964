/** How a command ends: exit codes, and words instead of stack traces for everything a person can mend. */
import { SettingsError } from "../../src/config/settings-error.ts";
import { isPostgresAway, isWriteRefused } from "../../src/ledger/interruption.ts";
import { SchemaRefused } from "../../src/ledger/migrate.ts";
import { ServicesFailed } from "../../src/runtime/embedded/services-failed.ts";
import { redisTrouble } from "../../src/runtime/redis-patience.ts";

export const exitCodes = {
  ok: 0,
  failure: 1,
  someLinesFailed: 2,
  batchFailed: 3,
  stoppedByBudget: 4,
  usage: 64,
  /** The backlog is full: the same command may succeed later (EX_TEMPFAIL of sysexits.h). */
  busy: 75,
} as const;

/** A command that cannot go on, in words for the person who called it: what is wrong and what to do next. */
export class CommandFailed extends Error {
  override readonly name = "CommandFailed";
  readonly code: number;
  constructor(message: string, code: number = exitCodes.failure) {
    super(message);
    this.code = code;
  }
}

export function endOf(error: unknown): { readonly message: string; readonly code: number } {
  if (error instanceof CommandFailed) return { message: error.message, code: error.code };
  if (error instanceof SettingsError) return { message: error.message, code: exitCodes.usage };
  if (error instanceof ServicesFailed || error instanceof SchemaRefused) {
    return { message: error.message, code: exitCodes.failure };
  }
  const away = serviceAway(error);
  if (away !== undefined) return { message: away, code: exitCodes.failure };
  // A bug of ours: here the stack is what helps.
  return { message: error instanceof Error ? (error.stack ?? error.message) : String(error), code: exitCodes.failure };
}

/** A connection that was refused or lost, in words. */
function serviceAway(error: unknown): string | undefined {
  const redis = redisTrouble(error);
  if (redis !== undefined) return `${redis}. Look at it, or check REDIS_URL; nothing accepted is lost.`;
  if (!(error instanceof Error) || !(isPostgresAway(error) || isLoginRefused(error))) return undefined;
  if (isWriteRefused(error)) {
    const { message } = error.cause instanceof Error ? error.cause : error;
    return `Postgres takes no writes now (${message}). Nothing was accepted; try again when it does.`;
  }
  return `Postgres does not answer (${error.message}). Start it, or check DATABASE_URL; nothing accepted is lost.`;
}

/** Wrong password, unknown user, unknown database: the address is wrong, not the server. */
const isLoginRefused = (error: unknown): boolean =>
  error instanceof Error && "code" in error && ["28P01", "28000", "3D000"].includes(String(error.code));
