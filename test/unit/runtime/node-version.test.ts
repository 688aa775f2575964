import { spawnSync } from "node:child_process";
import { fileURLToPath } from "node:url";
import { expect, test } from "vitest";

const root = fileURLToPath(new URL("../../..", import.meta.url));

/** Runs a script under a Node that claims to be another version. */
const runAs = (version: string, script: string, ...args: string[]) => {
  const claim = `Object.defineProperty(process, "versions", { value: { ...process.versions, node: "${version}" } });`;
  const preload = `data:text/javascript,${encodeURIComponent(claim)}`;
  return spawnSync(process.execPath, ["--import", preload, script, ...args], { cwd: root, encoding: "utf8" });
};

test.each(["12.22.12", "18.20.8", "20.18.3"])("Node %s gets a message that says what to do", (version) => {
  for (const script of ["producers/cli/setup.mjs", "producers/cli/millrace.mjs"]) {
    const { status, stderr } = runAs(version, script, "demo");
    expect(status).toBe(1);
    expect(stderr).toBe(
      `millrace needs Node.js 20.19 or newer, and this is ${version}.\n` +
        "Install a current one (nvm install 22, or https://nodejs.org) and run the same command again.\n",
    );
  }
});

test.each(["20.19.0", "22.12.0", "100.0.0"])("Node %s passes", (version) => {
  const { status, stderr } = runAs(version, "producers/cli/setup.mjs", "no such command");
  expect(status).toBe(64);
  expect(stderr).toMatch(/^usage: /);
});
