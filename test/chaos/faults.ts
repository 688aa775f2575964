/**
 * What goes wrong, one thing at a time. Each ends with everything back as it was; what it did stays done.
 * Its sleeps are how long it lasts; what comes of it is waited for in run.ts.
 */
import { setTimeout as sleep } from "node:timers/promises";
import type { FaultOrder } from "../../src/simulator/faults.ts";
import { type Arm, leaseMs } from "./arm.ts";
import { addAgain, endLeaderships } from "./mischief.ts";
import type { Supervised } from "./processes.ts";
import type { Stage } from "./stage.ts";

export interface Scene {
  readonly stage: Stage;
  readonly arm: Arm;
  /** 0..1, the same ones for a seed. */
  readonly random: () => number;
  readonly say: (line: string) => void;
}

export interface Fault {
  readonly name: string;
  /** Means nothing to a worker that has no feeder, no API or no rows. */
  readonly ofFleet?: boolean;
  /** Taken in by itself only: it lasts too long to be mixed with others. */
  readonly isLong?: boolean;
  run(scene: Scene): Promise<void>;
}

const times = async (count: number, act: (turn: number) => Promise<void>): Promise<void> => {
  for (let turn = 0; turn < count; turn += 1) await act(turn);
};

const oneOf = <Item>(items: readonly Item[], random: () => number): Item | undefined =>
  items[Math.floor(random() * items.length)];

const kill = (of: (arm: Arm) => readonly (Supervised | undefined)[]) => (scene: Scene) =>
  times(3, async () => {
    oneOf(of(scene.arm), scene.random)?.kill("SIGKILL");
    await sleep(1_500);
  });

const redisDown =
  (ms: number) =>
  async ({ stage }: Scene) => {
    await stage.redis.kill();
    await sleep(ms);
    await stage.redis.start();
  };

const postgresEnds =
  (signal: "SIGINT" | "SIGQUIT", awayMs: number) =>
  async ({ stage }: Scene) => {
    await stage.postgres.end(signal);
    await sleep(awayMs);
    await stage.postgres.start();
  };

const away =
  (to: "toRedis" | "toPostgres", eachWayMs: number) =>
  async ({ stage }: Scene) => {
    stage[to].delay(eachWayMs);
    await sleep(4_000);
    stage[to].mend();
  };

const halfOpen =
  (to: "toRedis" | "toPostgres", ms: number) =>
  async ({ stage }: Scene) => {
    stage[to].freeze();
    await sleep(ms);
    stage[to].mend();
  };

const severed =
  (to: "toRedis" | "toPostgres") =>
  ({ stage }: Scene) =>
    times(6, async (turn) => {
      stage[to].sever(turn % 2 === 0 ? "ended" : "reset");
      await sleep(600);
    });

const providers =
  (order: FaultOrder, ms = 3_000) =>
  async ({ stage }: Scene) => {
    stage.simulator.order(order);
    await sleep(ms);
    stage.simulator.clearFaults();
  };

export const faults: readonly Fault[] = [
  { name: "none", run: () => sleep(2_000) },
  { name: "worker killed", run: kill((arm) => arm.workers) },
  { name: "feeder and reconciler killed", ofFleet: true, run: kill((arm) => arm.keepers) },
  { name: "API killed", ofFleet: true, run: kill((arm) => [arm.api]) },
  {
    name: "worker stopped beyond its lease",
    async run({ arm, random }) {
      const victim = oneOf(arm.workers, random);
      victim?.kill("SIGSTOP");
      await sleep(leaseMs * 1.75);
      victim?.kill("SIGCONT");
    },
  },
  {
    name: "clock of a worker stepped",
    ofFleet: true,
    run: ({ arm }) =>
      times(4, async () => {
        arm.workers[0]?.kill("SIGUSR2");
        await sleep(1_200);
      }),
  },
  { name: "Redis killed, AOF", run: redisDown(500) },
  {
    name: "Redis killed, nothing kept",
    async run(scene) {
      await scene.stage.redis.told("CONFIG", "SET", "appendonly", "no");
      scene.stage.redis.keepsData(false);
      await redisDown(500)(scene);
      scene.stage.redis.keepsData(true);
      await scene.stage.redis.told("CONFIG", "SET", "appendonly", "yes");
    },
  },
  {
    name: "FLUSHALL three times",
    run: ({ stage }) =>
      times(3, async () => {
        await stage.redis.told("FLUSHALL");
        await sleep(2_500);
      }),
  },
  { name: "Redis down 10 s", isLong: true, run: redisDown(10_000) },
  { name: "Redis down 40 s", isLong: true, run: redisDown(40_000) },
  {
    name: "Redis read-only",
    async run({ stage }) {
      await stage.redis.told("REPLICAOF", "127.0.0.1", "1");
      await sleep(3_000);
      await stage.redis.told("REPLICAOF", "NO", "ONE");
    },
  },
  {
    name: "Redis full",
    async run({ stage }) {
      await stage.redis.told("CONFIG", "SET", "maxmemory", "1mb");
      await sleep(3_000);
      await stage.redis.told("CONFIG", "SET", "maxmemory", "0");
    },
  },
  { name: "Redis 50 ms away", run: away("toRedis", 50) },
  { name: "Redis half-open", run: halfOpen("toRedis", 3_000) },
  // Longer than a connection may be silent.
  { name: "Redis half-open 20 s", isLong: true, run: halfOpen("toRedis", 20_000) },
  { name: "connections to Redis cut six times", run: severed("toRedis") },
  {
    name: "Postgres restarted twice",
    run: (scene) =>
      times(2, async () => {
        await postgresEnds("SIGINT", 200)(scene);
        await sleep(2_500);
      }),
  },
  { name: "Postgres crashed, 2 s away", run: postgresEnds("SIGQUIT", 2_000) },
  {
    name: "answers of Postgres lost after COMMIT",
    run: ({ stage }) =>
      times(5, async () => {
        stage.toPostgres.loseAnswers();
        await sleep(700);
      }),
  },
  { name: "Postgres 20 ms away", run: away("toPostgres", 20) },
  { name: "Postgres half-open", run: halfOpen("toPostgres", 3_000) },
  // Longer than a claim or a record may be unanswered.
  { name: "Postgres half-open 35 s", isLong: true, run: halfOpen("toPostgres", 35_000) },
  { name: "connections to Postgres cut six times", run: severed("toPostgres") },
  { name: "provider: 429", run: providers({ kind: "rate-limit", probability: 0.7, retryAfterS: 0.3 }) },
  { name: "provider: 500", run: providers({ kind: "server-error", probability: 0.5 }) },
  { name: "provider: answers cut", run: providers({ kind: "cut-stream", probability: 0.4, how: "reset" }) },
  { name: "provider: hangs", run: providers({ kind: "hang", times: 15 }) },
  {
    name: "provider: slower than the lease",
    run: providers({ kind: "slow", ms: leaseMs * 1.5, probability: 0.2 }),
  },
  { name: "jobs added twice", ofFleet: true, run: (scene) => times(6, () => addAgain(scene)) },
  { name: "two leaders", ofFleet: true, run: (scene) => times(30, () => endLeaderships(scene)) },
];

/** Short ones, one after another and over each other, in an order that the seed chooses. */
export const mixed = (rounds: number, chosen: readonly Fault[]): Fault => ({
  name: "mixed",
  async run(scene) {
    const left = [...chosen];
    const both = [0, 1].map(async () => {
      for (let round = 0; round < rounds; round += 1) {
        const fault = left.splice(Math.floor(scene.random() * left.length), 1)[0];
        if (fault === undefined) return;
        scene.say(`  … ${fault.name}`);
        await fault.run(scene);
      }
    });
    await Promise.all(both);
  },
});
