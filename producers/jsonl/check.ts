/** The first reading of a batch file: every line is judged, nothing is stored, and the content gets its hash. */
import { createHash, type Hash } from "node:crypto";
import type { Body } from "../../src/request/body.ts";
import type { Input } from "./input.ts";
import { readLine } from "./line.ts";
import { readLines } from "./lines.ts";
import type { LineDefaults } from "./parsed-line.ts";
import { openProblems, type Problems } from "./problems.ts";
import { openSeenIds } from "./seen-ids.ts";
import { openWarnings, type Warnings } from "./warnings.ts";

export interface Rules {
  readonly defaults: LineDefaults;
  readonly verdict: (body: Body) => Verdict;
}

/** Of a body that can be read. */
export interface Verdict {
  /** Why nobody can run it (unknown model, missing key). */
  readonly refusal?: string;
  /** What may go wrong with it. */
  readonly warning?: string;
}

export interface Checked {
  /** Lines that can run. */
  readonly good: number;
  readonly problems: Problems;
  readonly warnings: Warnings;
  /** SHA-256 of the bytes, in hex. */
  readonly contentHash: string;
}

/** Memory does not follow the size of the file, but for 24 to 48 bytes an id. */
export async function checkInput(input: Input, rules: Rules): Promise<Checked> {
  const problems = openProblems();
  const warnings = openWarnings();
  const ids = openSeenIds();
  const hash = createHash("sha256");
  let good = 0;
  for await (const line of readLines(hashed(input.chunks(), hash))) {
    const read = readLine(line, rules.defaults);
    const verdict: Verdict = read.ok ? rules.verdict(read.value.body) : { refusal: read.reason };
    const reason = verdict.refusal;
    if (verdict.warning !== undefined) warnings.add(line.no, verdict.warning);
    const twin = read.ok && reason === undefined ? ids.firstLine(read.value.customId, line.no) : undefined;
    if (reason !== undefined) problems.add({ line: line.no, reason });
    else if (read.ok && twin !== undefined)
      problems.add({ line: line.no, reason: duplicate(read.value.customId, twin) });
    else good += 1;
  }
  return { good, problems, warnings, contentHash: hash.digest("hex") };
}

const duplicate = (id: string, line: number): string => `has the id ${JSON.stringify(id)} of line ${line} again`;

/** The same bytes, hashed as they pass. */
export async function* hashed(chunks: AsyncIterable<Uint8Array>, hash: Hash): AsyncGenerator<Uint8Array> {
  for await (const chunk of chunks) {
    hash.update(chunk);
    yield chunk;
  }
}
