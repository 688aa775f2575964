/** What a batch file would take, from what each of its lines is expected to take; nothing is stored or sent. */
import type { Config } from "../../src/config/config.ts";
import { limitOf } from "../../src/config/pool.ts";
import { prepareOrder } from "../../src/intake/order.ts";
import { costOf } from "../../src/pricing/price.ts";
import type { Body } from "../../src/request/body.ts";
import type { Read } from "../wire/complaint.ts";
import type { Input } from "./input.ts";
import { type Line, readLines } from "./lines.ts";

export interface ModelEstimate {
  readonly model: string;
  /** Where its lines go first. */
  readonly deployment: string;
  readonly lines: number;
  readonly inputTokens: number;
  /** As many as may be produced: the bounds that the lines set, or the usual one. */
  readonly mostOutputTokens: number;
  /** Without any output, and with as much as may be produced; undefined: a price is unknown. */
  readonly leastNanoUsd: bigint | undefined;
  readonly mostNanoUsd: bigint | undefined;
  /** Under the known limits of its pool; undefined: none is known. */
  readonly leastMs: number | undefined;
}

export interface Estimate {
  readonly good: number;
  readonly bad: number;
  readonly models: readonly ModelEstimate[];
}

export async function estimateInput(
  input: Pick<Input, "chunks">,
  config: Config,
  readBody: (line: Line) => Read<Body>,
): Promise<Estimate> {
  const sums = new Map<string, Sum>();
  let bad = 0;
  for await (const line of readLines(input.chunks())) {
    const body = readBody(line);
    const counted = body.ok && count(sums, config, body.value);
    if (!counted) bad += 1;
  }
  const models = [...sums.values()].map((sum): ModelEstimate => ({ ...sum, leastMs: leastMs(config, sum) }));
  return { good: models.reduce((lines, model) => lines + model.lines, 0), bad, models };
}

interface Sum {
  readonly model: string;
  readonly deployment: string;
  lines: number;
  inputTokens: number;
  mostOutputTokens: number;
  leastNanoUsd: bigint | undefined;
  mostNanoUsd: bigint | undefined;
}

/** False: nobody can run it. */
function count(sums: Map<string, Sum>, config: Config, body: Body): boolean {
  const now = new Date();
  const prepared = prepareOrder(config, { body, tenant: config.tenant, priority: "bulk" }, now.getTime());
  if (!prepared.ok) return false;
  const { model, deployment, estInputTokens, estOutputTokens } = prepared.row;
  const key = `${model} ${deployment}`;
  const sum = sums.get(key) ?? fresh(model, deployment);
  sums.set(key, sum);
  const costWith = (outputTokens: number) => {
    const found = config.catalog.deployment(deployment);
    if (found === undefined) return undefined;
    const usage = { inputTokens: estInputTokens, outputTokens };
    return costOf(found.priceBook, found.model, usage, now, { unitPrice: found.unitPrice, body })?.nanoUsd;
  };
  sum.lines += 1;
  sum.inputTokens += estInputTokens;
  sum.mostOutputTokens += estOutputTokens;
  sum.leastNanoUsd = plus(sum.leastNanoUsd, costWith(0));
  sum.mostNanoUsd = plus(sum.mostNanoUsd, costWith(estOutputTokens));
  return true;
}

const fresh = (model: string, deployment: string): Sum => ({
  model,
  deployment,
  lines: 0,
  inputTokens: 0,
  mostOutputTokens: 0,
  leastNanoUsd: 0n,
  mostNanoUsd: 0n,
});

const plus = (one: bigint | undefined, other: bigint | undefined): bigint | undefined =>
  one === undefined || other === undefined ? undefined : one + other;

function leastMs({ catalog }: Config, { deployment, lines, inputTokens }: Sum): number | undefined {
  const pool = catalog.pools.get(catalog.deployment(deployment)?.pool ?? "");
  if (pool === undefined) return undefined;
  const minutes = [
    [lines, limitOf(pool, "requests")] as const,
    [inputTokens, limitOf(pool, "inputTokens")] as const,
  ].flatMap(([asked, perMinute]) => (perMinute === undefined ? [] : asked / perMinute));
  return minutes.length === 0 ? undefined : Math.round(Math.max(...minutes) * 60_000);
}

/** Integers of money as texts: JSON numbers are not exact. What is unknown is null. */
export const estimateJson = ({ good, bad, models }: Estimate) => ({
  good,
  bad,
  models: models.map((model) => ({
    model: model.model,
    deployment: model.deployment,
    lines: model.lines,
    input_tokens: model.inputTokens,
    most_output_tokens: model.mostOutputTokens,
    least_cost_nano_usd: model.leastNanoUsd?.toString() ?? null,
    most_cost_nano_usd: model.mostNanoUsd?.toString() ?? null,
    least_ms: model.leastMs ?? null,
  })),
});
