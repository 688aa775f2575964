/**
 * Millrace from a program: durable requests, answered by whichever provider has a key.
 *
 *   npm run setup && ANTHROPIC_API_KEY=… node examples/library.ts      (Node 22.18 or newer runs TypeScript as it is)
 *
 * In a project of your own the import is `from "millrace"`.
 */
import { Millrace, RequestFailed } from "../producers/library/millrace.ts";

const millrace = await Millrace.connect({ workers: true, onError: (error) => console.error("worker:", error) });
try {
  // One answer, now: interactive requests have slots of their own.
  const haiku = await millrace.run({ prompt: "A haiku about a mill race", priority: "interactive" });
  const cost = haiku.costNanoUsd === undefined ? "unknown" : `$${Number(haiku.costNanoUsd) / 1e9}`;
  console.log(`${haiku.text}\n— ${haiku.provider}/${haiku.model}, cost ${cost}`);

  // Work for later: it is stored when `enqueue` returns, and the key keeps a repeated run from paying twice.
  const id = await millrace.enqueue({
    prompt: "Name three rivers in Wales",
    system: "Answer with a comma-separated list.",
    priority: "bulk",
    idempotencyKey: "rivers-of-wales",
  });
  console.log("accepted", id, (await millrace.result(id))?.state);
} catch (error) {
  if (!(error instanceof RequestFailed)) throw error;
  console.error(error.message);
  process.exitCode = 1;
} finally {
  await millrace.close();
}
