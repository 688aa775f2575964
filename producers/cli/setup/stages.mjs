/** The stages of `npm test`, in order: exactly what CI runs. */
import { existsSync, readdirSync } from "node:fs";
import { join } from "node:path";
import { root } from "./paths.mjs";
import { runNode, SetupFailed, say, tool } from "./process.mjs";

const vitest =
  (folder, ...settings) =>
  async (filters) => {
    const names = filters.filter((filter) => !filter.startsWith("-"));
    const flags = [...settings, ...filters.filter((filter) => filter.startsWith("-"))];
    if (!holdsTests(folder)) {
      say("  no tests here yet");
      return 0;
    }
    const paths = names.length > 0 ? names.map((name) => `${folder}/${name}`) : [folder];
    return (await runNode(tool("vitest"), ["run", "--config", "test/vitest.config.ts", ...paths, ...flags])).code;
  };

const types = async () => {
  for (const project of ["tsconfig.json", "test/tsconfig.json", "producers/http/dashboard/page/tsconfig.json"]) {
    const { code } = await runNode(tool("tsc"), ["-p", project, "--noEmit"]);
    if (code !== 0) return code;
  }
  return 0;
};

const stages = {
  lint: async () => (await runNode(tool("biome"), ["check", "."])).code,
  types,
  architecture: vitest("test/architecture.test.ts"),
  unit: vitest("test/unit"),
  conformance: vitest("test/conformance"),
  // Modules are loaded once for all files of a process: loading them anew took a fifth of this stage.
  integration: vitest("test/integration", "--no-isolate"),
  crash: vitest("test/crash"),
};

/**
 * Runs all stages, or the one that is named; words after its name narrow it to files, flags go to vitest.
 * @throws SetupFailed at the first stage that fails, with its exit code
 */
export const runStages = async ([only, ...filters]) => {
  if (only !== undefined && !Object.hasOwn(stages, only)) {
    throw new SetupFailed(`No stage is called ${only}; there are ${Object.keys(stages).join(", ")}.`, 64);
  }
  const begun = Date.now();
  for (const [name, stage] of Object.entries(stages)) {
    if (only !== undefined && only !== name) continue;
    say(`\n── ${name} ──`);
    const code = await stage(filters);
    if (code !== 0) throw new SetupFailed(`\nThe stage ${name} failed. Again, alone: npm test -- ${name}`, code);
  }
  say(`\nall green in ${Math.round((Date.now() - begun) / 1000)} s`);
};

const holdsTests = (path) => {
  if (path.endsWith(".test.ts")) return existsSync(join(root, path));
  if (!existsSync(join(root, path))) return false;
  return readdirSync(join(root, path), { withFileTypes: true }).some(
    (entry) => entry.name.endsWith(".test.ts") || (entry.isDirectory() && holdsTests(`${path}/${entry.name}`)),
  );
};
