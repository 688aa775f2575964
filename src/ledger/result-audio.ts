import type { Ledger } from "./ledger.ts";

/** Sound of an answer, as the provider sent it. */
export interface KeptAudio {
  readonly data: Uint8Array;
  readonly mediaType: string;
}

/** Undefined when no request has this id, its answer has no sound, or the sound was removed with it. */
export async function audioOf(ledger: Ledger, requestId: string): Promise<KeptAudio | undefined> {
  const [row] = await ledger.sql<{ content: Uint8Array; media_type: string }[]>`
    select content, media_type from result_audio where request_id = ${requestId}`;
  return row === undefined ? undefined : { data: row.content, mediaType: row.media_type };
}
