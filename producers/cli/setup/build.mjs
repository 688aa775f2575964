/** The build: TypeScript to dist/ when something changed since the last one, with the files that tsc leaves behind. */
import { createHash } from "node:crypto";
import {
  copyFileSync,
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  writeFileSync,
} from "node:fs";
import { dirname, join } from "node:path";
import { root } from "./paths.mjs";
import { runNode, SetupFailed, say, tool } from "./process.mjs";

const main = { project: "tsconfig.json", sources: ["src", "workers", "producers"], stamp: "dist/.build" };
const bench = {
  project: "test/bench/tsconfig.json",
  sources: [...main.sources, "test/bench", "test/chaos", "test/support"],
  stamp: "dist/test/.build",
};

export const buildIsCurrent = () => isCurrent(main);

/** @throws SetupFailed with the compiler's own words */
export const build = async () => {
  say("building (tsc) …");
  await compile(main);
  copyAssets();
  removeOrphans();
  writeFileSync(join(root, main.stamp), fingerprint(main));
};

/** Benchmarks are compiled only for those who run them. */
export const buildBenchmarks = async () => {
  if (isCurrent(bench)) return;
  await compile(bench);
  writeFileSync(join(root, bench.stamp), fingerprint(bench));
};

const compile = async ({ project, stamp }) => {
  rmSync(join(root, stamp), { force: true });
  const { code, output } = await runNode(tool("tsc"), ["-p", project], { quiet: true });
  if (code !== 0) throw new SetupFailed(`The build failed:\n${output}`);
};

/** Scripts of Redis and of the browser, and what belongs to them. */
const isAsset = (path) => path.endsWith(".lua") || (path.startsWith(page) && !path.endsWith("tsconfig.json"));
const page = join("producers", "http", "dashboard", "page");

const copyAssets = () => {
  for (const path of ["src", "producers"].flatMap(filesIn).filter(isAsset)) {
    mkdirSync(dirname(join(root, "dist", path)), { recursive: true });
    copyFileSync(join(root, path), join(root, "dist", path));
  }
};

/** What an earlier build made of a source that is gone would still be imported by name. */
const removeOrphans = () => {
  for (const folder of main.sources) {
    for (const path of filesIn(join("dist", folder))) {
      const copied = path.replace(/^dist[\\/]/, "");
      const source = copied.replace(/(\.d\.ts|\.js)(\.map)?$/, ".ts");
      if (!existsSync(join(root, source)) && !(isAsset(copied) && existsSync(join(root, copied))))
        rmSync(join(root, path), { force: true });
    }
  }
};

const isCurrent = (target) => {
  const path = join(root, target.stamp);
  return existsSync(path) && readFileSync(path, "utf8") === fingerprint(target);
};

/** Of names, sizes and times of the sources and of what they are built with. */
const fingerprint = ({ project, sources }) => {
  const hash = createHash("sha256");
  const files = sources.flatMap((folder) => filesIn(folder)).sort();
  for (const path of ["package-lock.json", "tsconfig.json", project, ...files]) {
    const { size, mtimeMs } = statSync(join(root, path));
    hash.update(`${path} ${size} ${mtimeMs}\n`);
  }
  return `${hash.digest("hex")}\n`;
};

const filesIn = (folder) => {
  if (!existsSync(join(root, folder))) return [];
  return readdirSync(join(root, folder), { withFileTypes: true }).flatMap((entry) => {
    const path = join(folder, entry.name);
    return entry.isDirectory() ? filesIn(path) : [path];
  });
};
