/**
 * What DATABASE_URL says, read by one pure function: libpq's form, of which the driver knows less than people write. Its
 * problems quote nothing of the URL.
 *
 *   postgres://user:password@host:5432/database?sslmode=verify-full&sslrootcert=/etc/ca.pem
 */
import { encodeHint, given, type Login, type ReadAddress, readHost, readLogin, wrong } from "./address.ts";

/** libpq's, least to most: `require` encrypts, `verify-ca` knows the authority, `verify-full` also the host's name. */
const sslModes = ["disable", "prefer", "require", "verify-ca", "verify-full"] as const;
export type SslMode = (typeof sslModes)[number];

export interface DatabaseAddress {
  /** For the driver: without the parameters that it would send to the server, its login encoded. */
  readonly url: string;
  readonly hosts: readonly string[];
  readonly ssl: {
    readonly mode: SslMode;
    /** Paths of PEM files; without `rootCertFile` the system's authorities are trusted. */
    readonly rootCertFile?: string;
    readonly certFile?: string;
    readonly keyFile?: string;
  };
}

const form = /^(postgres|postgresql):\/\/([^/?#]*)([^?#]*)(?:\?([^#]*))?$/;

export function readDatabaseAddress(url: string): ReadAddress<DatabaseAddress> {
  const [, scheme, authority = "", path = "", query = ""] = form.exec(url) ?? [];
  if (scheme === undefined) return wrong(`must start with postgres:// or postgresql://; ${encodeHint}`);
  const at = authority.lastIndexOf("@");
  const login = readLogin(authority.slice(0, Math.max(0, at)));
  if (login === undefined) return wrong(`has a login that cannot be decoded: ${encodeHint}`);
  const place = authority.slice(at + 1);
  const names = /^%2f/i.test(place) ? [] : place.split(","); // the folder of a Unix socket
  const hosts = names.map((name) => readHost(name, 5_432)).filter((host) => host !== undefined);
  if (hosts.length < names.length) return wrong(`needs a host as name or name:port; ${encodeHint}`);

  const asked = new URLSearchParams(query);
  const mode = asked.get("sslmode") ?? (asked.has("sslrootcert") ? "verify-full" : "disable");
  if (!isSslMode(mode)) return wrong(`has an sslmode that is not known here; possible: ${sslModes.join(", ")}`);
  if (asked.get("channel_binding") === "require") {
    return wrong("asks for channel binding, which is not supported: take it out and say sslmode=verify-full");
  }
  const files = given({
    rootCertFile: asked.get("sslrootcert") === "system" ? null : asked.get("sslrootcert"),
    certFile: asked.get("sslcert"),
    keyFile: asked.get("sslkey"),
  });
  // libpq's rule: who names an authority wants it checked.
  const checked = mode === "require" && files.rootCertFile !== undefined ? "verify-ca" : mode;
  for (const name of ours) asked.delete(name);
  const rest = asked.size === 0 ? "" : `?${asked}`;
  return {
    ok: true,
    address: {
      url: `${scheme}://${encoded(login)}${place}${path}${rest}`,
      hosts: hosts.map(({ host }) => host),
      ssl: { mode: checked, ...files },
    },
  };
}

/** The driver would send them on as settings of the session, and the server refuses what it does not know. */
const ours = ["sslmode", "sslrootcert", "sslcert", "sslkey", "channel_binding"];

const isSslMode = (word: string): word is SslMode => (sslModes as readonly string[]).includes(word);

const encoded = ({ username, password }: Login): string =>
  username === undefined && password === undefined
    ? ""
    : `${encodeURIComponent(username ?? "")}:${encodeURIComponent(password ?? "")}@`;
