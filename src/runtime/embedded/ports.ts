import { createServer } from "node:net";

/** A free port on 127.0.0.1: the preferred one when nobody has it, else one that the system picks. It may be taken again before it is used. */
export const freePort = async (preferred: number | undefined): Promise<number> =>
  (preferred === undefined ? undefined : await listenOnce(preferred)) ?? (await anyPort());

const anyPort = async (): Promise<number> => {
  const port = await listenOnce(0);
  if (port === undefined) throw new Error("the system has no free port on 127.0.0.1");
  return port;
};

const listenOnce = (port: number): Promise<number | undefined> =>
  new Promise((resolve) => {
    const server = createServer();
    server.once("error", () => resolve(undefined));
    server.listen({ port, host: "127.0.0.1", exclusive: true }, () => {
      const address = server.address();
      server.close(() => resolve(typeof address === "object" && address !== null ? address.port : undefined));
    });
  });
