/**
 * List prices of what is billed by length: a minute of sound, a thousand characters of text. Each holds from its date on,
 * for pay-as-you-go accounts in US dollars; whoever pays by a plan or a contract says so in `prices` of millrace.yaml.
 *
 * Sources, as of November 2026: [D] the vendor's own documentation, [T] a third party that quotes its price page.
 */
import type { UnitPrice } from "../config/unit-price.ts";
import type { Body } from "../request/body.ts";

interface ListPrice extends UnitPrice {
  readonly book: string;
  /** With these letters the vendor's model name begins. */
  readonly model: string;
  /** First day on which it is known to hold, in UTC. */
  readonly since: `${number}-${number}-${number}`;
  /** Whether it is the whole price of such a request. Absent: always. */
  covers?(body: Body): boolean;
}

/**
 * Deepgram bills speakers and expected words apart [T], at prices on which sources do not agree, and more for many languages
 * at once than for one: with any of these the price is not known from the list.
 */
const isPlain = (body: Body): boolean =>
  body.operation === "transcription" &&
  body.diarize !== true &&
  body.vocabulary === undefined &&
  body.providerOptions === undefined &&
  body.language !== undefined &&
  body.language !== "multi";

const listPrices: readonly ListPrice[] = [
  // $0.0043 a minute of a recording in one language, pay as you go [T: three lists of 2026 agree, a fourth takes the price of
  // live sound for it]. Growth plans pay less.
  { book: "deepgram", model: "nova-3", since: "2026-05-05", nanoUsdPerMinute: 4_300_000, covers: isPlain },
  { book: "deepgram", model: "nova-2", since: "2026-05-05", nanoUsdPerMinute: 4_300_000, covers: isPlain },
  // $0.10 a thousand characters [T]; the faster models ask for half a character each [D], which is what the answer's header
  // counts, so one price holds for all. Plans of before 2026 bundle characters at prices of their own [D].
  { book: "elevenlabs", model: "eleven_", since: "2026-06-01", nanoUsdPerThousandCharacters: 100_000_000 },
  // $15 and $30 a million characters of what is read out [D].
  { book: "openai", model: "tts-1-hd", since: "2023-11-06", nanoUsdPerThousandCharacters: 30_000_000 },
  { book: "openai", model: "tts-1", since: "2023-11-06", nanoUsdPerThousandCharacters: 15_000_000 },
];

/** What the list says of a request at a moment, and since when; undefined where it does not say, or not all. */
export function listPriceOf(
  book: string,
  model: string,
  body: Body | undefined,
  at: Date,
): { readonly price: UnitPrice; readonly since: string } | undefined {
  const today = at.toISOString().slice(0, 10);
  const price = listPrices
    .filter((entry) => entry.book === book && model.startsWith(entry.model) && entry.since <= today)
    .sort((one, other) => other.model.length - one.model.length || other.since.localeCompare(one.since))[0];
  if (price === undefined) return undefined;
  if (price.covers !== undefined && (body === undefined || !price.covers(body))) return undefined;
  return { price, since: price.since };
}
