/** The browser of tests: `MILLRACE_CHROMIUM`, one from the PATH, or the distribution's package, installed after saying so. */
import { runCommand } from "../../src/runtime/embedded/command.ts";
import { systemSearch } from "../../src/runtime/embedded/redis-binary.ts";

const names = ["chromium", "chromium-browser", "google-chrome", "google-chrome-stable"];

/** Undefined where there is none and none can be had; CI is not let off. */
export async function chromiumPath(): Promise<string | undefined> {
  const found = process.env["MILLRACE_CHROMIUM"] ?? (await onPath());
  if (found !== undefined) return found;
  const prefix = await systemSearch.aptPrefix();
  if (prefix !== undefined) {
    say("no Chromium on this machine: installing the distribution's package (apt-get install chromium) …");
    await install(prefix);
  }
  const installed = await onPath();
  if (installed !== undefined) return installed;
  if (process.env["CI"] !== undefined) throw new Error(`no Chromium: ${ways}`);
  say(`tests in a browser are skipped: no Chromium. ${ways}`);
  return undefined;
}

const ways = "Install one (apt-get install chromium), or name one that you have: MILLRACE_CHROMIUM=/path/to/chrome.";

const say = (line: string): void => void process.stderr.write(`${line}\n`);

async function onPath(): Promise<string | undefined> {
  for (const name of names) {
    const path = await systemSearch.find(name);
    if (path !== undefined) return path;
  }
  return undefined;
}

async function install(prefix: readonly string[]): Promise<void> {
  const apt = (...args: string[]) => {
    const [file = "env", ...rest] = [
      ...prefix,
      ...["env", "DEBIAN_FRONTEND=noninteractive", "apt-get", "-o", "DPkg::Lock::Timeout=300", "-q"],
      ...args,
    ];
    return runCommand(file, rest);
  };
  await apt("update");
  const { ok, output } = await apt("install", "-y", "--no-install-recommends", "chromium");
  if (!ok) say(output);
}
