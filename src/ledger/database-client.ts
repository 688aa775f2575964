/** The one opener of connections to Postgres: DATABASE_URL as libpq reads it, with its TLS settings. */
import type { Socket } from "node:net";
import postgres from "postgres";
import { SettingsError } from "../config/settings-error.ts";
import { type DatabaseAddress, readDatabaseAddress } from "../runtime/database-address.ts";
import { readPem } from "../runtime/pem-file.ts";
import { renewedClient } from "./renewed-client.ts";
import type { SocketAddress } from "./socket.ts";

type Types = Record<string, postgres.PostgresType>;
type Options<T extends Types> = postgres.Options<T> & {
  /** Makes the socket of one connection. */
  readonly socket?: (address: SocketAddress) => Socket;
};

/** Sends nothing before the first query. Throws SettingsError for a URL or a certificate file that cannot be used. */
export function openDatabase<T extends Types = Types>(databaseUrl: string, options: Options<T>) {
  const read = readDatabaseAddress(databaseUrl);
  if (!read.ok) throw new SettingsError(`DATABASE_URL ${read.problem}.`);
  const { url } = read.address;
  const ssl = sslOf(read.address);
  const { socket } = options;
  return renewedClient(({ taken, lost }) => {
    const heard = { onparameter: taken, onclose: lost };
    if (socket === undefined) return postgres(url, { ...options, ...heard, ssl });
    // A socket that fails says so before it is closed, and what is asked in between must not go there.
    const watched = (address: SocketAddress) => socket(address).once("error", lost);
    return postgres(url, { ...options, ...heard, ssl, ...{ socket: watched } });
  });
}

/** What the driver makes of `require` and `prefer` is libpq's: encrypted, and the certificate not looked at. */
function sslOf({ ssl, hosts }: DatabaseAddress): false | "prefer" | object {
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
