/** The one opener of connections to Postgres: DATABASE_URL as libpq reads it, with its TLS settings. */
import postgres from "postgres";
import { SettingsError } from "../config/settings-error.ts";
import { type DatabaseAddress, readDatabaseAddress } from "../runtime/database-address.ts";
import { readPem } from "../runtime/pem-file.ts";
import type { TlsWish } from "./encrypted-socket.ts";
import { renewedClient } from "./renewed-client.ts";
import { openSockets, type SocketAddress } from "./socket.ts";

type Types = Record<string, postgres.PostgresType>;
type Options<T extends Types> = postgres.Options<T> & {
  /** Seconds. */
  readonly connect_timeout?: number;
  /** A statement that is not answered within this has lost its connection. */
  readonly silenceMs?: number;
};

/** Sends nothing before the first query. Throws SettingsError for a URL or a certificate file that cannot be used. */
export function openDatabase<T extends Types = Types>(databaseUrl: string, { silenceMs, ...options }: Options<T>) {
  const read = readDatabaseAddress(databaseUrl);
  if (!read.ok) throw new SettingsError(`DATABASE_URL ${read.problem}.`);
  const { url } = read.address;
  const agreeMs = (options.connect_timeout ?? usualConnectSeconds) * 1_000;
  const open = openSockets({ tls: tlsOf(read.address), agreeMs, silenceMs });
  return renewedClient(({ taken, lost }) => {
    // A socket that fails says so before it is closed, and what is asked in between must not go there.
    const socket = async (address: SocketAddress) => (await open(address)).once("error", lost);
    return postgres(url, { ...options, onparameter: taken, onclose: lost, ssl: false, ...{ socket } });
  });
}

/** As postgres.js has it. */
const usualConnectSeconds = 30;

/** `require` and `prefer` are libpq's: encrypted, and the certificate not looked at. */
function tlsOf({ ssl, hosts }: DatabaseAddress): TlsWish {
  const { mode, rootCertFile, certFile, keyFile } = ssl;
  if (mode === "disable") return false;
  const read = (path: string) => readPem("DATABASE_URL", path);
  const files = {
    ...(rootCertFile === undefined ? {} : { ca: read(rootCertFile) }),
    ...(certFile === undefined ? {} : { cert: read(certFile) }),
    ...(keyFile === undefined ? {} : { key: read(keyFile) }),
  };
  if (mode === "prefer") return "prefer";
  if (mode === "require") return { ...files, rejectUnauthorized: false };
  if (mode === "verify-ca") return { ...files, rejectUnauthorized: true, checkServerIdentity: () => undefined };
  // An address has no server name to go by: unless told, Node would look for "localhost" in the certificate.
  return { ...files, rejectUnauthorized: true, ...(hosts.length === 1 ? { host: hosts[0] } : {}) };
}
