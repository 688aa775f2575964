/** `npm run docs`: writes docs/providers.md from the registry, the catalogue and the names of the tests there are. */
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { pathToFileURL } from "node:url";
import { root } from "./paths.mjs";
import { runNode, SetupFailed, say } from "./process.mjs";
import { providerTables } from "./provider-tables.mjs";

const path = join(root, "docs/providers.md");
const [begin, end] = ["<!-- written by npm run docs, from here -->", "<!-- to here -->"];

/**
 * With `--check` nothing is written.
 * @throws SetupFailed when the document is another than it would be written
 */
export const docs = async (args) => {
  const found = readFileSync(path, "utf8");
  const [before, after] = [found.indexOf(begin), found.indexOf(end)];
  if (before < 0 || after < before)
    throw new SetupFailed(`docs/providers.md has no place for its tables: ${begin} … ${end}`);
  const written = `${found.slice(0, before + begin.length)}\n\n${await tables()}\n${found.slice(after)}`;
  if (written === found) return say("docs/providers.md is as it is to be");
  if (args.includes("--check"))
    throw new SetupFailed("docs/providers.md is not what the providers are now: run npm run docs");
  writeFileSync(path, written);
  say("wrote docs/providers.md");
};

const tables = async () => {
  const [{ providers }, { providerEntries }, words] = await Promise.all(
    ["src/provider/registry.js", "src/config/models.js", "src/config/provider-entry.js"].map(
      (file) => import(pathToFileURL(join(root, "dist", file)).href),
    ),
  );
  return providerTables(Object.values(providers), providerEntries, words, await testsThere());
};

/** Name and file of every test that is not skipped; none is run. */
const testsThere = async () => {
  const folder = mkdtempSync(join(tmpdir(), "millrace-docs-"));
  const list = join(folder, "tests.json");
  // Modules are loaded once for all files: nothing runs that could tell.
  const how = ["--config", "test/vitest.config.ts", "--no-isolate", `--json=${list}`];
  const args = ["list", ...how, "test/conformance", "test/unit/provider"];
  try {
    const { code, output } = await runNode(join(root, "node_modules/vitest/vitest.mjs"), args, { quiet: true });
    if (code !== 0) throw new SetupFailed(`the tests cannot be listed:\n${output}`);
    return JSON.parse(readFileSync(list, "utf8"));
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
};
