/**
 * Cost of a call in integer nano-dollars: by length at the agreed price or the list's (unit-prices.ts), by tokens from the
 * price book of @pydantic/genai-prices (its only home). Prices are dated: the book is asked for the moment of the call.
 * Unknown model or usage: undefined, never 0 (invariant 11).
 */
import { readFileSync } from "node:fs";
import { createRequire } from "node:module";
import { pathToFileURL } from "node:url";
import { calcPrice } from "@pydantic/genai-prices";
import type { UnitPrice } from "../config/unit-price.ts";
import type { Body } from "../request/body.ts";
import { isUsageKnown, type Usage } from "../request/usage.ts";
import { listPriceOf } from "./unit-prices.ts";

export interface Cost {
  readonly nanoUsd: bigint;
  /** Which prices said so; kept with every attempt. */
  readonly priceVersion: string;
}

/** What a price may depend on beside model and usage. */
export interface PriceTerms {
  /** The operator's own price, which comes before every list. */
  readonly unitPrice?: UnitPrice | undefined;
  /** What was asked for: some of it is billed apart. */
  readonly body?: Body;
}

const require = createRequire(import.meta.url);

/** The package's entry lies in `dist/`; its package.json is not exported, so it is read beside it. */
const bookVersion = (): string => {
  const entry = require.resolve("@pydantic/genai-prices");
  const manifest: unknown = JSON.parse(readFileSync(new URL("../package.json", pathToFileURL(entry)), "utf8"));
  const version =
    typeof manifest === "object" && manifest !== null && "version" in manifest ? manifest.version : "unknown";
  return `genai-prices@${version}`;
};
const priceVersion = bookVersion();

/** `book` is the book's own name of the provider; it is data of the deployment. */
export function costOf(
  book: string,
  model: string,
  usage: Usage,
  at: Date,
  { unitPrice, body }: PriceTerms = {},
): Cost | undefined {
  if (unitPrice !== undefined) {
    const agreed = costByLength(unitPrice, usage);
    return agreed === undefined ? undefined : { nanoUsd: agreed, priceVersion: "millrace.yaml" };
  }
  const list = listPriceOf(book, model, body, at);
  const listed = list === undefined ? undefined : costByLength(list.price, usage);
  if (list !== undefined && listed !== undefined) return { nanoUsd: listed, priceVersion: `list@${list.since}` };
  const dollars = priceInBook(book, model, usage, at);
  if (dollars === undefined) return undefined;
  // The book's totals are floats of dollars; this is the one place where they become integers.
  const nano = Math.round(dollars * 1e9);
  return Number.isSafeInteger(nano) ? { nanoUsd: BigInt(nano), priceVersion } : undefined;
}

/** Undefined where a length is not known that has a price. */
function costByLength({ nanoUsdPerMinute, nanoUsdPerThousandCharacters }: UnitPrice, usage: Usage): bigint | undefined {
  const { audioSeconds, characters } = usage;
  const parts = [
    ...(nanoUsdPerMinute === undefined
      ? []
      : [audioSeconds === undefined ? Number.NaN : (audioSeconds / 60) * nanoUsdPerMinute]),
    ...(nanoUsdPerThousandCharacters === undefined
      ? []
      : [characters === undefined ? Number.NaN : (characters / 1_000) * nanoUsdPerThousandCharacters]),
  ];
  const nano = Math.round(parts.reduce((sum, part) => sum + part, 0));
  return parts.length > 0 && Number.isSafeInteger(nano) && nano >= 0 ? BigInt(nano) : undefined;
}

function priceInBook(book: string, model: string, usage: Usage, at: Date): number | undefined {
  const bySeconds = usage.audioSeconds !== undefined && usage.inputTokens === undefined;
  if (!bySeconds && !isUsageKnown(usage)) return undefined;
  try {
    const found = calcPrice(bySeconds ? { audio_seconds: usage.audioSeconds } : tokensFor(usage), model, {
      providerId: book,
      timestamp: at,
    });
    // A model without a price for sound would come out at nothing.
    return bySeconds && found?.model_price["audio_hours"] === undefined ? undefined : found?.total_price;
  } catch {
    // The book throws on usage that cannot be, such as more cached tokens than tokens, and on what it cannot tell apart: sound
    // of which some was cached. The call was made all the same.
    return undefined;
  }
}

/** In the book's words. What is not known is left out: the book then takes it for the plain kind. */
const tokensFor = (usage: Usage): Record<string, number | undefined> => ({
  input_tokens: usage.inputTokens,
  output_tokens: usage.outputTokens,
  ...given("cache_read_tokens", usage.cacheReadTokens),
  ...given("cache_write_tokens", usage.cacheWriteTokens),
  ...given("cache_write_1h_tokens", usage.cacheWriteHourTokens),
  ...given("input_audio_tokens", usage.audioInputTokens),
  ...given("output_audio_tokens", usage.audioOutputTokens),
  ...given("input_image_tokens", usage.imageInputTokens),
  ...given("input_video_tokens", usage.videoInputTokens),
});

const given = (key: string, count: number | undefined): Record<string, number> =>
  count === undefined || count === 0 ? {} : { [key]: count };
