/** Which deployment answers, and which stands in. Pure: what is known of a request's past decides. */
import type { Deployment, Route } from "../config/deployment.ts";

/** A deployment that a request left behind, and why. `blocked`: it was not called, and may be come back to. */
export interface LeftBehind {
  readonly deployment: string;
  readonly kind: string;
  /** Calls that were spent there, for when it is come back to; absent in rows of older versions. */
  readonly spent?: number;
}
export const blockedKind = "blocked";

/** The deployments of a route that can be used, in order: those whose provider has a credential. */
export const usableDeployments = (route: Route, hasCredential: (provider: string) => boolean): readonly Deployment[] =>
  route.deployments.filter((deployment) => hasCredential(deployment.provider));

/** The deployments that may stand in for `current`, in order: those that did not fail this request. */
export function standIns(
  usable: readonly Deployment[],
  current: string,
  passedOver: readonly LeftBehind[],
): readonly Deployment[] {
  const failed = passedOver.filter((entry) => entry.kind !== blockedKind).map((entry) => entry.deployment);
  const gone = new Set([current, ...failed]);
  return usable.filter((deployment) => !gone.has(deployment.id));
}

/** Calls that a request spent on a deployment in earlier stays: its attempts there are one number, however often it moves. */
export const spentThere = (deployment: string, passedOver: readonly LeftBehind[]): number =>
  passedOver.find((entry) => entry.deployment === deployment)?.spent ?? 0;

/** What is left behind so far and now; a deployment is named once, with the newest reason. */
export const leftBehind = <Entry extends LeftBehind>(passedOver: readonly Entry[], now: Entry): readonly Entry[] => [
  ...passedOver.filter((entry) => entry.deployment !== now.deployment),
  now,
];
