/** A way to a server that a test can cut: a service that is away, without ending the server that others use. */
import { once } from "node:events";
import { type AddressInfo, connect, createServer, type Socket } from "node:net";
import { onTestFinished } from "vitest";

export interface Severable {
  /** The given URL, through here. */
  readonly url: string;
  /** Ends every connection and refuses new ones. A reset is heard as an error first, and as an end after that. */
  cut(how?: "ended" | "reset"): void;
  mend(): void;
  /** What is sent next and holds these words arrives, and is answered; the answer is lost with its connection. */
  loseAnswerTo(words: string): void;
}

export async function severable(target: string): Promise<Severable> {
  const { hostname, port } = new URL(target);
  const open = new Set<Socket>();
  let whole = true;
  let fatal: string | undefined;
  const server = createServer((near) => {
    if (!whole) return void near.destroy();
    const far = connect(Number(port), hostname);
    for (const socket of [near, far]) {
      open.add(socket);
      socket.on("error", () => {}).once("close", () => open.delete(socket));
    }
    let isDoomed = false;
    near.on("data", (sent: Buffer) => {
      isDoomed ||= fatal !== undefined && sent.includes(fatal);
    });
    far.on("data", (answer: Buffer) => {
      if (!isDoomed) return void near.write(answer);
      fatal = undefined;
      near.destroy();
      far.destroy();
    });
    near.pipe(far).once("close", () => near.destroy());
    far.once("end", () => near.end()).once("close", () => near.destroy());
    near.once("close", () => far.destroy());
  });
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  const cut = (how: "ended" | "reset" = "ended") => {
    whole = false;
    for (const socket of open) {
      if (how === "reset") socket.resetAndDestroy();
      else socket.destroy();
    }
  };
  onTestFinished(() => {
    cut();
    server.close();
  });
  const url = new URL(target);
  url.host = `127.0.0.1:${(server.address() as AddressInfo).port}`;
  return {
    url: url.href,
    cut,
    mend: () => {
      whole = true;
    },
    loseAnswerTo: (words) => {
      fatal = words;
    },
  };
}
