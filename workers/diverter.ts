/**
 * Moves waiting requests away from deployments that are blocked: closed by their circuit, an operator or a refused key,
 * or for longer than the request's route lets it wait. Without it they would stand behind the closed gate of their lane,
 * where no worker looks at them.
 */
import type { Admission } from "../src/admission/admission.ts";
import type { Verdict } from "../src/admission/permit.ts";
import { isBlocked } from "../src/attempt/onward.ts";
import type { Deployment } from "../src/config/deployment.ts";
import type { Fleet } from "../src/fleet/fleet.ts";
import { type BlockedRow, blockedRows, type Diversion, divertRows } from "../src/ledger/diversion.ts";
import { blockedKind, leftBehind, spentThere, standIns, usableDeployments } from "../src/routing/route.ts";

export interface Survey {
  /** They take nothing now: what would be dispatched to them would only be handed back. */
  readonly closed: ReadonlySet<string>;
  /** These too, and those that some route would not wait for. */
  readonly slow: ReadonlySet<string>;
}

export interface Diverter {
  survey(deployments: readonly string[]): Promise<Survey>;
  /** Moves a bounded number of the lane's requests on; more of them at the next look. */
  divert(lane: string, slow: ReadonlySet<string>): Promise<void>;
}

/** What was seen is remembered this long. */
const lookMs = 200;
const atOnce = 500;
const closedAfterMs = 10_000;
/** Shorter waits are booked; nobody moves because of them. */
const shortestWaitMs = 250;

export function openDiverter(fleet: Fleet, admission: Admission): Diverter {
  const { catalog, credentials } = fleet.config;
  const waits = catalog.models.map((model) => catalog.route(model)?.maxWaitMs ?? closedAfterMs);
  const slowAfterMs = Math.max(shortestWaitMs, Math.min(closedAfterMs, ...waits));
  const seen = new Map<string, { readonly verdict: Verdict; readonly atMs: number }>();

  async function look(id: string, tokens = { inputTokens: 1, maxOutputTokens: 1 }): Promise<Verdict | undefined> {
    const pool = catalog.pools.get(catalog.deployment(id)?.pool ?? "");
    return pool && admission.look({ pool, deployment: id }, { leaseId: "look", leaseMs: 1, ...tokens });
  }

  /** For the smallest request there is: what keeps that keeps all. */
  const lately = async (id: string): Promise<Verdict | undefined> => remembered(id) ?? freshly(id);

  /** An open one may close at any call; what came back because it did must not be sent there again at once. */
  async function unlessClosed(id: string): Promise<Verdict | undefined> {
    const verdict = remembered(id);
    return verdict !== undefined && isBlocked(verdict, closedAfterMs) ? verdict : freshly(id);
  }

  function remembered(id: string): Verdict | undefined {
    const known = seen.get(id);
    return known !== undefined && Date.now() - known.atMs < lookMs ? known.verdict : undefined;
  }

  async function freshly(id: string): Promise<Verdict | undefined> {
    const verdict = await look(id);
    if (verdict !== undefined) seen.set(id, { verdict, atMs: Date.now() });
    return verdict;
  }

  /** The way on for one row: undefined where every deployment of its route is as closed as this one, or too small. */
  async function diversionOf(row: BlockedRow): Promise<Diversion | undefined> {
    const route = catalog.route(row.model);
    const verdict = await lately(row.deployment);
    if (route === undefined || verdict === undefined || !isBlocked(verdict, route.maxWaitMs)) return undefined;
    const usable = usableDeployments(route, (id) => credentials.get(id)?.apiKey !== undefined);
    for (const deployment of standIns(usable, row.deployment, row.passedOver)) {
      const isShut = (seenThere: Verdict | undefined) =>
        seenThere === undefined || isBlocked(seenThere, route.maxWaitMs);
      if (isShut(await lately(deployment.id))) continue;
      const tokens = { inputTokens: row.estInputTokens, maxOutputTokens: row.estOutputTokens };
      if (!isShut(await look(deployment.id, tokens))) return diversion(row, deployment, verdict);
    }
    return undefined;
  }

  function diversion(row: BlockedRow, to: Deployment, verdict: Verdict): Diversion {
    const message = `waits for ${verdict.granted ? "nothing" : verdict.blockedBy}`;
    const lane = catalog.deployment(row.deployment)?.pool ?? "";
    const passedOver = leftBehind(row.passedOver, {
      deployment: row.deployment,
      lane,
      kind: blockedKind,
      message,
      spent: row.spent,
    });
    const there = { deployment: to.id, lane: to.pool, spentThere: spentThere(to.id, row.passedOver) };
    return { id: row.id, from: row.deployment, ...there, passedOver };
  }

  return {
    async survey(deployments) {
      const verdicts = await Promise.all(deployments.map(unlessClosed));
      const beyond = (maxWaitMs: number) =>
        deployments.filter((_id, at) => {
          const verdict = verdicts[at];
          return verdict !== undefined && isBlocked(verdict, maxWaitMs);
        });
      return { closed: new Set(beyond(closedAfterMs)), slow: new Set(beyond(slowAfterMs)) };
    },

    async divert(lane, slow) {
      const stuckModels: string[] = [];
      for (;;) {
        const rows = await blockedRows(fleet.ledger, { lane, deployments: [...slow], stuckModels, limit: atOnce });
        const found = await Promise.all(rows.map(diversionOf));
        const diversions = found.filter((one) => one !== undefined);
        const moved = await divertRows(fleet.ledger, diversions);
        if (moved > 0) fleet.bell.ring([...new Set(diversions.map((one) => one.lane))]);
        if (moved > 0) fleet.telemetry.count("deferred", { event: "divert", lane }, moved);
        const stuck = new Set(rows.filter((_row, at) => found[at] === undefined).map((row) => row.model));
        // Nothing but requests that cannot move were in the way: look behind them, once for each model.
        const isOver = [...stuck].every((model) => stuckModels.includes(model));
        if (diversions.length > 0 || rows.length < atOnce || isOver) return;
        stuckModels.push(...stuck);
      }
    },
  };
}
