/** What a vendor asks for sound and text by their length, where it does not bill tokens. */
import { z } from "zod";
import { settingsObject } from "./settings-object.ts";

export interface UnitPrice {
  /** Of sound. Whole nano-dollars: a price of a second would be none. */
  readonly nanoUsdPerMinute?: number;
  /** Of text, in the characters that the vendor bills. */
  readonly nanoUsdPerThousandCharacters?: number;
}

const dollars = z
  .number()
  .min(0)
  .max(1_000)
  .transform((usd) => Math.round(usd * 1e9));

/** As price lists say it, in dollars; kept as whole nano-dollars. */
export const unitPriceSchema = settingsObject({
  usdPerMinute: dollars.optional(),
  usdPerThousandCharacters: dollars.optional(),
}).transform(
  ({ usdPerMinute, usdPerThousandCharacters }): UnitPrice => ({
    ...(usdPerMinute === undefined ? {} : { nanoUsdPerMinute: usdPerMinute }),
    ...(usdPerThousandCharacters === undefined ? {} : { nanoUsdPerThousandCharacters: usdPerThousandCharacters }),
  }),
);
