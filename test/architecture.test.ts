/** The rules of ARCHITECTURE.md, kept by a machine. They read the sources; each names the file and what to do about it. */
import { readdirSync, readFileSync, statSync } from "node:fs";
import { dirname, join, relative, resolve } from "node:path";
import { fileURLToPath } from "node:url";
import { describe, expect, it } from "vitest";

const root = fileURLToPath(new URL("..", import.meta.url));

interface Source {
  /** From the root, with forward slashes. */
  readonly path: string;
  readonly text: string;
  readonly lines: number;
  /** Paths from the root of the files it imports, types included. */
  readonly inner: readonly string[];
  /** Packages it imports. */
  readonly outer: readonly string[];
}

const sources: readonly Source[] = ["src", "workers", "producers"]
  .flatMap((top) => typescriptUnder(join(root, top)))
  .map(readSource);

/** Stages may import only these, and themselves. */
const ground = ["request", "config", "runtime"];

/** Stages that compose others, with the reason. Everything else that crosses is a mistake. */
const composers: Readonly<Record<string, string>> = {
  attempt: "the pipeline: the one function that knows every stage but the queue",
  intake: "accepting: route, estimate, ledger, lane, in one call",
  fleet: "opens the resources that every process shares",
};

/** One home for each outside package. */
const homes: readonly (readonly [RegExp, readonly string[]])[] = [
  [/^(drizzle-orm|postgres)(\/|$)/, ["src/ledger/"]],
  [/^bullmq(\/|$)/, ["src/queue/"]],
  [/^ioredis(\/|$)/, ["src/runtime/redis-client.ts", "src/runtime/embedded/"]],
  [/^(@opentelemetry\/|pino$)/, ["src/telemetry/"]],
  [/^@pydantic\/genai-prices$/, ["src/pricing/"]],
  [/^tokenx$/, ["src/admission/"]],
  [/^@anthropic-ai\/sdk(\/|$)/, ["src/provider/adapters/anthropic"]],
  [/^openai(\/|$)/, ["src/provider/adapters/openai", "src/provider/adapters/azure-openai.ts"]],
  [/^@google\/generative-ai$/, ["src/provider/adapters/gemini.ts"]],
  [/^google-auth-library$/, ["src/provider/adapters/vertex/credential.ts"]],
  [/^@(aws-sdk|smithy)\//, ["src/provider/adapters/bedrock"]],
  [/^undici$/, ["src/provider/transport.ts"]],
  [/^ipaddr\.js$/, ["src/runtime/public-address.ts"]],
  [/^(fastify|@fastify\/|@bull-board\/)/, ["producers/http/"]],
  [/^(commander|picocolors)$/, ["producers/cli/"]],
];

describe("architecture", () => {
  it("keeps src free of producers and workers, and workers free of producers", () => {
    const wrong = sources.flatMap((source) => {
      const forbidden = source.path.startsWith("src/")
        ? /^(producers|workers)\//
        : source.path.startsWith("workers/")
          ? /^producers\//
          : undefined;
      return forbidden === undefined
        ? []
        : source.inner.filter((path) => forbidden.test(path)).map((path) => `${source.path} → ${path}`);
    });
    expect(wrong).toEqual([]);
  });

  it("lets a stage import only request, config, runtime and itself, except the named composers", () => {
    const wrong = sources.flatMap((source) => {
      const stage = stageOf(source.path);
      if (stage === undefined || composers[stage] !== undefined) return [];
      return source.inner
        .filter((path) => {
          const other = stageOf(path);
          return other !== undefined && other !== stage && !ground.includes(other);
        })
        .map((path) => `${source.path} → ${path}`);
    });
    expect(wrong).toEqual([]);
  });

  it("keeps the pipeline ignorant of the queue", () => {
    const wrong = sources.filter(
      (source) => stageOf(source.path) === "attempt" && source.inner.some((path) => path.startsWith("src/queue/")),
    );
    expect(wrong.map((source) => source.path)).toEqual([]);
  });

  it("lets the nouns of src/request import nothing but zod", () => {
    const wrong = sources
      .filter((source) => stageOf(source.path) === "request")
      .filter(
        (source) =>
          source.outer.some((name) => name !== "zod") || source.inner.some((path) => stageOf(path) !== "request"),
      );
    expect(wrong.map((source) => source.path)).toEqual([]);
  });

  it("gives every outside package one home", () => {
    const wrong = sources.flatMap((source) =>
      source.outer.flatMap((name) =>
        homes
          .filter(([pattern, allowed]) => pattern.test(name) && !allowed.some((home) => source.path.startsWith(home)))
          .map(([, allowed]) => `${source.path} imports ${name}; its home is ${allowed.join(", ")}`),
      ),
    );
    expect(wrong).toEqual([]);
  });

  it("reads process.env in src/config/env.ts only", () => {
    const wrong = sources.filter(
      (source) => source.path !== "src/config/env.ts" && /process\s*\.\s*env|process\[["']env/.test(source.text),
    );
    expect(wrong.map((source) => source.path)).toEqual([]);
  });

  it("calls out in adapters and their transport, to addresses of the operator, and for callers in the guarded POST only", () => {
    const allowed = ["src/provider/", "src/simulator/", "src/webhook/post.ts"];
    const outgoing = /\bfetch\(|import \{[^}]*\b(?:request|get)\b[^}]*\} from "node:https?"/;
    const callers = sources.filter((source) => outgoing.test(source.text)).map((source) => source.path);
    expect(callers).toContain("src/webhook/post.ts");
    expect(callers.filter((path) => !allowed.some((home) => path.startsWith(home)))).toEqual([]);
    expect(sources.find((source) => source.path === "src/webhook/post.ts")?.text).toContain("lookup: publicLookup(");
  });

  it("never branches on which provider it is, outside the adapters and the data", () => {
    const data = [
      "src/config/models.ts",
      "src/config/env.ts",
      "src/provider/adapters/",
      "src/provider/registry.ts",
      "src/simulator/",
    ];
    const branch = /(===|!==|case)\s*["'](anthropic|openai|gemini|google)["']/;
    const wrong = sources.filter(
      (source) =>
        source.path.startsWith("src/") &&
        !data.some((path) => source.path.startsWith(path)) &&
        branch.test(source.text),
    );
    expect(wrong.map((source) => source.path)).toEqual([]);
  });

  it("has no import cycle, types included", () => {
    expect(cycles(new Map(sources.map((source) => [source.path, source.inner])))).toEqual([]);
  });

  it("has no file over 400 lines", () => {
    expect(sources.filter((source) => source.lines > 400).map((source) => `${source.path}: ${source.lines}`)).toEqual(
      [],
    );
  });

  it("names no file utils, helpers, common, types or manager, and declares no enum", () => {
    const vague = sources.filter((source) => /(^|[/-])(utils?|helpers?|common|types|managers?)\.ts$/.test(source.path));
    const enums = sources.filter((source) => /^\s*(export\s+)?(const\s+)?enum\s/m.test(source.text));
    expect([...vague, ...enums].map((source) => source.path)).toEqual([]);
  });

  it("has a header with keys, arguments, returns and time on every Lua script, and its number of keys in its name", () => {
    // What lies in include/ is not a script: it is put into those that name it.
    const scripts = filesUnder(join(root, "src")).filter(
      (path) => path.endsWith(".lua") && !path.includes("/include/"),
    );
    expect(scripts.length).toBeGreaterThan(0);
    for (const path of scripts) {
      const text = readFileSync(path, "utf8");
      const keys = new Set([...text.matchAll(/KEYS\[(\d+)\]/g)].map((match) => Number(match[1])));
      expect(path).toMatch(new RegExp(`-${Math.max(...keys)}\\.lua$`));
      for (const word of ["-- KEYS", "-- ARGV", "-- Returns", "-- Time"]) expect(text, path).toContain(word);
    }
  });
});

function stageOf(path: string): string | undefined {
  const [top, stage, rest] = path.split("/");
  return top === "src" && rest !== undefined ? stage : undefined;
}

function typescriptUnder(directory: string): string[] {
  return filesUnder(directory).filter((path) => path.endsWith(".ts"));
}

function filesUnder(directory: string): string[] {
  return readdirSync(directory).flatMap((name) => {
    const path = join(directory, name);
    return statSync(path).isDirectory() ? filesUnder(path) : [path];
  });
}

function readSource(path: string): Source {
  const text = readFileSync(path, "utf8");
  const names = [
    ...text.matchAll(
      /(?:^|\n)\s*(?:import|export)\s[^;]*?from\s+["']([^"']+)["']|import\(\s*["']([^"']+)["']\s*\)|(?:^|\n)import\s+["']([^"']+)["']/g,
    ),
  ]
    .map((match) => match[1] ?? match[2] ?? match[3] ?? "")
    .filter((name) => name !== "");
  return {
    path: relative(root, path).replaceAll("\\", "/"),
    text,
    lines: text.split("\n").length - 1,
    inner: names
      .filter((name) => name.startsWith("."))
      .map((name) => relative(root, resolve(dirname(path), name)).replaceAll("\\", "/")),
    outer: names.filter((name) => !name.startsWith(".") && !name.startsWith("node:")),
  };
}

/** Depth-first; each cycle once, as its path. */
function cycles(graph: ReadonlyMap<string, readonly string[]>): string[] {
  const finished = new Set<string>();
  const found: string[] = [];
  const visit = (node: string, path: readonly string[]): void => {
    if (path.includes(node)) {
      found.push([...path.slice(path.indexOf(node)), node].join(" → "));
      return;
    }
    if (finished.has(node)) return;
    for (const next of graph.get(node) ?? []) visit(next, [...path, node]);
    finished.add(node);
  };
  for (const node of graph.keys()) visit(node, []);
  return found;
}
