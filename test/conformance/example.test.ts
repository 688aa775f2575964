/** The code of docs/adding-a-provider.md, taken from there: compiled beside the sources and judged as every adapter is. */
import { execFile } from "node:child_process";
import { cpSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { afterAll, describe, expect, it } from "vitest";
import type { Provider } from "../../src/provider/provider.ts";
import { describeConformance } from "./conformance.ts";
import { exampleJudge } from "./example-judge.ts";

const root = fileURLToPath(new URL("../..", import.meta.url));
const guide = readFileSync(join(root, "docs/adding-a-provider.md"), "utf8");
const files = [...guide.matchAll(/^```ts file=(\S+)\n([\s\S]*?)^```$/gm)].map(([, path = "", text = ""]) => ({
  path,
  text,
}));

/** The sources as they are when somebody has done what the page says. */
function folderWithQuern(): string {
  const folder = mkdtempSync(join(tmpdir(), "millrace-example-"));
  for (const part of ["src", "package.json", "tsconfig.json"])
    cpSync(join(root, part), join(folder, part), { recursive: true });
  symlinkSync(join(root, "node_modules"), join(folder, "node_modules"), "dir");
  for (const { path, text } of files) writeFileSync(join(folder, path), text);
  edit(
    join(folder, "src/provider/registry.ts"),
    'import { quern } from "./adapters/quern.ts";',
    /(\bproviders\b[^=]*= \{)/,
    "$1 quern,",
  );
  edit(
    join(folder, "src/config/models.ts"),
    'import { quern } from "./providers/quern.ts";',
    /(\bproviderEntries\b[^=]*= \[)/,
    "$1quern, ",
  );
  return folder;
}

function edit(path: string, line: string, place: RegExp, words: string): void {
  const text = readFileSync(path, "utf8");
  if (!place.test(text)) throw new Error(`${path} has no place for a provider`);
  writeFileSync(path, `${line}\n${text.replace(place, words)}`);
}

const folder = folderWithQuern();
afterAll(() => rmSync(folder, { recursive: true, force: true }));
const { providers }: { providers: Readonly<Record<string, Provider>> } = await import(
  join(folder, "src/provider/registry.ts")
);
const { providerEntries }: { providerEntries: readonly { readonly id: string }[] } = await import(
  join(folder, "src/config/models.ts")
);
const quern = providers["quern"];
if (quern === undefined) throw new Error("the registry has no quern");

describe("the provider of docs/adding-a-provider.md", () => {
  it("is one file and one of data, and compiles with the settings of the sources", async () => {
    expect(files.map(({ path }) => path)).toEqual(["src/provider/adapters/quern.ts", "src/config/providers/quern.ts"]);
    const args = [join(root, "node_modules/typescript/bin/tsc"), "--noEmit", "-p", "tsconfig.json"];
    const { stdout } = await promisify(execFile)(process.execPath, args, { cwd: folder });
    expect(stdout).toBe("");
  });

  it("is in the registry and in the catalogue", () => {
    expect(quern.id).toBe("quern");
    expect(providerEntries.map(({ id }) => id)).toContain("quern");
  });

  it("keeps to the form of the house", async () => {
    const biome = join(root, "node_modules/@biomejs/biome/bin/biome");
    const args = ["check", "--config-path", join(root, ".biome.json"), ...files.map(({ path }) => path)];
    const { stdout } = await promisify(execFile)(process.execPath, [biome, ...args], { cwd: folder });
    expect(stdout).toContain("Checked 2 files");
  });
});

describeConformance(quern, exampleJudge);
