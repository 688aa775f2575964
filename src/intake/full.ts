/** A bound of the backlog that is reached, in words for whoever asked. Pure. */
import type { Full } from "../ledger/open-counts.ts";

export interface FullRefusal {
  readonly code: "backlog_full" | "tenant_backlog_full";
  readonly message: string;
  /** When there may be room: whole seconds, 1 to 300. */
  readonly retryAfterSeconds: number;
}

const longestWaitSeconds = 300;
/** Nothing is known of how fast the backlog drains. */
const usualWaitSeconds = 30;

export function fullRefusal(full: Full): FullRefusal {
  const { tenant, asked, most, open } = full;
  const whose = tenant === undefined ? "The backlog" : `The backlog of tenant ${JSON.stringify(tenant)}`;
  const numbers = `${most} may be open, ${open} ${open === 1 ? "is" : "are"}, and ${asked} more ${asked === 1 ? "was" : "were"} handed in`;
  const key = tenant === undefined ? "backlog.maxOpen" : `backlog.maxOpenPerTenant or backlog.tenants`;
  const seconds = retryAfterSeconds(full);
  const advice =
    asked > most
      ? `So many never fit at once: hand in fewer, or raise ${key} in millrace.yaml.`
      : `Nothing of it was stored. Come again in ${seconds} s, or raise ${key} in millrace.yaml.`;
  return {
    code: tenant === undefined ? "backlog_full" : "tenant_backlog_full",
    message: `${whose} is full: ${numbers}. ${advice}`,
    retryAfterSeconds: seconds,
  };
}

/** Until as many have ended as are too many, at the pace of late. */
export function retryAfterSeconds({ open, asked, most, endedPerSecond }: Full): number {
  if (endedPerSecond === undefined || endedPerSecond === 0) return usualWaitSeconds;
  return Math.min(longestWaitSeconds, Math.max(1, Math.ceil((open + asked - most) / endedPerSecond)));
}
