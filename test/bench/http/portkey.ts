/** The peer: Portkey's gateway from npm, installed for the run into a folder of its own, in a process of its own. */
import { type ChildProcess, execFile, spawn } from "node:child_process";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { promisify } from "node:util";
import { freePort } from "../../../src/runtime/embedded/ports.ts";
import { endChild } from "../simulated.ts";

/** Its streams only work with this version of its server. */
const manifest = {
  private: true,
  dependencies: { "@portkey-ai/gateway": "1.15.2" },
  overrides: { "@hono/node-server": "1.14.1" },
};

export interface Portkey {
  readonly url: string;
  end(): Promise<void>;
}

/** Rejects when npm cannot bring it, or it does not answer. */
export async function startPortkey(): Promise<Portkey> {
  const folder = await mkdtemp(join(tmpdir(), "millrace-portkey-"));
  await writeFile(join(folder, "package.json"), JSON.stringify(manifest));
  await promisify(execFile)("npm", ["install", "--no-audit", "--no-fund", "--ignore-scripts"], { cwd: folder });
  const port = await freePort(18_787);
  const script = join(folder, "node_modules/@portkey-ai/gateway/build/start-server.js");
  const child = spawn(process.execPath, [script, `--port=${port}`, "--headless"], { stdio: "ignore", cwd: folder });
  process.once("exit", () => child.kill("SIGKILL"));
  const url = `http://127.0.0.1:${port}`;
  const end = async () => {
    await endChild(child);
    await rm(folder, { recursive: true, force: true });
  };
  try {
    await answers(url, child);
  } catch (error) {
    await end();
    throw error;
  }
  return { url, end };
}

async function answers(url: string, child: ChildProcess): Promise<void> {
  for (let tries = 0; tries < 100 && child.exitCode === null; tries += 1) {
    const isUp = await fetch(url).then(
      () => true,
      () => false,
    );
    if (isUp) return;
    await new Promise((resolve) => setTimeout(resolve, 100));
  }
  throw new Error("Portkey's gateway did not come up");
}
