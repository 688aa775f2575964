import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { type DatabaseAddress, readDatabaseAddress } from "../../../src/runtime/database-address.ts";

const address = (url: string): DatabaseAddress => {
  const read = readDatabaseAddress(url);
  if (!read.ok) throw new Error(read.problem);
  return read.address;
};

describe("DATABASE_URL", () => {
  test.each<[string, DatabaseAddress["ssl"]]>([
    ["", { mode: "disable" }],
    ["?sslmode=require", { mode: "require" }],
    ["?sslmode=require&sslrootcert=/ca.pem", { mode: "verify-ca", rootCertFile: "/ca.pem" }],
    ["?sslrootcert=/ca.pem", { mode: "verify-full", rootCertFile: "/ca.pem" }],
    ["?sslmode=verify-full&sslrootcert=system", { mode: "verify-full" }],
    [
      "?sslmode=verify-full&sslcert=/c.pem&sslkey=/k.pem&channel_binding=prefer",
      { mode: "verify-full", certFile: "/c.pem", keyFile: "/k.pem" },
    ],
  ])("%s says how the connection is secured, and the driver hears nothing of it", (query, ssl) => {
    expect(address(`postgres://h/db${query}`)).toEqual({ url: "postgres://h/db", hosts: ["h"], ssl });
  });

  test("keeps what is the driver's, several hosts and a socket's folder", () => {
    expect(address("postgresql://u:p@a:1,b:2/db?sslmode=require&application_name=x").url).toBe(
      "postgresql://u:p@a:1,b:2/db?application_name=x",
    );
    expect(address("postgres://u@%2Fvar%2Frun%2Fpostgresql/db").hosts).toEqual([]);
  });

  test.each([
    ["mysql://u:canary@h/db", /postgres:\/\//],
    ["postgres://u:canary/x@h/db", /percent-encoded/],
    ["postgres://u:can%ary@h/db", /percent-encoded/],
    ["postgres://u:canary@h:port/db", /name:port/],
    ["postgres://u:canary@h/db?sslmode=allow", /possible: disable, prefer, require, verify-ca, verify-full/],
    ["postgres://u:canary@h/db?channel_binding=require", /verify-full/],
  ])("%s is refused, with what is possible and without the password", (url, words) => {
    const read = readDatabaseAddress(url);
    expect(read).toMatchObject({ ok: false, problem: expect.stringMatching(words) });
    expect(JSON.stringify(read)).not.toContain("canary");
  });

  test("any password reaches the driver, also with an @ that was not encoded", () => {
    fc.assert(
      fc.property(fc.string({ minLength: 1, unit: "grapheme" }), (password) => {
        const url = new URL(address(`postgres://u:${encodeURIComponent(password)}@h/db`).url);
        expect(decodeURIComponent(url.password)).toBe(password);
      }),
    );
    expect(address("postgres://u:p@ss@h/db").url).toBe("postgres://u:p%40ss@h/db");
  });
});
