import type { Fault } from "./faults.ts";
import type { Refusal } from "./refusal.ts";
import type { Page } from "./wire.ts";

/** The error that a fault puts in the place of an answer; undefined for faults of the answer itself. */
export function refusalOrdered(fault: Fault, key: string): Refusal | "bad gateway" | undefined {
  switch (fault.kind) {
    case "rate-limit": {
      const retryAfterMs = Math.ceil(fault.retryAfterS * 1000);
      return {
        kind: "rate",
        dimension: "requests",
        limit: 60,
        used: 60,
        requested: 1,
        retryAfterMs,
        isTooLarge: false,
      };
    }
    case "insufficient-quota":
      return { kind: "quota" };
    case "auth":
      return { kind: "wrong-key", key };
    case "error-in-success":
      return { kind: "overloaded" };
    case "server-error":
    case "unavailable":
    case "overloaded":
      return { kind: fault.kind };
    case "html-error":
      return "bad gateway";
    default:
      return undefined;
  }
}

/** What a proxy in front of a vendor says when the vendor is gone: no JSON, and no request id. */
export const badGateway: Page = {
  status: 502,
  headers: { "content-type": "text/html" },
  body:
    "<html>\r\n<head><title>502 Bad Gateway</title></head>\r\n<body>\r\n<center><h1>502 Bad Gateway</h1></center>\r\n" +
    "<hr><center>cloudflare</center>\r\n</body>\r\n</html>\r\n",
};
