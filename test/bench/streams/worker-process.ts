import { connectTo } from "../../../src/fleet/connect.ts";
import { openFleet } from "../../../src/fleet/fleet.ts";
import type { Connection } from "../../../src/provider/provider.ts";
import { textsIn } from "../../../src/request/body.ts";
import { startProviderWorker } from "../../../workers/provider-worker.ts";

const [, , id = ""] = process.argv;
const fleet = await openFleet({ directory: process.cwd() });
const connection = connectTo(fleet.config, id);
if (connection === undefined) throw new Error(`there is no ${id}, or no key for it`);

let open = 0;
let payload = 0;
const { chat, probe } = connection;
const counting: Connection = {
  probe,
  async chat(input, io) {
    let bytes = Buffer.byteLength(textsIn(input.body).join(""));
    open += 1;
    payload += bytes;
    const outcome = await chat?.(input, {
      ...io,
      onDelta(delta) {
        const more = "text" in delta ? Buffer.byteLength(delta.text) : 0;
        bytes += more;
        payload += more;
        io.onDelta(delta);
      },
    });
    open -= 1;
    payload -= bytes;
    if (outcome === undefined) throw new Error(`${id} offers no chat`);
    return outcome;
  },
};
const worker = startProviderWorker(fleet, {
  providers: [id],
  connections: new Map([[id, counting]]),
  onError: (error) => {
    throw error;
  },
});

process.on("message", (wish) => {
  const seen = { rss: process.memoryUsage().rss, open, payload };
  if (wish === "collected") globalThis.gc?.();
  const { heapUsed, external } = process.memoryUsage();
  process.send?.({ ...seen, held: heapUsed + external });
});
process.once("SIGTERM", async () => {
  await worker.drain(0);
  await fleet.close();
  process.exit();
});
process.send?.("works");
