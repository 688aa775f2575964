/** One set-up at a time in one clone; one that was killed holds nobody up. */
import { createHash } from "node:crypto";
import { readlinkSync, rmSync, symlinkSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { root } from "./paths.mjs";
import { say } from "./process.mjs";

const clone = createHash("sha256").update(root).digest("hex").slice(0, 16);
/** Outside of the clone: npm ci empties node_modules. A link, since making one is atomic and carries the pid. */
const lock = join(tmpdir(), `millrace-setup-${process.getuid?.() ?? 0}-${clone}`);

export const alone = async (act) => {
  for (let told = false; !take(); told = true) {
    if (!told) say("waiting for another set-up of this clone …");
    await sleep(200);
  }
  try {
    return await act();
  } finally {
    rmSync(lock, { force: true });
  }
};

const take = () => {
  try {
    symlinkSync(String(process.pid), lock);
    return true;
  } catch (error) {
    if (error.code !== "EEXIST") throw error;
    if (!holderIsAlive()) rmSync(lock, { force: true });
    return false;
  }
};

const holderIsAlive = () => {
  try {
    return process.kill(Number(readlinkSync(lock)), 0);
  } catch (error) {
    return error.code === "EPERM";
  }
};
