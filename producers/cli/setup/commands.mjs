/** What `node producers/cli/setup.mjs <command>` can do once Node is known to be new enough. */
import { existsSync } from "node:fs";
import { join } from "node:path";
import { pathToFileURL } from "node:url";
import { alone } from "./alone.mjs";
import { audit } from "./audit.mjs";
import { build, buildBenchmarks, buildIsCurrent } from "./build.mjs";
import { docs } from "./docs.mjs";
import { install, installIsCurrent } from "./install.mjs";
import { root } from "./paths.mjs";
import { runNode, SetupFailed, say, tool } from "./process.mjs";
import { runStages } from "./stages.mjs";

const commands = {
  setup: async () => say("ready: npm run demo, npm test, npx millrace --help"),
  build: async () => alone(build),
  demo: (args) => become("dist/producers/cli/main.js", ["demo", ...args]),
  test: runStages,
  audit,
  docs,
  dev: async (args) =>
    exitWith(await runNode(tool("tsc"), ["-p", "tsconfig.json", "--watch", "--preserveWatchOutput", ...args])),
  bench: async ([name, ...args]) => {
    if (name === undefined || !existsSync(join(root, "test/bench", `${name}.ts`))) {
      throw new SetupFailed(`There is no benchmark test/bench/${name ?? "<name>"}.ts.`, 64);
    }
    await alone(buildBenchmarks);
    await become(`dist/test/bench/${name}.js`, args);
  },
  chaos: async (args) => {
    await alone(buildBenchmarks);
    await become("dist/test/chaos/chaos.js", args);
  },
};

/** Never rejects: what goes wrong becomes a message and an exit code. */
export const runCommand = async ([name = "", ...args]) => {
  try {
    if (!Object.hasOwn(commands, name)) {
      throw new SetupFailed(`usage: node producers/cli/setup.mjs ${Object.keys(commands).join("|")} [arguments]`, 64);
    }
    await prepare();
    await commands[name](args);
  } catch (error) {
    if (!(error instanceof SetupFailed)) throw error;
    say(error.message);
    process.exitCode = error.code;
  }
};

const prepare = async () => {
  if (installIsCurrent() && buildIsCurrent()) return;
  await alone(async () => {
    if (!installIsCurrent()) await install();
    if (!buildIsCurrent()) await build();
  });
};

/** Goes on as another script in this very process, so that signals and exit codes are its own. */
const become = async (script, args) => {
  const path = join(root, script);
  process.argv = [process.execPath, path, ...args];
  await import(pathToFileURL(path).href);
};

const exitWith = ({ code }) => {
  process.exitCode = code;
};
