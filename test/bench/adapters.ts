/**
 * What our adapter adds to a call over the vendor's bare SDK: until the first token and until the end, whole and streamed.
 * The simulator answers at once, in a process of its own. One call at a time, the arms taking turns, each first as often
 * as the other; the difference is of medians, and a call that starves the machine counts in both.
 */
import { anthropic } from "../../src/provider/adapters/anthropic.ts";
import { gemini } from "../../src/provider/adapters/gemini.ts";
import { openai } from "../../src/provider/adapters/openai.ts";
import type { Connection } from "../../src/provider/provider.ts";
import { promptBody } from "../../src/request/body.ts";
import { type BareClient, bareClients } from "./adapters/bare.ts";
import { type Figures, figures, percentile } from "./bench.ts";
import { startSimulatorProcess } from "./simulated.ts";

const apiKey = "sim-bench";
/** About 1,000 tokens in and 200 out: sizes of a usual call. */
const prompt = "Summarise the ticket below in one line. ".repeat(100);
const outputTokens = 200;

/** All have nothing to think about: their answers begin at once. */
const subjects = [
  { vendor: "anthropic", provider: anthropic, model: "claude-haiku-4-5", bare: bareClients.anthropic },
  { vendor: "openai", provider: openai, model: "gpt-4o-mini", bare: bareClients.openai },
  { vendor: "gemini", provider: gemini, model: "gemini-2.5-flash", bare: bareClients.gemini },
] as const;

/** Milliseconds from the start of a call. */
interface Times {
  readonly firstToken: number;
  readonly total: number;
  readonly text: string;
}
type Arm = () => Promise<Times>;

await figures("adapters", async ({ quick, say }) => {
  const simulator = await startSimulatorProcess({
    latency: "none",
    outputTokens: { p50: outputTokens, p99: outputTokens },
  });
  const rounds = quick ? 400 : 2_000;
  const found: Record<string, number> = {};
  for (const { vendor, provider, model, bare } of subjects) {
    const baseUrl = simulator.baseUrls[vendor];
    const connection = provider.connect({ apiKey, baseUrl });
    const client = bare({ apiKey, baseUrl, model, prompt, maxOutputTokens: 1_000 });
    for (const mode of ["whole", "streamed"] as const) {
      const arms = { ours: ours(connection, model, mode === "streamed"), bare: bareArm(client, mode) };
      Object.assign(
        found,
        await compare(`${provider.id}${mode === "whole" ? "Whole" : "Streamed"}`, arms, rounds, say),
      );
    }
  }
  await simulator.end();
  return found;
});

async function compare(
  name: string,
  arms: { readonly ours: Arm; readonly bare: Arm },
  rounds: number,
  say: (line: string) => void,
): Promise<Figures> {
  const times = { ours: [] as Times[], bare: [] as Times[] };
  for (let round = -100; round < rounds; round += 1) {
    const order = round % 2 === 0 ? (["ours", "bare"] as const) : (["bare", "ours"] as const);
    for (const arm of order) {
      const taken = await arms[arm]();
      if (round >= 0) times[arm].push(taken);
    }
  }
  const [own, other] = [times.ours[0]?.text, times.bare[0]?.text];
  if (own === undefined || own === "" || own !== other) throw new Error(`${name}: the arms were told different things`);
  const at = (arm: keyof typeof times, what: "firstToken" | "total", share: number) =>
    percentile(
      times[arm].map((one) => one[what]),
      share,
    );
  const added = (what: "firstToken" | "total", share: number) => at("ours", what, share) - at("bare", what, share);
  for (const what of ["firstToken", "total"] as const) {
    const words = (arm: keyof typeof times) =>
      `${at(arm, what, 0.5).toFixed(2)} / ${at(arm, what, 0.99).toFixed(2)} ms`;
    say(`  ${name} ${what}: p50 / p99 ours ${words("ours")}, bare ${words("bare")}`);
  }
  return {
    [`${name}FirstTokenAddedP50Ms`]: added("firstToken", 0.5),
    [`${name}FirstTokenAddedP99Ms`]: added("firstToken", 0.99),
    [`${name}TotalAddedP50Ms`]: added("total", 0.5),
    [`${name}TotalAddedP99Ms`]: added("total", 0.99),
  };
}

function ours(connection: Connection, model: string, stream: boolean): Arm {
  const body = { ...promptBody(model, prompt), maxOutputTokens: 1_000 };
  return async () => {
    const started = performance.now();
    let firstToken: number | undefined;
    const outcome = await connection.chat?.(
      { model, body, stream, defaultMaxOutputTokens: 1_000, correlation: "bench" },
      {
        signal: new AbortController().signal,
        onDelta: () => {
          firstToken ??= performance.now() - started;
        },
        onActivity: () => {},
      },
    );
    const total = performance.now() - started;
    if (outcome?.ok !== true) throw new Error(`a call failed: ${JSON.stringify(outcome)}`);
    return { firstToken: firstToken ?? total, total, text: outcome.text };
  };
}

function bareArm(client: BareClient, mode: keyof BareClient): Arm {
  return async () => {
    const started = performance.now();
    let firstToken = Number.NaN;
    const text = await client[mode](() => {
      firstToken = performance.now() - started;
    });
    return { firstToken, total: performance.now() - started, text };
  };
}
