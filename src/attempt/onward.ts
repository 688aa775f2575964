/**
 * Fallback with eyes: before a request moves on, the gate is asked how the other deployments of its route stand. It never
 * leaves one dead provider for another, and it takes no permit by looking.
 */
import type { Verdict } from "../admission/permit.ts";
import type { Deployment } from "../config/deployment.ts";
import type { ClaimedRequest } from "../ledger/claim.ts";
import { providerById } from "../provider/registry.ts";
import { lackOf } from "../routing/capability.ts";
import { standIns } from "../routing/route.ts";
import { askFor } from "./admit.ts";
import type { AttemptDeps, AttemptHooks } from "./context.ts";

export interface Onward {
  readonly deployment: Deployment;
  /** It could take the request within the time that the route lets it wait. */
  readonly open: boolean;
}

/** The first deployment that is open, else the first there is; undefined at the end of the route. */
export async function lookOnward(
  deps: AttemptDeps,
  request: ClaimedRequest,
  hooks: Pick<AttemptHooks, "goesFirst">,
): Promise<Onward | undefined> {
  const maxWaitMs = deps.catalog.route(request.model)?.maxWaitMs ?? 0;
  for (const deployment of candidates(deps, request)) {
    const pool = deps.catalog.pools.get(deployment.pool);
    if (pool === undefined) continue;
    const ask = { ...askFor(deps, request, hooks), isRetry: false };
    const verdict = await deps.admission.look({ pool, deployment: deployment.id }, ask);
    if (!isBlocked(verdict, maxWaitMs)) return { deployment, open: true };
  }
  return onwardUnseen(deps, request);
}

/** The first stand-in there is, however it stands. */
export function onwardUnseen(deps: AttemptDeps, request: ClaimedRequest): Onward | undefined {
  const [deployment] = candidates(deps, request);
  return deployment === undefined ? undefined : { deployment, open: false };
}

function candidates(deps: AttemptDeps, request: ClaimedRequest): readonly Deployment[] {
  const deployments = deps.catalog.route(request.model)?.deployments ?? [];
  const usable = deployments.filter(({ provider, info }) => {
    const lack = lackOf(info, request.body, request.estInputTokens, providerById(provider)?.operations);
    return deps.canServe(provider) && lack === undefined;
  });
  return standIns(usable, request.deployment, request.passedOver);
}

/** Whether a request need not wait here: closed until something changes, or for longer than its route lets it wait. */
export function isBlocked(verdict: Verdict, maxWaitMs: number): boolean {
  if (verdict.granted) return false;
  return verdict.tooLarge !== undefined || closures.has(verdict.blockedBy) || verdict.waitMs > maxWaitMs;
}

const closures: ReadonlySet<string> = new Set(["circuit", "isolated", "credential"]);
