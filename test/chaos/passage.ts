/** A way to a server that can be made slow, half-open, or cut at the worst moment. */
import { once } from "node:events";
import { type AddressInfo, connect, createServer, type Socket } from "node:net";

export interface Passage {
  readonly port: number;
  /** Everything passes, at once. */
  mend(): void;
  /** What passes takes that much longer, each way. */
  delay(ms: number): void;
  /** Nothing passes and nothing is closed, as when a cable is pulled. */
  freeze(): void;
  /** Ends each open connection; the server is there, and takes new ones. */
  sever(how: "ended" | "reset"): void;
  /** The next words of each open connection arrive; their answers do not, and the connection ends. */
  loseAnswers(): void;
  close(): void;
}

interface Line {
  readonly near: Socket;
  readonly far: Socket;
  losesAnswer: boolean;
}

export async function openPassage(target: number): Promise<Passage> {
  const lines = new Set<Line>();
  let delayMs = 0;
  let isFrozen = false;
  const server = createServer((near) => {
    const far = connect(target, "127.0.0.1");
    const line: Line = { near, far, losesAnswer: false };
    lines.add(line);
    for (const socket of [near, far]) {
      if (isFrozen) socket.pause();
      socket.setNoDelay(true).on("error", () => {});
      socket.once("close", () => {
        lines.delete(line);
        near.destroy();
        far.destroy();
      });
    }
    near.on("data", (bytes) => {
      after(() => far.write(bytes));
      if (line.losesAnswer) setTimeout(() => near.destroy(), delayMs + 20);
    });
    far.on("data", (bytes) => {
      if (!line.losesAnswer) after(() => near.write(bytes));
    });
  });
  /** Timers of the same length fire in the order in which they were made, so bytes keep theirs. */
  const after = (act: () => void) => {
    if (delayMs === 0) act();
    else setTimeout(act, delayMs);
  };
  const thaw = () => {
    isFrozen = false;
    for (const { near, far } of lines) {
      near.resume();
      far.resume();
    }
  };
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  return {
    port: (server.address() as AddressInfo).port,
    mend() {
      delayMs = 0;
      thaw();
      for (const line of lines) line.losesAnswer = false;
    },
    delay(ms) {
      delayMs = ms;
    },
    freeze() {
      isFrozen = true;
      for (const { near, far } of lines) {
        near.pause();
        far.pause();
      }
    },
    sever(how) {
      for (const { near } of lines) {
        if (how === "reset") near.resetAndDestroy();
        else near.destroy();
      }
    },
    loseAnswers() {
      for (const line of lines) line.losesAnswer = true;
    },
    close() {
      for (const { near, far } of lines) {
        near.destroy();
        far.destroy();
      }
      server.close();
    },
  };
}
