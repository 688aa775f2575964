/** Which providers can be used, and what to do when none can. */
import type { Fleet } from "../../src/fleet/fleet.ts";

export const providersWithKey = ({ config }: Fleet): string[] =>
  [...config.credentials].filter(([, { apiKey }]) => apiKey !== undefined).map(([id]) => id);

export function noKeys({ config }: Fleet): string {
  const names = [...config.credentials.values()].map(({ variable }) => variable).join(", ");
  return `No provider has a key. Set one of ${names}, or try it without: millrace up --simulate.`;
}
