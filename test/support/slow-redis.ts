/** A way to a server that takes its time: every byte is that much later at the other end, in both directions. */
import { once } from "node:events";
import { type AddressInfo, connect, createServer, type Socket } from "node:net";
import { onTestFinished } from "vitest";

/** The given URL, through here. */
export async function farther(target: string, oneWayMs: number): Promise<string> {
  const { hostname, port } = new URL(target);
  const open = new Set<Socket>();
  const server = createServer({ allowHalfOpen: true }, (near) => {
    const far = connect({ port: Number(port), host: hostname, allowHalfOpen: true });
    near.setNoDelay(true);
    far.setNoDelay(true);
    for (const socket of [near, far]) {
      open.add(socket);
      socket.on("error", () => {}).once("close", () => open.delete(socket));
    }
    carry(near, far, oneWayMs);
    carry(far, near, oneWayMs);
  });
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  onTestFinished(() => {
    for (const socket of open) socket.destroy();
    server.close();
  });
  const url = new URL(target);
  url.host = `127.0.0.1:${(server.address() as AddressInfo).port}`;
  return url.href;
}

/** Timers of one length end in the order in which they began, so no byte overtakes another. */
function carry(from: Socket, to: Socket, oneWayMs: number): void {
  from.on("data", (bytes: Buffer) => void setTimeout(() => to.write(bytes), oneWayMs));
  from.once("end", () => void setTimeout(() => to.end(), oneWayMs));
  from.once("close", (hadError) => void setTimeout(() => (hadError ? to.destroy() : to.end()), oneWayMs));
}
