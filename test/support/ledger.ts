/** A ledger on a database of the test's own, and rows on it in any state, each brought there the way the fleet does. */
import { v7 as uuidv7 } from "uuid";
import { onTestFinished } from "vitest";
import { acceptRequests, type NewRequest } from "../../src/ledger/accept.ts";
import { markDispatched } from "../../src/ledger/backlog.ts";
import { type Claim, type ClaimedRequest, claimRequests } from "../../src/ledger/claim.ts";
import { type Ledger, openLedger } from "../../src/ledger/ledger.ts";
import { type RecordInput, recordRequests } from "../../src/ledger/record.ts";
import { cancelRequest } from "../../src/ledger/requests.ts";
import { promptBody } from "../../src/request/body.ts";
import type { RequestState } from "../../src/request/lifecycle.ts";
import type { Result } from "../../src/request/result.ts";
import type { TestServices } from "./services.ts";

export async function openTestLedger(services: TestServices): Promise<Ledger> {
  const ledger = openLedger(await services.emptyDatabase());
  onTestFinished(() => ledger.close());
  return ledger;
}

export const newRequest = (more: Partial<NewRequest> = {}): NewRequest => ({
  id: uuidv7(),
  tenant: "t",
  model: "claude-haiku-4-5",
  deployment: "anthropic/claude-haiku-4-5",
  lane: "anthropic.haiku",
  priority: 3,
  body: promptBody("claude-haiku-4-5", "What is 2 + 2?"),
  estInputTokens: 12,
  estOutputTokens: 16,
  ...more,
});

/** Accepts `count` requests; their ids in order. */
export async function accepted(ledger: Ledger, count: number, more: Partial<NewRequest> = {}): Promise<string[]> {
  const rows = Array.from({ length: count }, () => newRequest(more));
  await acceptRequests(ledger, rows);
  return rows.map((row) => row.id);
}

/** A queued request, dispatched and claimed. */
export async function running(ledger: Ledger, id: string, leaseMs = 60_000): Promise<ClaimedRequest> {
  const [row] = await markDispatched(ledger, [id], "epoch");
  const claimed = row === undefined ? undefined : await claim(ledger, { id, dispatchNo: row.dispatchNo }, leaseMs);
  if (claimed === undefined) throw new Error(`${id} could not be claimed`);
  return claimed;
}

export const claim = (
  ledger: Ledger,
  which: Omit<Claim, "leaseToken">,
  leaseMs = 60_000,
): Promise<ClaimedRequest | undefined> => claimRequests(ledger, leaseMs)({ ...which, leaseToken: uuidv7() });

export const result: Result = {
  text: "4",
  finish: { unified: "stop", raw: "end_turn" },
  provider: "anthropic",
  model: "claude-haiku-4-5",
  deployment: "anthropic/claude-haiku-4-5",
};

/** What a worker hands in at the end of a call. */
export const ending = (claimed: ClaimedRequest, more: Partial<RecordInput> = {}): RecordInput => ({
  requestId: claimed.id,
  leaseToken: claimed.leaseToken,
  tenant: claimed.tenant,
  batchId: claimed.batchId,
  dispatchNo: claimed.dispatchNo,
  attemptNo: claimed.attemptsSpent + 1,
  event: "succeed",
  spent: true,
  ...more,
});

export const call = (more: Partial<NonNullable<RecordInput["attempt"]>> = {}): NonNullable<RecordInput["attempt"]> => ({
  provider: "anthropic",
  model: "claude-haiku-4-5",
  deployment: "anthropic/claude-haiku-4-5",
  outcome: "succeeded",
  usage: { inputTokens: 12, outputTokens: 3 },
  costNanoUsd: 27_000n,
  priceVersion: "test@1",
  streamed: false,
  startedAt: new Date(),
  durationMs: 120,
  ...more,
});

export interface RequestRow {
  readonly state: RequestState;
  readonly attempt: number;
  readonly deployment_attempt: number;
  readonly lost: number;
  readonly dispatch_no: number;
  readonly lane: string;
  readonly deployment: string;
  readonly lease_token: string | null;
  readonly failure_kind: string | null;
  readonly failure_message: string | null;
  readonly not_before: Date | null;
  readonly finished_at: Date | null;
  readonly batch_id: string | null;
}

export async function rowOf(ledger: Ledger, id: string): Promise<RequestRow> {
  const [row] = await ledger.sql<RequestRow[]>`select * from requests where id = ${id}`;
  if (row === undefined) throw new Error(`no request ${id}`);
  return row;
}

export const stateOf = async (ledger: Ledger, id: string): Promise<RequestState> => (await rowOf(ledger, id)).state;

/** A new request in the given state. */
export async function requestIn(ledger: Ledger, state: RequestState, more: Partial<NewRequest> = {}): Promise<string> {
  const [id = ""] = await accepted(ledger, 1, more);
  const record = recordRequests(ledger);
  const end = async (input: Partial<RecordInput>) => void (await record(ending(await running(ledger, id), input)));
  const ways: Readonly<Record<RequestState, () => Promise<unknown>>> = {
    queued: async () => {},
    dispatched: () => markDispatched(ledger, [id], "epoch"),
    running: () => running(ledger, id),
    waiting: () => end({ event: "postpone", delayMs: 0 }),
    held: () => end({ event: "hold", spent: false, holdReason: "a person is asked" }),
    succeeded: () => end({ result }),
    failed: () => end({ event: "fail", failure: { kind: "client", message: "no" } }),
    cancelled: () => cancelRequest(ledger, id),
  };
  await ways[state]();
  return id;
}
