/** Ids as callers of other wires know them: a word and the uuid without its dashes, such as `batch_0199…`. Pure. */
import { validate as isUuid } from "uuid";

export type IdPrefix = "file-" | "batch_" | "msgbatch_";

export const publicId = (prefix: IdPrefix, uuid: string): string => prefix + uuid.replaceAll("-", "");

/** The uuid, also where it is given as it is in the ledger; undefined: it can be nobody's. */
export function uuidIn(prefix: IdPrefix, id: string): string | undefined {
  const bare = id.startsWith(prefix) ? id.slice(prefix.length) : id;
  const uuid = bare.replace(/^([0-9a-f]{8})([0-9a-f]{4})([0-9a-f]{4})([0-9a-f]{4})([0-9a-f]{12})$/, "$1-$2-$3-$4-$5");
  return isUuid(uuid) ? uuid : undefined;
}

/** Of a batch of either wire. */
export const batchIdIn = (id: string): string | undefined => uuidIn("batch_", id) ?? uuidIn("msgbatch_", id);
