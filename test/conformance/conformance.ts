/**
 * What every adapter must do, judged by a real HTTP server that another hand wrote. One case is one sentence; a judge
 * that cannot judge a case names the reason.
 */
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import type { Provider } from "../../src/provider/provider.ts";
import { call } from "../support/call.ts";
import type { Bench, Judge, RunningJudge } from "./bench.ts";
import { faultCases } from "./cases-fault.ts";
import { plainCases } from "./cases-plain.ts";
import { toolCases } from "./cases-tools.ts";

export type { Judge, Order, RunningJudge } from "./bench.ts";

const cases = { ...plainCases, ...toolCases, ...faultCases };

/** Runs every case on one adapter with one judge. */
export function describeConformance(provider: Provider, judge: Judge): void {
  describe(`${provider.id}, judged by ${judge.name}`, () => {
    let bench: Bench;
    beforeAll(async () => {
      const running = await judge.start(provider);
      const connection = provider.connect(settingsOf(running));
      bench = {
        provider,
        judge: running,
        connection,
        ask: (wish) => call(connection, { model: running.model, ...wish }),
      };
    });
    afterAll(() => bench.judge.stop());
    for (const [name, run] of Object.entries(cases)) {
      const reason = judge.skips[`${provider.id}: ${name}`] ?? judge.skips[name];
      // A call that never comes back must be told apart from a slow machine, by its name.
      const options = { skip: reason !== undefined, timeout: 15_000 };
      it(reason === undefined ? name : `${name} (not judged: ${reason})`, options, () => run(bench));
    }
    it("is skipped for known cases only", () => {
      const known = Object.keys(cases);
      const skipped = Object.keys(judge.skips).map((name) => name.replace(/^[\w-]+: /, ""));
      expect(skipped.filter((name) => !known.includes(name))).toEqual([]);
    });
  });
}

/** As a process would hand them to the provider. */
export const settingsOf = ({ apiKey, baseUrl, more = {} }: RunningJudge) => ({ apiKey, baseUrl, more });
