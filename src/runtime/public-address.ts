/**
 * Which addresses we may be sent to by a caller: those of the public internet. Names are judged by what they resolve to at
 * the moment of connecting, by the very answer that is connected to, so that a name which points elsewhere the second time
 * (DNS rebinding) gains nothing.
 */
import { type LookupAddress, type LookupOptions, lookup } from "node:dns";
import type { LookupFunction } from "node:net";
import ipaddr from "ipaddr.js";

export interface UrlRule {
  /** Loopback and private networks, too: for receivers of one's own. */
  readonly allowPrivate: boolean;
}

const longestUrl = 2_048;

/** What is wrong with an address that we are to call; undefined: nothing, as far as can be seen without resolving its name. */
export function urlProblem(text: string, { allowPrivate }: UrlRule): string | undefined {
  if (text.length > longestUrl) return `it is longer than ${longestUrl} characters`;
  const url = URL.canParse(text) ? new URL(text) : undefined;
  if (url === undefined) return "it is not a URL";
  if (url.protocol !== "https:" && url.protocol !== "http:") return "it is neither http nor https";
  if (url.username !== "" || url.password !== "") return "it has a login in it";
  // The parser has already made 127.0.0.1 of 0x7f.1, 2130706433 and 127.1.
  const host = url.hostname.replace(/^\[(.*)\]$/, "$1");
  if (allowPrivate) return undefined;
  if (/(?:^|\.)localhost\.?$/.test(host)) return notPublic;
  return ipaddr.isValid(host) && !isPublicAddress(host) ? notPublic : undefined;
}

const notPublic = "it leads to an address that is not public";

/** Public addresses that answer with secrets of the machine to whoever asks from it. 168.63.129.16: Azure's host. */
const metadataAddresses = new Set(["168.63.129.16"]);
/** What is handed out as global unicast, IANA's registry: beyond it are mapped, compatible and unassigned addresses. */
const globalUnicast = ipaddr.IPv6.parseCIDR("2000::/3");

/** Of one IP address, as text. What is none is not public either. */
export function isPublicAddress(text: string): boolean {
  if (!ipaddr.isValid(text)) return false;
  const address = ipaddr.process(text);
  if (metadataAddresses.has(address.toString()) || address.range() !== "unicast") return false;
  return address instanceof ipaddr.IPv4 || address.match(globalUnicast);
}

/** Thrown by the lookup: nothing was connected to. It does not say which address it was. */
export class AddressRefused extends Error {
  override readonly name = "AddressRefused";
}

export type Resolve = (
  name: string,
  options: LookupOptions & { all: true },
  answer: (error: NodeJS.ErrnoException | null, addresses: LookupAddress[]) => void,
) => void;

/** For the `lookup` of a socket. One address that is not public makes the whole answer a refused one. */
export function publicLookup({ allowPrivate }: UrlRule, resolve: Resolve = lookup): LookupFunction {
  return (name, options, answer) => {
    resolve(name, { ...options, all: true }, (error, addresses) => {
      const [first] = addresses ?? [];
      const refused = !allowPrivate && (addresses ?? []).some(({ address }) => !isPublicAddress(address));
      if (error !== null) return answer(error, []);
      if (refused || first === undefined) return answer(new AddressRefused(notPublic), []);
      return options.all === true ? answer(null, addresses) : answer(null, first.address, first.family);
    });
  };
}
