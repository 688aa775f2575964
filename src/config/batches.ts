/** Bounds of batches that come over HTTP. Those of the command line have none. */
import { positive } from "./amounts.ts";
import { settingsObject } from "./settings-object.ts";

export const batchesSchema = settingsObject({
  /** Lines of a file; OpenAI's own bound unless something else is said. */
  maxLines: positive.max(10_000_000).default(50_000),
  /** Megabytes of a file that is uploaded for a batch; OpenAI's own bound. */
  maxFileMb: positive.max(4_096).default(200),
});
