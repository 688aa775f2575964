import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { type RedisAddress, readRedisAddress } from "../../../src/runtime/redis-address.ts";

const address = (url: string): RedisAddress => {
  const read = readRedisAddress(url);
  if (!read.ok) throw new Error(read.problem);
  return read.address;
};
const problem = (url: string): string => {
  const read = readRedisAddress(url);
  return read.ok ? "" : read.problem;
};

describe("REDIS_URL", () => {
  test.each<[string, RedisAddress]>([
    ["redis://localhost", { kind: "server", hosts: [{ host: "localhost", port: 6379 }], db: 0 }],
    [
      "redis://:p%40ss%2Fword@10.0.0.1:6380/3",
      { kind: "server", hosts: [{ host: "10.0.0.1", port: 6380 }], password: "p@ss/word", db: 3 },
    ],
    ["redis://me@[::1]:7000?db=2", { kind: "server", hosts: [{ host: "::1", port: 7000 }], username: "me", db: 2 }],
    [
      "rediss://me:word@redis.example/1?tls_ca=/etc/ca.pem&tls_servername=other.example",
      {
        kind: "server",
        hosts: [{ host: "redis.example", port: 6379 }],
        username: "me",
        password: "word",
        db: 1,
        tls: { caFile: "/etc/ca.pem", servername: "other.example" },
      },
    ],
    ["rediss://h", { kind: "server", hosts: [{ host: "h", port: 6379 }], db: 0, tls: {} }],
    [
      "redis+sentinel://me:word@s1,s2:26380/mymaster?db=4&sentinel_password=other",
      {
        kind: "sentinel",
        hosts: [
          { host: "s1", port: 26379 },
          { host: "s2", port: 26380 },
        ],
        master: "mymaster",
        username: "me",
        password: "word",
        db: 4,
        sentinelPassword: "other",
      },
    ],
    [
      "rediss+cluster://:word@a:1,b:2?tls_ca=ca.pem&tls_cert=c.pem&tls_key=k.pem",
      {
        kind: "cluster",
        hosts: [
          { host: "a", port: 1 },
          { host: "b", port: 2 },
        ],
        password: "word",
        db: 0,
        tls: { caFile: "ca.pem", certFile: "c.pem", keyFile: "k.pem" },
      },
    ],
  ])("%s says where, as whom, and how", (url, expected) => {
    expect(address(url)).toEqual(expected);
  });

  test.each([
    ["valkey://h", /must start with redis:\/\//],
    ["redis://a:6379,b:6379", /redis\+sentinel:\/\/ or redis\+cluster:\/\//],
    ["redis://h?tls_ca=x", /rediss/],
    ["rediss://h?tsl_ca=x", /possible: db, tls_ca/],
    ["redis://h/one", /number/],
    ["redis://h:99999", /1 to 65535/],
    ["redis+sentinel://s1:26379", /name of the master/],
    ["redis+cluster://a:1/2", /none but 0/],
    ["redis://:100%@h", /percent-encoded/],
    ["redis://:a/b@h", /percent-encoded/],
    ["redis://:a#b@h", /percent-encoded/],
  ])("%s is refused, with what is possible", (url, words) => {
    expect(problem(url)).toMatch(words);
  });

  test("any password comes through when it is encoded, and none stands in a problem when it is not", () => {
    fc.assert(
      fc.property(fc.string({ minLength: 1, unit: "grapheme" }), (password) => {
        const encoded = encodeURIComponent(password);
        expect(address(`redis://u:${encoded}@h:1`).password).toBe(password);
        expect(address(`redis+sentinel://u:${encoded}@h:1,i/m`).password).toBe(password);
        const canary = `canary-${encoded.replaceAll(/\W/g, "")}-canary`;
        for (const mark of ["/", "#", "?", ",", "%", ":"]) {
          for (const form of ["redis", "redis+sentinel", "redis+cluster", "http"]) {
            expect(problem(`${form}://u:${canary}${mark}${canary}@h:x/`)).not.toContain("canary");
          }
        }
      }),
    );
  });
});
