import { expect, it } from "vitest";
import { isLoopback } from "../../../producers/http/guard.ts";

it.each(["localhost", "127.0.0.1", "127.8.9.1", "::1"])("knows %s as loopback", (host) => {
  expect(isLoopback(host)).toBe(true);
});

it.each(["0.0.0.0", "::", "10.0.0.1", "127.0.0.1.evil.example", "example.com", ""])("knows %s as open", (host) => {
  expect(isLoopback(host)).toBe(false);
});
