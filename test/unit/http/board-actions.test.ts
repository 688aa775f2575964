import { appRoutes } from "@bull-board/api/dist/routes.js";
import { describe, expect, it } from "vitest";
import { refusalOfAction } from "../../../producers/http/board-actions.ts";

const refusal = (method: string, route: string, body: unknown = {}) => refusalOfAction({ method, route, body });

/** Everything that Bull Board can be asked to change, as `METHOD route`. */
const actions = appRoutes.api
  .flatMap((entry) => [entry.method].flat().map((method) => ({ method, route: [entry.route].flat()[0] ?? "" })))
  .filter(({ method }) => method !== "get");

describe("refusalOfAction", () => {
  it("lets everybody look", () => {
    expect(refusal("get", "/api/queues")).toBeUndefined();
    expect(refusal("GET", "/api/queues/:queueName/:jobId/logs")).toBeUndefined();
  });

  it("allows of all that the board offers only what the ledger makes good again", () => {
    const allowed = actions.filter(({ method, route }) => refusal(method, route, { priority: 2 }) === undefined);

    expect(allowed.map(({ method, route }) => `${method} ${route}`).sort()).toEqual([
      "patch /api/queues/:queueName/:jobId/priority",
      "put /api/queues/:queueName/:jobId/clean",
      "put /api/queues/:queueName/clean/:queueStatus",
      "put /api/queues/:queueName/empty",
      "put /api/queues/:queueName/pause",
      "put /api/queues/:queueName/resume",
      "put /api/queues/pause",
      "put /api/queues/resume",
    ]);
  });

  it("refuses an action that a later version of the board may bring", () => {
    expect(refusal("put", "/api/queues/:queueName/shuffle")).toContain("does not know");
  });

  it("says for every button of the board why not", () => {
    const buttons = ["/:jobId/retry", "/retry/:queueStatus", "/:jobId/promote", "/promote", "/add", "/obliterate"];
    for (const button of [...buttons, "/:jobId/update-data", "/concurrency", "/rate-limit"]) {
      expect(refusal("put", `/api/queues/:queueName${button}`)).not.toMatch(/undefined|does not know/);
    }
  });

  it.each([0, -1, 4, 2_097_151, 1.5, "1", undefined, null])("refuses %s as a priority", (priority) => {
    expect(refusal("patch", "/api/queues/:queueName/:jobId/priority", { priority })).toContain("1 (interactive)");
  });
});
