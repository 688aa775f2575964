/** Whether a provider answers, and if not, how far a call came on the way there. */
import type { Config } from "../../src/config/config.ts";
import { connectTo } from "../../src/fleet/connect.ts";
import type { Failure } from "../../src/request/failure.ts";
import { span } from "./amounts.ts";

const patienceMs = 5_000;

/** `dns`, `connect`, `tls`: it broke there. `answer`: nobody answered in time. `key`: it did, and refused the credential. */
export const obstacles = ["dns", "connect", "tls", "answer", "key", "other"] as const;
export type Obstacle = (typeof obstacles)[number];

export type Answer =
  | { readonly asked: false; readonly missing: string }
  | { readonly asked: true; readonly ok: true; readonly ms: number }
  | {
      readonly asked: true;
      readonly ok: false;
      readonly ms: number;
      readonly obstacle: Obstacle;
      readonly kind: string;
      readonly message: string;
    };

/** Asks for the list of models, for five seconds at most. */
export async function askProvider(config: Config, id: string): Promise<Answer> {
  const connection = connectTo(config, id);
  if (connection === undefined)
    return { asked: false, missing: `set ${config.credentials.get(id)?.variable ?? "a key"}` };
  const signal = AbortSignal.timeout(patienceMs);
  const began = performance.now();
  const outcome = await connection.probe({ signal, onDelta: () => {}, onActivity: () => {} });
  const ms = Math.round(performance.now() - began);
  if (outcome.ok) return { asked: true, ok: true, ms };
  const { failure } = outcome;
  const { kind } = failure;
  if (signal.aborted)
    return { asked: true, ok: false, ms, obstacle: "answer", kind, message: `none in ${span(patienceMs)}` };
  return { asked: true, ok: false, ms, obstacle: obstacleOf(failure), kind, message: failure.message };
}

/** A socket's code begins the message of what brought no answer (transport-failure.ts). */
export function obstacleOf({ kind, status, message }: Failure): Obstacle {
  if (kind === "auth" || kind === "quotaHard") return "key";
  if (status !== undefined || (kind !== "network" && kind !== "timeout")) return "other";
  const [code = ""] = message.split(":", 1);
  if (/^(?:ENOTFOUND|EAI_\w+)$/.test(code)) return "dns";
  if (/^(?:ERR_TLS_|ERR_SSL_|CERT_|DEPTH_ZERO_|SELF_SIGNED_|UNABLE_TO_|EPROTO$)/.test(code)) return "tls";
  if (/^(?:ECONN|EHOST|ENET|ETIMEDOUT$|EADDR|EPIPE$|UND_ERR_(?:CONNECT_TIMEOUT|SOCKET)$)/.test(code)) return "connect";
  return kind === "timeout" ? "answer" : "connect";
}
