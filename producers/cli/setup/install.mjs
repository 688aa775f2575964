/** Dependencies: `npm ci` when node_modules is missing, unfinished, or belongs to another lock file. */
import { createHash } from "node:crypto";
import { existsSync, readFileSync, rmSync, statSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { root } from "./paths.mjs";
import { run, runNode, SetupFailed, say } from "./process.mjs";

const stamp = join(root, "node_modules", ".millrace-setup");
const lockFile = join(root, "package-lock.json");
/** npm writes this last, so an interrupted install has none. */
const installedLock = join(root, "node_modules", ".package-lock.json");

export const installIsCurrent = () => {
  if (!existsSync(installedLock)) return false;
  if (existsSync(stamp) && readFileSync(stamp, "utf8") === fingerprint()) return true;
  return statSync(installedLock).mtimeMs >= statSync(lockFile).mtimeMs;
};

/** @throws SetupFailed with npm's own words */
export const install = async () => {
  say("installing dependencies (npm ci) …");
  let result = await npm("ci");
  // A lock file made against a registry that lacks some platforms' binaries is out of sync to npm ci; npm install
  // takes its versions all the same and asks the registry for the rest.
  if (result.code !== 0 && result.output.includes("in sync")) result = await npm("install", "--no-save");
  if (result.code !== 0) {
    throw new SetupFailed(`npm could not install the dependencies:
${result.output.trimEnd().split("\n").slice(0, 20).join("\n")}
Check the network and that this user may write to ${root}, then run the same command again.`);
  }
  writeFileSync(stamp, fingerprint());
};

/** Runs npm, once more with a private cache when its own is not this user's to write. */
const npm = async (...words) => {
  const result = await runNpm(words);
  if (result.code === 0 || !/\b(EACCES|EPERM|EROFS|ENOENT)\b/.test(result.output)) return result;
  const cache = join(root, ".millrace", "npm-cache");
  const again = await runNpm([...words, "--cache", cache]);
  rmSync(cache, { recursive: true, force: true });
  return again;
};

const runNpm = (words) => {
  const args = [...words, "--include=dev", "--include=optional", "--no-audit", "--no-fund", "--loglevel=error"];
  const own = process.env.npm_execpath;
  return own?.endsWith("npm-cli.js") ? runNode(own, args, { quiet: true }) : run("npm", args, { quiet: true });
};

const fingerprint = () =>
  `${process.platform} ${process.arch} ${createHash("sha256").update(readFileSync(lockFile)).digest("hex")}\n`;
