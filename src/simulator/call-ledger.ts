/**
 * Every call that came in, in order of arrival: the oracle for "how often was this really sent". Kept in columns, so that
 * a million calls cost about 120 MB, correlations included (measured), and the collector next to nothing. Beyond `capacity`
 * the oldest are forgotten.
 */
import { digestHex } from "./digest.ts";
import { type FaultKind, faultKinds } from "./faults.ts";
import { type Dimension, dimensions } from "./refusal.ts";
import { type Vendor, vendors } from "./vendor.ts";

/** `open`: still under way. `hang`: left without an answer on purpose. `cut`: broken off on purpose. */
const ends = ["open", "complete", "client-left", "cut", "hang"] as const;
export type Ended = (typeof ends)[number];

export interface CallRecord {
  /** Counts arrivals from 0; goes on after `clear`. */
  readonly seq: number;
  readonly requestId: string;
  readonly atMs: number;
  readonly provider: Vendor;
  readonly streamed: boolean;
  readonly ended: Ended;
  readonly model?: string;
  /** The last four characters of the API key. */
  readonly keyTail?: string;
  /** `x-millrace-request` of the caller. */
  readonly correlation?: string;
  readonly textHash?: string;
  /** Absent while nothing is answered. */
  readonly status?: number;
  readonly inputTokens?: number;
  /** Tokens really produced, whatever was reported. */
  readonly outputTokens?: number;
  readonly fault?: FaultKind;
  /** The limit that refused it; absent for refusals to order. */
  readonly refusedBy?: Dimension;
}

export interface NewCall {
  readonly atMs: number;
  readonly provider: Vendor;
  readonly streamed: boolean;
  readonly model: string | undefined;
  readonly keyTail: string | undefined;
  readonly correlation: string | undefined;
  readonly textDigest: number | undefined;
  readonly inputTokens: number | undefined;
}

export interface CallChange {
  readonly status?: number;
  readonly ended?: Ended;
  readonly outputTokens?: number;
  readonly fault?: FaultKind | undefined;
  readonly refusedBy?: Dimension | undefined;
}

export interface CallLedger {
  /** Returns the call's number. */
  open(call: NewCall): number;
  /** Ignored for a call that is forgotten. */
  change(seq: number, change: CallChange): void;
  /** Calls with numbers from `since` on, oldest first. */
  calls(since?: number, limit?: number): Generator<CallRecord>;
  clear(): void;
  /** The number of the oldest call kept, and of the next to come. */
  readonly first: number;
  readonly next: number;
}

export const requestIdOf = (seq: number): string => `req_sim${seq.toString(36).padStart(12, "0")}`;

const pageCalls = 8_192;
const unknown = -1;

export function createCallLedger(capacity: number): CallLedger {
  let pages: Page[] = [];
  let firstPage = 0;
  let first = 0;
  let next = 0;
  const names = new Map<string, string>();
  /** One copy of each name that comes often; JSON.parse makes a new one every time. */
  const shared = (name: string | undefined) => {
    const known = name === undefined ? undefined : names.get(name);
    if (name !== undefined && known === undefined && names.size < 4_096) names.set(name, name);
    return known ?? name;
  };
  const pageOf = (seq: number) => pages[Math.floor(seq / pageCalls) - firstPage];
  return {
    open(call) {
      const seq = next++;
      if (seq % pageCalls === 0 || pages.length === 0) pages.push(newPage());
      if (next - first > capacity) first = next - capacity;
      for (; firstPage < Math.floor(first / pageCalls); firstPage += 1) pages.shift();
      const page = pageOf(seq);
      if (page !== undefined) write(page, seq % pageCalls, call, shared);
      return seq;
    },
    change(seq, change) {
      const page = seq < first ? undefined : pageOf(seq);
      if (page === undefined) return;
      const row = seq % pageCalls;
      if (change.status !== undefined) page.status[row] = change.status;
      if (change.ended !== undefined) page.ended[row] = ends.indexOf(change.ended);
      if (change.outputTokens !== undefined) page.outputTokens[row] = change.outputTokens;
      if (change.fault !== undefined) page.fault[row] = faultKinds.indexOf(change.fault);
      if (change.refusedBy !== undefined) page.refusedBy[row] = dimensions.indexOf(change.refusedBy);
    },
    *calls(since = 0, limit = Number.POSITIVE_INFINITY) {
      const begin = Math.max(since, first);
      const end = Math.min(next, begin + limit);
      for (let seq = begin; seq < end; seq += 1) {
        const page = pageOf(seq);
        if (page !== undefined) yield read(page, seq);
      }
    },
    clear() {
      first = next;
      pages = [];
      firstPage = Math.floor(next / pageCalls);
    },
    get first() {
      return first;
    },
    get next() {
      return next;
    },
  };
}

const newPage = () => ({
  atMs: new Float64Array(pageCalls),
  textDigest: new Float64Array(pageCalls),
  inputTokens: new Int32Array(pageCalls),
  outputTokens: new Int32Array(pageCalls),
  status: new Uint16Array(pageCalls),
  vendor: new Uint8Array(pageCalls),
  streamed: new Uint8Array(pageCalls),
  ended: new Uint8Array(pageCalls),
  fault: new Int8Array(pageCalls),
  refusedBy: new Int8Array(pageCalls),
  model: new Array<string | undefined>(pageCalls),
  keyTail: new Array<string | undefined>(pageCalls),
  correlation: new Array<string | undefined>(pageCalls),
});
type Page = ReturnType<typeof newPage>;

function write(page: Page, row: number, call: NewCall, shared: (name: string | undefined) => string | undefined): void {
  page.atMs[row] = call.atMs;
  page.textDigest[row] = call.textDigest ?? unknown;
  page.inputTokens[row] = call.inputTokens ?? unknown;
  page.outputTokens[row] = unknown;
  page.vendor[row] = vendors.indexOf(call.provider);
  page.streamed[row] = call.streamed ? 1 : 0;
  page.fault[row] = unknown;
  page.refusedBy[row] = unknown;
  page.model[row] = shared(call.model);
  page.keyTail[row] = shared(call.keyTail);
  page.correlation[row] = call.correlation;
}

function read(page: Page, seq: number): CallRecord {
  const row = seq % pageCalls;
  const [model, keyTail, correlation] = [page.model[row], page.keyTail[row], page.correlation[row]];
  const [textDigest, status] = [page.textDigest[row] ?? unknown, page.status[row] ?? 0];
  const [inputTokens, outputTokens] = [page.inputTokens[row] ?? unknown, page.outputTokens[row] ?? unknown];
  const fault = faultKinds[page.fault[row] ?? unknown];
  const refusedBy = dimensions[page.refusedBy[row] ?? unknown];
  return {
    seq,
    requestId: requestIdOf(seq),
    atMs: page.atMs[row] ?? 0,
    provider: vendors[page.vendor[row] ?? 0] ?? vendors[0],
    streamed: page.streamed[row] === 1,
    ended: ends[page.ended[row] ?? 0] ?? "open",
    ...(model === undefined ? {} : { model }),
    ...(keyTail === undefined ? {} : { keyTail }),
    ...(correlation === undefined ? {} : { correlation }),
    ...(textDigest === unknown ? {} : { textHash: digestHex(textDigest) }),
    ...(status === 0 ? {} : { status }),
    ...(inputTokens === unknown ? {} : { inputTokens }),
    ...(outputTokens === unknown ? {} : { outputTokens }),
    ...(fault === undefined ? {} : { fault }),
    ...(refusedBy === undefined ? {} : { refusedBy }),
  };
}
