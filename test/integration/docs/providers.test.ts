import { execFile } from "node:child_process";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { describe, expect, it } from "vitest";
import { providerEntries } from "../../../src/config/models.ts";
import { abilities, media } from "../../../src/config/provider-entry.ts";
import { providers } from "../../../src/provider/registry.ts";

const run = promisify(execFile);
const root = fileURLToPath(new URL("../../..", import.meta.url));
const { providerTables } = await import(
  new URL("../../../producers/cli/setup/provider-tables.mjs", import.meta.url).href
);

describe("docs/providers.md", () => {
  it("says what the registry, the catalogue and the tests say now", async () => {
    const { PATH = "", HOME = "" } = process.env;
    const options = { cwd: root, env: { PATH, HOME } };
    const checked = await run(process.execPath, ["producers/cli/setup.mjs", "docs", "--check"], options);
    expect(checked.stderr).toContain("docs/providers.md is as it is to be");
  }, 300_000);
});

describe("its tables", () => {
  const tests = [
    {
      name: "openai, judged by the simulator > streams the same answer",
      file: "/test/conformance/conformance.test.ts",
    },
    { name: "openai, judged by aimock > streams the same answer", file: "/test/conformance/conformance.test.ts" },
    { name: "openai > sends its tools", file: "/test/conformance/openai.test.ts" },
    { name: "a body > has tools", file: "/test/unit/provider/anthropic-body.test.ts" },
    {
      name: "openai-compatible, judged by aimock > takes an image along",
      file: "/test/conformance/conformance.test.ts",
    },
  ];
  const text: string = providerTables(Object.values(providers), providerEntries, { abilities, media }, tests);
  const rowOf = (id: string, title: string) => {
    const section = text.slice(text.indexOf(`## ${title}`));
    const [head = "", ...rows] = section.split("\n").filter((line) => line.startsWith("|"));
    const cells = (line: string) => line.split("|").map((cell) => cell.trim());
    const own = cells(rows.find((line) => line.startsWith(`| \`${id}\` `)) ?? "");
    return Object.fromEntries(cells(head).map((name, at) => [name, own[at]]));
  };

  it("have every provider of the registry, with its variables", () => {
    for (const { id, environment } of Object.values(providers)) {
      expect(rowOf(id, "What there is")["credential"]).toContain(environment.apiKey[0]);
    }
  });

  it("have a letter for each server that judges a capability, and none for what nobody judges", () => {
    expect(rowOf("openai", "Proven")).toMatchObject({ streamed: "S A", tools: "W", media: "–", cache: "–" });
    expect(rowOf("anthropic", "Proven")).toMatchObject({ tools: "W", streamed: "–" });
  });
});
