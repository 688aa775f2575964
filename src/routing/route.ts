/** Which deployment answers, and which stands in. Pure: what is known of a request's past decides. */
import type { Deployment, Route } from "../config/deployment.ts";

/** The deployments of a route that can be used, in order: those whose provider has a credential. */
export const usableDeployments = (route: Route, hasCredential: (provider: string) => boolean): readonly Deployment[] =>
  route.deployments.filter((deployment) => hasCredential(deployment.provider));

/** The first deployment after `current` that was not passed over, or undefined at the end of the route. */
export function nextDeployment(
  usable: readonly Deployment[],
  current: string,
  passedOver: readonly { readonly deployment: string }[],
): Deployment | undefined {
  const gone = new Set([current, ...passedOver.map((entry) => entry.deployment)]);
  return usable.find((deployment) => !gone.has(deployment.id));
}
