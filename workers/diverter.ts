/**
 * Moves waiting requests away from deployments that are blocked: closed by their circuit, an operator or a refused key,
 * or for longer than the request's route lets it wait. Without it they would stand behind the closed gate of their lane,
 * where no worker looks at them.
 */
import type { Admission } from "../src/admission/admission.ts";
import type { Verdict } from "../src/admission/permit.ts";
import { isBlocked } from "../src/attempt/onward.ts";
import type { Fleet } from "../src/fleet/fleet.ts";
import { type BlockedRow, blockedRows, type Diversion, divertRows } from "../src/ledger/diversion.ts";
import { blockedKind, leftBehind, standIns, usableDeployments } from "../src/routing/route.ts";

export interface Diverter {
  /** Of these deployments those that take nothing now. */
  blocked(deployments: readonly string[]): Promise<ReadonlySet<string>>;
  /** Moves a bounded number of the lane's requests on; true when there may be more. */
  divert(lane: string, blocked: ReadonlySet<string>): Promise<boolean>;
}

/** What was seen is believed this long. */
const lookMs = 200;
const atOnce = 500;
/** What is closed for longer, or for longer than some route waits, is not fed: its jobs would only be handed back. */
const longWaitMs = 10_000;

export function openDiverter(fleet: Fleet, admission: Admission): Diverter {
  const { catalog, credentials } = fleet.config;
  const waits = catalog.models.map((model) => catalog.route(model)?.maxWaitMs ?? longWaitMs);
  const closedAfterMs = Math.min(longWaitMs, ...waits);
  const seen = new Map<string, { readonly verdict: Verdict; readonly atMs: number }>();

  async function look(id: string): Promise<Verdict | undefined> {
    const known = seen.get(id);
    if (known !== undefined && Date.now() - known.atMs < lookMs) return known.verdict;
    const pool = catalog.pools.get(catalog.deployment(id)?.pool ?? "");
    if (pool === undefined) return undefined;
    const ask = { leaseId: "look", leaseMs: 1, inputTokens: 1, maxOutputTokens: 1 };
    const verdict = await admission.look({ pool, deployment: id }, ask);
    seen.set(id, { verdict, atMs: Date.now() });
    return verdict;
  }

  async function isClosed(id: string, maxWaitMs: number): Promise<boolean> {
    const verdict = await look(id);
    return verdict !== undefined && isBlocked(verdict, maxWaitMs);
  }

  /** The way on for one row: undefined where every deployment of its route is as closed as this one. */
  async function diversionOf(row: BlockedRow): Promise<Diversion | undefined> {
    const route = catalog.route(row.model);
    if (route === undefined || !(await isClosed(row.deployment, route.maxWaitMs))) return undefined;
    const usable = usableDeployments(route, (id) => credentials.get(id)?.apiKey !== undefined);
    for (const deployment of standIns(usable, row.deployment, row.passedOver)) {
      if (await isClosed(deployment.id, route.maxWaitMs)) continue;
      const verdict = await look(row.deployment);
      const why = verdict === undefined || verdict.granted ? "" : verdict.blockedBy;
      const lane = catalog.deployment(row.deployment)?.pool ?? "";
      const entry = { deployment: row.deployment, lane, kind: blockedKind, message: `waits for ${why}` };
      return {
        id: row.id,
        from: row.deployment,
        deployment: deployment.id,
        lane: deployment.pool,
        passedOver: leftBehind(row.passedOver, entry),
      };
    }
    return undefined;
  }

  return {
    async blocked(deployments) {
      const closed = await Promise.all(deployments.map((id) => isClosed(id, closedAfterMs)));
      return new Set(deployments.filter((_id, at) => closed[at] === true));
    },
    async divert(lane, blocked) {
      const stuckModels: string[] = [];
      for (;;) {
        const rows = await blockedRows(fleet.ledger, { lane, deployments: [...blocked], stuckModels, limit: atOnce });
        const found = await Promise.all(rows.map(diversionOf));
        const diversions = found.filter((diversion) => diversion !== undefined);
        const moved = await divertRows(fleet.ledger, diversions);
        if (moved > 0) fleet.bell.ring([...new Set(diversions.map((diversion) => diversion.lane))]);
        if (moved > 0) fleet.telemetry.count("deferred", { event: "divert", lane }, moved);
        const stuck = new Set(rows.filter((_row, at) => found[at] === undefined).map((row) => row.model));
        // Nothing but requests that cannot move were in the way: look behind them, once for each model.
        if (diversions.length > 0 || rows.length < atOnce || [...stuck].every((model) => stuckModels.includes(model))) {
          return diversions.length > 0 && rows.length === atOnce;
        }
        stuckModels.push(...stuck);
      }
    },
  };
}
