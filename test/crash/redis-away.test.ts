/**
 * A Redis that is away or refuses, and real processes that wait for it: nothing crashes, what is under way is recorded, what
 * is handed in is accepted, and work goes on when it is back.
 */
import { setTimeout as sleep } from "node:timers/promises";
import { describe, expect, test } from "vitest";
import { freePort } from "../../src/runtime/embedded/ports.ts";
import { openScene } from "../support/crash.ts";
import { eventually } from "../support/eventually.ts";
import { type OwnRedis, ownRedis } from "../support/own-redis.ts";
import { useServices } from "../support/services.ts";
import { allEnded, handIn, prompts, states } from "../support/work.ts";

const services = useServices();

interface Fault {
  /** `noticed`: every process has said what `says` expects. */
  begin(own: OwnRedis, noticed: () => Promise<unknown>): Promise<unknown>;
  end(own: OwnRedis): Promise<unknown>;
  /** How long it lasts at least. */
  readonly forMs: number;
  readonly keepsData?: boolean;
  /** Longer than it lasts: BullMQ and the gate keep their leases. */
  readonly leaseMs?: number;
  /** What every process says of it, once it is noticed. */
  readonly says?: RegExp;
}

const nobody = async ({ redis }: OwnRedis) => redis.replicaof("127.0.0.1", await freePort(undefined));
const alone = ({ redis }: OwnRedis) => redis.replicaof("NO", "ONE");
const silent = /Redis does not answer; waiting/;

const faults: Readonly<Record<string, Fault>> = {
  "that is killed and starts on its data after ten seconds": {
    begin: (own) => own.kill(),
    end: (own) => own.start(),
    forMs: 10_000,
    says: silent,
  },
  "that is killed and starts without its data after ten seconds": {
    begin: (own) => own.kill(),
    end: (own) => own.start(),
    forMs: 10_000,
    keepsData: false,
    says: silent,
  },
  "that stands still for longer than every lease": {
    begin: async (own) => own.freeze(),
    end: async (own) => own.thaw(),
    forMs: 6_000,
    leaseMs: 2_000,
  },
  "that is killed and reads its data for a long time": {
    begin: async (own, noticed) => {
      await own.redis.eval("for k = 1, 60000 do redis.call('SET', 'filler:' .. k, k) end", 0);
      await own.kill();
      // The client asks nothing of a server that loads: who meets it only then waits without a word.
      await noticed();
      await own.startLoading();
    },
    end: (own) => own.finishLoading(),
    forMs: 4_000,
    says: silent,
  },
  "that is full": {
    begin: ({ redis }) => redis.config("SET", "maxmemory", "1"),
    end: ({ redis }) => redis.config("SET", "maxmemory", "0"),
    forMs: 4_000,
    says: /Redis is full: raise its maxmemory/,
  },
  "that has become a replica": {
    begin: nobody,
    end: alone,
    forMs: 4_000,
    says: /Redis is a read-only replica/,
  },
  "that is a replica without its primary": {
    begin: async (own) => {
      await own.redis.config("SET", "replica-serve-stale-data", "no");
      await nobody(own);
    },
    end: alone,
    forMs: 4_000,
    says: /Redis is a replica that has lost its primary/,
  },
};

describe("a Redis", () => {
  test.each(Object.entries(faults))(
    "%s costs no request and no call, and stops no process",
    async (_name, fault) => {
      const own = await ownRedis({ keepsData: fault.keepsData ?? true });
      const scene = await openScene(services, {
        redisUrl: own.url,
        environment: { MILLRACE_LOG: "warn" },
        worker: { leaseMs: fault.leaseMs ?? 30_000 },
        simulator: { latency: { firstTokenMs: { p50: 400, p99: 600 }, perTokenMs: 1 } },
      });
      const { fleet, simulator } = scene;
      const processes = await Promise.all([scene.worker("feeder", "reconciler"), scene.worker("anthropic")]);
      await handIn(fleet, prompts(90), { priority: "bulk" });
      const done = async () => (await states(fleet)).succeeded ?? 0;
      await eventually("calls are under way", async () => simulator.ledger().length >= 30 && (await done()) >= 10);

      const noticed = async () => {
        for (const process of processes) if (fault.says !== undefined) await process.said(fault.says);
      };
      await fault.begin(own, noticed);
      const over = sleep(fault.forMs);
      // Accepted without it; the interactive ones too, whose jobs it should have had at once.
      await handIn(fleet, prompts(5, "accepted meanwhile"), { priority: "interactive" });
      await handIn(fleet, prompts(5, "accepted meanwhile"), { priority: "bulk" });
      await eventually("what was under way is recorded", async () => {
        const made = simulator.ledger();
        return made.every((call) => call.ended === "complete") && (await done()) === made.length;
      });
      const made = simulator.ledger().length;
      await over;
      expect(simulator.ledger()).toHaveLength(made);
      await noticed();

      await fault.end(own);
      await eventually("calls are made again", () => simulator.ledger().length > made, 5_000);
      expect(await allEnded(fleet)).toEqual({ succeeded: 100 });
      expect(simulator.ledger()).toHaveLength(100);
      const outcomes = await fleet.ledger.sql`select outcome, count(*)::int as n from attempts group by outcome`;
      expect([...outcomes]).toEqual([{ outcome: "succeeded", n: 100 }]);
      const ends = await Promise.race([Promise.all(processes.map((process) => process.ended)), sleep(0, "none")]);
      expect(ends).toBe("none");
    },
    120_000,
  );
});
