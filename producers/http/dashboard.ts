/**
 * The dashboard at `/`: a page of our own files, and `/dashboard/events`, which tells it every two seconds how the fleet
 * stands. All browsers share one look, and nobody looks while no page is open.
 */
import { readFileSync } from "node:fs";
import type { FastifyInstance } from "fastify";
import type { Fleet } from "../../src/fleet/fleet.ts";
import { openLooker } from "./dashboard/look.ts";
import { shareLooks } from "./dashboard/shared-look.ts";
import { openEvents } from "./event-writer.ts";
import { goneOf, leaving } from "./leaving.ts";
import { type Problem, sendProblem } from "./problem.ts";

const lookEveryMs = 2_000;
const maxWatchers = 100;
/** Then the page comes again, and its key is asked for again. */
const longestMs = 300_000;
const comeBackMs = 500;

export function addDashboard(app: FastifyInstance, fleet: Fleet, closing: AbortSignal): void {
  for (const { path, type, body } of pageFiles()) {
    app.get(path, async (_request, reply) => reply.headers({ ...pageHeaders, "content-type": type }).send(body));
  }
  const looker = openLooker(fleet);
  app.addHook("onClose", async () => looker.close());
  const shared = shareLooks(async () => JSON.stringify(await looker.look()), lookEveryMs, closing);
  let watchers = 0;
  app.get("/dashboard/events", async (_request, reply) => {
    if (watchers >= maxWatchers) return sendProblem(reply, tooManyWatchers);
    const { raw } = reply;
    const gone = AbortSignal.any([goneOf(leaving(reply), closing), AbortSignal.timeout(longestMs)]);
    openEvents(reply, gone).begin();
    raw.write(`retry: ${comeBackMs}\n\n`);
    watchers += 1;
    const leave = () => {
      watchers -= 1;
      raw.end();
    };
    // Nobody is told of an abort that was before.
    if (gone.aborted) return leave();
    gone.addEventListener("abort", leave, { once: true });
    shared.watch((look) => {
      // Who is slow to read misses looks; the next one says it all.
      if (!raw.writableNeedDrain) raw.write(`event: look\ndata: ${look}\n\n`);
    }, gone);
    return undefined;
  });
}

/** Nothing from elsewhere, nothing inline, and no text that becomes markup. */
const pageHeaders = {
  "content-security-policy":
    "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; img-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'; require-trusted-types-for 'script'",
};

interface PageFile {
  readonly path: string;
  readonly type: string;
  readonly body: Buffer;
}

const scripts = [
  "page",
  "batches",
  "chart",
  "circuits",
  "failures",
  "lanes",
  "live",
  "node",
  "pools",
  "traffic",
  "words",
];

/** Read once; they lie beside this file, in the sources and in the build alike. */
function pageFiles(): readonly PageFile[] {
  const read = (name: string) => readFileSync(new URL(`./dashboard/page/${name}`, import.meta.url));
  return [
    { path: "/", type: "text/html; charset=utf-8", body: read("page.html") },
    ...["page", "parts"].map((name) => ({
      path: `/dashboard/${name}.css`,
      type: "text/css; charset=utf-8",
      body: read(`${name}.css`),
    })),
    { path: "/dashboard/icon.svg", type: "image/svg+xml", body: read("icon.svg") },
    ...scripts.map((name) => ({
      path: `/dashboard/${name}.js`,
      type: "text/javascript; charset=utf-8",
      body: read(`${name}.js`),
    })),
  ];
}

const tooManyWatchers: Problem = {
  status: 503,
  type: "unavailable_error",
  code: "too_many_watchers",
  message: `This server tells at most ${maxWatchers} pages at once how the fleet stands.`,
  retryAfterSeconds: 5,
};
