import { createHash } from "node:crypto";

/** Everything that changes what lines mean. */
export interface BatchMeaning {
  /** SHA-256 of the lines, in hex. */
  readonly contentHash: string;
  readonly tenant: string;
  /** Of lines that name none. */
  readonly model: string | undefined;
  readonly priority: string;
  readonly deadlineMs: number | undefined;
}

/** Whoever hands in the same again finds its batch by this, on whatever way it came. Pure. */
export function fingerprintOf({ contentHash, tenant, model, priority, deadlineMs }: BatchMeaning): string {
  const meaning = [contentHash, tenant, model ?? null, priority, deadlineMs ?? null];
  return createHash("sha256").update(JSON.stringify(meaning)).digest("hex");
}
