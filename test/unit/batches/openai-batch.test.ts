import { expect, test } from "vitest";
import { openaiBatch, openaiStatus } from "../../../producers/batches/openai-batch.ts";
import { publicId, uuidIn } from "../../../producers/batches/public-id.ts";
import type { BatchState } from "../../../src/ledger/batches.ts";
import type { Hosted, SeenBatch } from "../../../src/ledger/hosted-batches.ts";

const at = new Date(1_700_000_000_900);
const hosted: Hosted = {
  wire: "openai",
  endpoint: "/v1/embeddings",
  completionWindow: "24h",
  metadata: undefined,
  inputFile: "file-1",
  apiKeyId: undefined,
  outputFileId: undefined,
  errorFileId: undefined,
  outputExpiresSeconds: undefined,
  expiresAt: at,
  checkedLines: undefined,
  inProgressAt: undefined,
  finalizingAt: undefined,
  cancellingAt: undefined,
  settledAt: undefined,
  outcome: undefined,
  errors: [],
  summary: undefined,
};
const batch = (state: BatchState, more?: Partial<Hosted>): SeenBatch => ({
  id: "01a22cd3-7712-718e-9540-0ae6df8174c1",
  tenant: "t",
  state,
  source: "",
  fingerprint: "",
  options: {},
  total: 5,
  createdAt: at,
  finishedAt: undefined,
  hosted: more === undefined ? undefined : { ...hosted, ...more },
});

test.each<[BatchState, Partial<Hosted> | undefined, string]>([
  ["accepting", {}, "validating"],
  ["accepting", { inProgressAt: at }, "in_progress"],
  ["running", { inProgressAt: at }, "in_progress"],
  ["completed", { inProgressAt: at }, "finalizing"],
  ["cancelling", { cancellingAt: at }, "cancelling"],
  ["cancelled", { cancellingAt: at }, "cancelling"],
  ["completed", { outcome: "completed", settledAt: at }, "completed"],
  ["completed", { outcome: "expired", settledAt: at }, "expired"],
  ["cancelled", { outcome: "cancelled", settledAt: at }, "cancelled"],
  ["failed", { outcome: "failed", settledAt: at }, "failed"],
  ["accepting", undefined, "in_progress"],
  ["running", undefined, "in_progress"],
  ["completed", undefined, "completed"],
  ["cancelled", undefined, "cancelled"],
])("a batch that is %s with %j is said to be %s", (state, more, status) => {
  expect(openaiStatus(batch(state, more))).toBe(status);
});

test("every field is there, null where there is nothing", () => {
  const shown = openaiBatch(batch("accepting", {}), undefined);
  expect(Object.values(shown)).not.toContain(undefined);
  expect(shown).toMatchObject({
    created_at: 1_700_000_000,
    output_file_id: null,
    errors: null,
    usage: null,
    metadata: null,
  });
});

test("ids lose their dashes and find them again; what is none is nobody's", () => {
  const uuid = "01a22cd3-7712-718e-9540-0ae6df8174c1";
  expect(publicId("batch_", uuid)).toBe("batch_01a22cd37712718e95400ae6df8174c1");
  expect(uuidIn("batch_", publicId("batch_", uuid))).toBe(uuid);
  expect(uuidIn("batch_", uuid)).toBe(uuid);
  for (const none of ["", "batch_", "batch_01a2", "file-01a22cd37712718e95400ae6df8174c1", "'; drop table"]) {
    expect(uuidIn("batch_", none)).toBeUndefined();
  }
});
