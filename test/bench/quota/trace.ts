/**
 * Lengths of real requests. `--trace FILE` reads a CSV with the columns `context_tokens` and `generated_tokens`, in the
 * order of the file, from a place that the seed chooses. Without it lengths are drawn from 33 quantiles of the same trace:
 *   Azure LLM inference 2023, conversations; github.com/Azure/AzurePublicDataset, CC-BY-4.0 (P. Patel et al.: Splitwise, ISCA 2024).
 */
import { readFileSync } from "node:fs";
import { randomFrom } from "../../support/random.ts";

export interface Length {
  readonly inputTokens: number;
  readonly outputTokens: number;
}

/** What every request allows: nobody knows its answer's length beforehand. */
export const maxOutputTokens = 1_024;

const contextQuantiles = [
  2, 165, 194, 206, 235, 374, 383, 391, 396, 401, 405, 412, 428, 818, 966, 1001, 1020, 1037, 1052, 1067, 1083, 1100,
  1120, 1147, 1189, 1312, 1335, 1766, 2309, 3018, 4079, 4089, 14050,
];
const generatedQuantiles = [
  7, 33, 45, 53, 60, 68, 75, 81, 85, 89, 92, 95, 99, 104, 110, 118, 129, 141, 157, 171, 195, 223, 377, 389, 395, 397,
  402, 411, 416, 427, 440, 502, 1000,
];

export const traceName = (): string => (traceFile() === undefined ? "quantiles of the Azure trace" : "trace file");

/** `count` lengths; the same ones for a seed. */
export function lengths(seed: number, count: number): readonly Length[] {
  const random = randomFrom(seed);
  const file = traceFile();
  if (file === undefined) {
    return Array.from({ length: count }, () =>
      fitted(drawn(contextQuantiles, random()), drawn(generatedQuantiles, random())),
    );
  }
  const rows = readTrace(file);
  const from = Math.floor(random() * rows.length);
  return Array.from({ length: count }, (_, at) => rows[(from + at) % rows.length] ?? fitted(1, 1));
}

const fitted = (inputTokens: number, outputTokens: number): Length => ({
  // The prompt names the length of its answer; there must be room for that.
  inputTokens: Math.max(8, Math.round(inputTokens)),
  outputTokens: Math.min(maxOutputTokens, Math.max(1, Math.round(outputTokens))),
});

function traceFile(): string | undefined {
  const at = process.argv.indexOf("--trace");
  return at < 0 ? undefined : process.argv[at + 1];
}

function readTrace(file: string): readonly Length[] {
  const [head = "", ...lines] = readFileSync(file, "utf8").trim().split(/\r?\n/);
  const columns = head.split(",");
  const [context, generated] = [columns.indexOf("context_tokens"), columns.indexOf("generated_tokens")];
  if (context < 0 || generated < 0) throw new Error(`${file} needs the columns context_tokens and generated_tokens`);
  return lines.map((line) => {
    const cells = line.split(",");
    return fitted(Number(cells[context]), Number(cells[generated]));
  });
}

function drawn(quantiles: readonly number[], share: number): number {
  const place = share * (quantiles.length - 1);
  const [low = 0, high = low] = quantiles.slice(Math.floor(place), Math.floor(place) + 2);
  return low + (high - low) * (place - Math.floor(place));
}

/** A prompt of so many tokens (four characters each, as the simulator counts) that orders the length of its answer. */
export function promptOf({ inputTokens, outputTokens }: Length): string {
  const order = `[output ${outputTokens}] `;
  const characters = Math.max(order.length, inputTokens * 4);
  return (order + "The parcel came late and one part was missing. ".repeat(Math.ceil(characters / 47))).slice(
    0,
    characters,
  );
}
