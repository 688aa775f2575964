/** What the two readers of addresses share: an answer that is a value, and a login that is decoded or not usable. */

export type ReadAddress<Address> =
  | { readonly ok: true; readonly address: Address }
  /** One line: what is wrong and what is possible. It quotes no part of the address. */
  | { readonly ok: false; readonly problem: string };

export const wrong = (problem: string) => ({ ok: false, problem }) as const;

export const encodeHint = "in user and password / ? # @ : , and % must be percent-encoded";

export interface Login {
  readonly username?: string;
  readonly password?: string;
}

/** `user:password` or one of both; undefined: it cannot be decoded. */
export function readLogin(text: string): Login | undefined {
  const colon = text.indexOf(":");
  const username = decoded(colon < 0 ? text : text.slice(0, colon));
  const password = decoded(colon < 0 ? "" : text.slice(colon + 1));
  if (username === undefined || password === undefined) return undefined;
  return { ...(username === "" ? {} : { username }), ...(password === "" ? {} : { password }) };
}

/** Undefined for a `%` that is not followed by two hex digits. */
export function decoded(text: string): string | undefined {
  try {
    return decodeURIComponent(text);
  } catch {
    return undefined;
  }
}

export interface Host {
  readonly host: string;
  readonly port: number;
}

/** `name`, `name:port`, `[::1]:port`; undefined for anything else. */
export function readHost(text: string, defaultPort: number): Host | undefined {
  const [, six, name, digits] = /^(?:\[([\da-f:.]+)\]|([\w.-]+))(?::(\d{1,5}))?$/i.exec(text) ?? [];
  const host = six ?? name;
  const port = digits === undefined ? defaultPort : Number(digits);
  return host === undefined || port < 1 || port > 65_535 ? undefined : { host, port };
}

/** Without the fields that nobody gave. */
export const given = <Name extends string>(fields: Readonly<Record<Name, string | null>>): { [K in Name]?: string } =>
  Object.fromEntries(Object.entries(fields).filter(([, value]) => value !== null && value !== "")) as {
    [K in Name]?: string; // the same names, fewer of them
  };
