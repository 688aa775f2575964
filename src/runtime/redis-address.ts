/**
 * What REDIS_URL says, read by one pure function. Its problems quote nothing of the URL: a password that was not
 * percent-encoded may have ended up anywhere in it.
 *
 *   redis://user:password@host:6379/0                     one server; rediss:// with TLS
 *   redis+sentinel://user:password@a:26379,b:26379/master?db=0&sentinel_password=…
 *   redis+cluster://user:password@a:6379,b:6379           rediss+sentinel:// and rediss+cluster:// with TLS
 *   …?tls_ca=/etc/ca.pem&tls_cert=…&tls_key=…&tls_servername=redis.internal
 */
import {
  decoded,
  encodeHint,
  given,
  type Host,
  type Login,
  type ReadAddress,
  readHost,
  readLogin,
  wrong,
} from "./address.ts";

/** Paths of PEM files; without `caFile` the system's authorities are trusted. The server's certificate is always checked. */
export interface TlsFiles {
  readonly caFile?: string;
  readonly certFile?: string;
  readonly keyFile?: string;
  /** The name that the certificate must carry, where it is not the host's. */
  readonly servername?: string;
}

export type RedisAddress = Login & {
  /** At least one; more only for sentinels and clusters. */
  readonly hosts: readonly Host[];
  readonly db: number;
  readonly tls?: TlsFiles;
} & (
    | { readonly kind: "server" }
    | {
        readonly kind: "sentinel";
        readonly master: string;
        readonly sentinelUsername?: string;
        readonly sentinelPassword?: string;
      }
    | { readonly kind: "cluster" }
  );

const form = /^(rediss?)(\+sentinel|\+cluster)?:\/\/([^/?#]*)([^?#]*)(?:\?([^#]*))?$/;
const schemes = "redis://, rediss://, redis+sentinel:// or redis+cluster:// (rediss+… with TLS)";
const tlsNames = ["tls_ca", "tls_cert", "tls_key", "tls_servername"];
const sentinelNames = ["sentinel_username", "sentinel_password"];

export function readRedisAddress(url: string): ReadAddress<RedisAddress> {
  const [, scheme, suffix, authority = "", path = "", query = ""] = form.exec(url) ?? [];
  if (scheme === undefined) return wrong(`must start with ${schemes}; ${encodeHint}`);
  const kind = suffix === "+sentinel" ? "sentinel" : suffix === "+cluster" ? "cluster" : "server";
  const isSecure = scheme === "rediss";

  const asked = new URLSearchParams(query);
  const possible = ["db", ...(isSecure ? tlsNames : []), ...(kind === "sentinel" ? sentinelNames : [])];
  const unknown = [...asked.keys()].filter((name) => !possible.includes(name));
  if (unknown.some((name) => tlsNames.includes(name)))
    return wrong("has tls_… parameters: start it with rediss for TLS");
  if (unknown.length > 0) return wrong(`has a parameter that means nothing here; possible: ${possible.join(", ")}`);

  const at = authority.lastIndexOf("@");
  const login = readLogin(authority.slice(0, Math.max(0, at)));
  if (login === undefined) return wrong(`has a login that cannot be decoded: ${encodeHint}`);
  const names = authority.slice(at + 1).split(",");
  const hosts = names
    .map((name) => readHost(name, kind === "sentinel" ? 26_379 : 6_379))
    .filter((host) => host !== undefined);
  if (hosts.length < names.length) return wrong(`needs hosts as name or name:port, ports 1 to 65535; ${encodeHint}`);
  if (kind === "server" && hosts.length > 1) {
    return wrong("names several hosts: say redis+sentinel:// or redis+cluster://");
  }

  const word = decoded(path.slice(1)) ?? "";
  const db = asked.get("db") ?? (kind === "server" && word !== "" ? word : "0");
  if (!/^\d{1,5}$/.test(db)) return wrong("needs a number for its database, such as /0 or ?db=0");
  if (kind === "cluster" && (db !== "0" || word !== "")) return wrong("names a database: a cluster has none but 0");

  const common = { ...login, hosts, db: Number(db), ...(isSecure ? { tls: tlsOf(asked) } : {}) };
  if (kind !== "sentinel") return { ok: true, address: { kind, ...common } };
  if (!/^[\w.-]+$/.test(word)) {
    return wrong("needs the name of the master behind its hosts: redis+sentinel://host:26379/mymaster");
  }
  const sentinelLogin = given({
    sentinelUsername: asked.get("sentinel_username"),
    sentinelPassword: asked.get("sentinel_password"),
  });
  return { ok: true, address: { kind, master: word, ...common, ...sentinelLogin } };
}

const tlsOf = (asked: URLSearchParams): TlsFiles =>
  given({
    caFile: asked.get("tls_ca"),
    certFile: asked.get("tls_cert"),
    keyFile: asked.get("tls_key"),
    servername: asked.get("tls_servername"),
  });
