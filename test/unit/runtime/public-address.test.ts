import type { LookupAddress } from "node:dns";
import fc from "fast-check";
import { describe, expect, it, test } from "vitest";
import { AddressRefused, isPublicAddress, publicLookup, urlProblem } from "../../../src/runtime/public-address.ts";

const strict = { allowPrivate: false };
const loose = { allowPrivate: true };

describe("an address", () => {
  it.each([
    ["0.0.0.0", "this host"],
    ["127.0.0.1", "loopback"],
    ["127.255.255.254", "loopback"],
    ["10.0.0.1", "private"],
    ["172.16.0.1", "private"],
    ["172.31.255.255", "private"],
    ["192.168.1.1", "private"],
    ["169.254.169.254", "metadata, link-local"],
    ["100.64.0.1", "carrier-grade NAT"],
    ["100.100.100.200", "metadata of Alibaba"],
    ["168.63.129.16", "metadata of Azure"],
    ["192.0.0.192", "metadata of Oracle"],
    ["198.18.0.1", "benchmarks"],
    ["224.0.0.1", "multicast"],
    ["240.0.0.1", "reserved"],
    ["255.255.255.255", "broadcast"],
    ["::", "unspecified"],
    ["::1", "loopback"],
    ["::ffff:127.0.0.1", "mapped loopback"],
    ["::ffff:7f00:1", "mapped loopback in hex"],
    ["::127.0.0.1", "compatible loopback"],
    ["::ffff:0:127.0.0.1", "translated loopback"],
    ["64:ff9b::7f00:1", "NAT64"],
    ["2002:7f00:1::", "6to4"],
    ["2001:0:7f00:1::", "Teredo"],
    ["fe80::1", "link-local"],
    ["fe80::1%eth0", "link-local with a zone"],
    ["fec0::1", "site-local"],
    ["fd00:ec2::254", "metadata of AWS, unique local"],
    ["ff02::1", "multicast"],
    ["100::1", "discarded"],
    ["2001:db8::1", "documentation"],
    ["4000::1", "unassigned"],
    ["localhost", "no address"],
    ["", "no address"],
  ])("%s is not public: %s", (address) => {
    expect(isPublicAddress(address)).toBe(false);
  });

  it.each(["8.8.8.8", "1.1.1.1", "172.32.0.1", "100.128.0.1", "::ffff:8.8.8.8", "2606:4700:4700::1111"])(
    "%s is public",
    (address) => {
      expect(isPublicAddress(address)).toBe(true);
    },
  );

  it("of any private network stays private however it is embedded in IPv6", () => {
    fc.assert(
      fc.property(privateV4, (parts) => {
        const [a, b, c, d] = parts;
        const hex = `${((a << 8) | b).toString(16)}:${((c << 8) | d).toString(16)}`;
        for (const prefix of ["", "::ffff:", "::"]) expect(isPublicAddress(prefix + parts.join("."))).toBe(false);
        for (const prefix of ["::ffff:", "::", "64:ff9b::", "::ffff:0:"])
          expect(isPublicAddress(prefix + hex)).toBe(false);
        expect(isPublicAddress(`2002:${hex}::1`)).toBe(false);
      }),
    );
  });

  it("outside of 2000::/3 is never public, unless it is a public IPv4 address in disguise", () => {
    const outside = fc
      .tuple(
        fc.integer({ min: 0, max: 0xffff }),
        fc.array(fc.integer({ min: 0, max: 0xffff }), { minLength: 7, maxLength: 7 }),
      )
      .filter(([first, rest]) => first >> 13 !== 1 && !(first === 0 && rest[4] === 0xffff));
    fc.assert(
      fc.property(outside, ([first, rest]) => {
        expect(isPublicAddress([first, ...rest].map((part) => part.toString(16)).join(":"))).toBe(false);
      }),
    );
  });
});

describe("a URL", () => {
  it.each([
    ["ftp://example.com/", "neither http nor https"],
    ["file:///etc/passwd", "neither http nor https"],
    ["javascript:alert(1)", "neither http nor https"],
    ["https://user:secret@example.com/", "login"],
    ["https://user@example.com/", "login"],
    ["example.com/hook", "not a URL"],
    ["", "not a URL"],
    [`https://example.com/${"a".repeat(2_100)}`, "longer than"],
  ])("%s is refused in any setting", (url, why) => {
    expect(urlProblem(url, strict)).toContain(why);
    expect(urlProblem(url, loose)).toContain(why);
  });

  it.each([
    "http://localhost/",
    "http://LOCALHOST:80/",
    "http://a.localhost./",
    "http://[::1]/",
    "http://0/",
    "http://127.1/",
  ])("%s is refused, unless private addresses are allowed", (url) => {
    expect(urlProblem(url, strict)).toContain("not public");
    expect(urlProblem(url, loose)).toBeUndefined();
  });

  it("with a private address is refused however the address is spelled", () => {
    fc.assert(
      fc.property(privateV4, fc.constantFrom("http", "https"), (parts, scheme) => {
        const [a, b, c, d] = parts;
        const whole = ((a << 24) | (b << 16) | (c << 8) | d) >>> 0;
        const spellings = [
          parts.join("."),
          `${whole}`,
          `0x${whole.toString(16)}`,
          parts.map((part) => `0${part.toString(8)}`).join("."),
          parts.map((part) => `0x${part.toString(16)}`).join("."),
          `${a}.${(b << 16) | (c << 8) | d}`,
          `[::ffff:${parts.join(".")}]`,
          `${parts.join(".")}.`,
        ];
        for (const host of spellings)
          expect(urlProblem(`${scheme}://${host}:8080/x`, strict), host).toContain("not public");
      }),
    );
  });

  it("with a name, or a public address, is left to the lookup", () => {
    for (const url of ["https://example.com/hook?a=b", "http://8.8.8.8/", "https://[2606:4700:4700::1111]/"]) {
      expect(urlProblem(url, strict)).toBeUndefined();
    }
  });
});

describe("a lookup", () => {
  const answered = (addresses: readonly LookupAddress[], rule = strict, all = true) =>
    new Promise<{ error: Error | null; answer: unknown; family: unknown }>((resolve) => {
      const lookup = publicLookup(rule, (_name, _options, answer) => answer(null, [...addresses]));
      lookup("example.com", { all }, (error, answer, family) => resolve({ error, answer, family }));
    });
  const open = { address: "8.8.8.8", family: 4 };
  const closed = { address: "10.0.0.7", family: 4 };

  test("answers what is public, in both forms that sockets ask for", async () => {
    expect(await answered([open])).toMatchObject({ error: null, answer: [open] });
    expect(await answered([open], strict, false)).toEqual({ error: null, answer: "8.8.8.8", family: 4 });
  });

  test("refuses an answer with one private address among public ones, and does not name it", async () => {
    for (const all of [true, false]) {
      const { error, answer } = await answered([open, closed], strict, all);
      expect(error).toBeInstanceOf(AddressRefused);
      expect(error?.message).not.toContain("10.0.0.7");
      expect(answer).toEqual([]);
    }
  });

  test("refuses an empty answer, and lets private ones pass where they are allowed", async () => {
    expect((await answered([])).error).toBeInstanceOf(AddressRefused);
    expect(await answered([closed], loose)).toMatchObject({ error: null, answer: [closed] });
  });
});

const byte = fc.integer({ min: 0, max: 255 });
const privateV4 = fc.oneof(
  fc.tuple(fc.constantFrom(10, 127), byte, byte, byte),
  fc.tuple(fc.constant(192), fc.constant(168), byte, byte),
  fc.tuple(fc.constant(172), fc.integer({ min: 16, max: 31 }), byte, byte),
  fc.tuple(fc.constant(169), fc.constant(254), byte, byte),
  fc.tuple(fc.constant(100), fc.integer({ min: 64, max: 127 }), byte, byte),
  fc.tuple(fc.integer({ min: 224, max: 255 }), byte, byte, byte),
);
