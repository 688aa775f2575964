import { expect, it } from "vitest";
import { attemptLines, costWords, requestDocument } from "../../../producers/cli/request-words.ts";
import type { AttemptView, RequestView } from "../../../src/ledger/requests.ts";

const attempt: AttemptView = {
  attempt: 1,
  provider: "openai",
  model: "gpt-5-mini",
  outcome: "succeeded",
  failureKind: null,
  failureMessage: null,
  durationMs: 800,
  firstTokenMs: null,
  inputTokens: 12,
  outputTokens: 34,
  usage: { inputTokens: 12, outputTokens: 34 },
  costNanoUsd: "106750",
  startedAt: new Date(0),
};
const unpriced: AttemptView = { ...attempt, inputTokens: null, outputTokens: null, usage: {}, costNanoUsd: null };
const refused: AttemptView = { ...unpriced, outcome: "failed", failureKind: "server", failureMessage: "oops" };
const brokenOff: AttemptView = { ...refused, failureKind: "timeout" };

const request: RequestView = {
  id: "01890000-0000-7000-8000-000000000000",
  tenant: "acme",
  batchId: undefined,
  model: "default",
  deployment: "openai/gpt-5-mini",
  lane: "openai.gpt-5-mini",
  priority: 2,
  state: "succeeded",
  attempts: 1,
  dispatchNo: 1,
  passedOver: [],
  failure: undefined,
  rejected: undefined,
  holdReason: undefined,
  notBefore: undefined,
  createdAt: new Date(0),
  finishedAt: new Date(1_000),
  result: undefined,
  kept: { prompt: "whole", answer: "whole" },
};

it("says the cost of all calls, and what is missing from it", () => {
  expect(costWords([])).toBe("-");
  expect(costWords([attempt, attempt])).toBe("$0.0002135");
  expect(costWords([refused, attempt])).toBe("$0.00010675");
  expect(costWords([attempt, unpriced])).toBe("$0.00010675 + 1 call of unknown cost");
  expect(costWords([brokenOff])).toBe("cost unknown (1 call of unknown cost)");
});

it("never shows an unknown as nothing", () => {
  expect(attemptLines([unpriced])[0]).toContain("tokens unknown in, unknown out, cost unknown");
  expect(attemptLines([refused])[0]).toContain("openai/gpt-5-mini failed server: oops");
  expect(attemptLines([refused])[0]).toMatch(/cost -$/);
  expect(requestDocument(request, [unpriced])).toMatchObject({ cost_nano_usd: null, calls_of_unknown_cost: 1 });
  expect(requestDocument(request, [attempt, unpriced])).toMatchObject({
    cost_nano_usd: "106750",
    calls_of_unknown_cost: 1,
  });
  expect(requestDocument(request, [])).toMatchObject({ cost_nano_usd: null, calls_of_unknown_cost: 0 });
});
