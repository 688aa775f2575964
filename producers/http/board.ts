/** Bull Board at `/board`: the shallow window of every lane. The backlog is in the ledger, so it is cheap at any size. */
import { createBullBoard } from "@bull-board/api";
import { FastifyAdapter } from "@bull-board/fastify";
import type { FastifyInstance } from "fastify";
import type { Fleet } from "../../src/fleet/fleet.ts";
import { refusalOfAction } from "./board-actions.ts";
import { boardLanes } from "./board-lanes.ts";
import { boardPath } from "./board-path.ts";

export function addBoard(app: FastifyInstance, fleet: Fleet): void {
  const lanes = boardLanes(fleet);
  const serverAdapter = new FastifyAdapter();
  serverAdapter.setBasePath(boardPath);
  createBullBoard({
    queues: [...lanes.adapters],
    serverAdapter,
    options: {
      uiConfig: {
        boardTitle: "Millrace",
        // CLIENT LIST per lane and refresh; `millrace queue status` counts workers when asked.
        showWorkers: false,
        hideDocsLink: true,
        sortQueues: true,
        pollingInterval: { showSetting: true },
        miscLinks: [{ text: "Metrics", url: "/metrics" }],
      },
      handlerHooks: {
        before({ method, route, request }) {
          const reason = refusalOfAction({ method, route, body: request.body });
          if (reason === undefined) return;
          return { allow: false, status: 409, message: reason };
        },
        async after({ route }, result) {
          if (route === "/api/queues/pause") await lanes.pauseAll();
          return result;
        },
      },
    },
  });
  app.register(
    async (scope) => {
      scope.addHook("onRequest", async (_request, reply) => {
        void reply.header("content-security-policy", pagePolicy);
      });
      await scope.register(serverAdapter.registerPlugin());
    },
    { prefix: boardPath },
  );
}

/** Its own scripts only. The page also asks Google for a font: refused, so that a look at the board tells nobody. */
const pagePolicy =
  "default-src 'self'; style-src 'self' 'unsafe-inline'; img-src 'self' data:; object-src 'none'; base-uri 'self'; frame-ancestors 'none'";
