/**
 * Cost of a call in integer nano-dollars, from the price book of @pydantic/genai-prices (its only home). Prices are
 * dated: the book is asked for the moment of the call. Unknown model or usage: undefined, never 0 (invariant 11).
 */
import { readFileSync } from "node:fs";
import { createRequire } from "node:module";
import { pathToFileURL } from "node:url";
import { calcPrice } from "@pydantic/genai-prices";
import { isUsageKnown, type Usage } from "../request/usage.ts";

export interface Cost {
  readonly nanoUsd: bigint;
  /** Which price book said so; kept with every attempt. */
  readonly priceVersion: string;
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
export function costOf(book: string, model: string, usage: Usage, at: Date): Cost | undefined {
  if (!isUsageKnown(usage)) return undefined;
  const dollars = priceInBook(book, model, usage, at);
  if (dollars === undefined) return undefined;
  // The book's totals are floats of dollars; this is the one place where they become integers.
  const nano = Math.round(dollars * 1e9);
  return Number.isSafeInteger(nano) ? { nanoUsd: BigInt(nano), priceVersion } : undefined;
}

function priceInBook(book: string, model: string, usage: Usage, at: Date): number | undefined {
  try {
    return calcPrice(
      {
        input_tokens: usage.inputTokens ?? 0,
        output_tokens: usage.outputTokens ?? 0,
        ...(usage.cacheReadTokens === undefined ? {} : { cache_read_tokens: usage.cacheReadTokens }),
        ...(usage.cacheWriteTokens === undefined ? {} : { cache_write_tokens: usage.cacheWriteTokens }),
      },
      model,
      { providerId: book, timestamp: at },
    )?.total_price;
  } catch {
    // The book throws on usage that cannot be, such as more cached tokens than tokens. The call was made all the same.
    return undefined;
  }
}
