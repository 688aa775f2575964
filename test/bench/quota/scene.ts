/** What all arms share: the simulator with its five limiters, the requests, and how a run is watched to its end. */
import { setTimeout as sleep } from "node:timers/promises";
import type { Fleet } from "../../../src/fleet/fleet.ts";
import { type Simulator, startSimulator } from "../../../src/simulator/simulator.ts";
import { type Judgement, judge } from "./judge.ts";
import { arrivalDelayMs, type QuotaShape, simulatorLimits } from "./shapes.ts";
import { type Length, lengths } from "./trace.ts";

export interface Scene {
  readonly fleet: Fleet;
  readonly simulator: Simulator;
  readonly shapes: readonly QuotaShape[];
  readonly seed: number;
  readonly burstSeconds: number;
  readonly seconds: number;
  requestsOf(shape: QuotaShape): readonly Length[];
  say(line: string): void;
}

export interface SceneWish {
  readonly fleet: Fleet;
  readonly shapes: readonly QuotaShape[];
  readonly seed: number;
  readonly burstSeconds: number;
  /** How long the requests of each shape take, about. */
  readonly seconds: number;
  readonly say: (line: string) => void;
}

export async function openScene(wish: SceneWish): Promise<Scene> {
  const simulator = await startSimulator({
    seed: wish.seed,
    arrivalDelayMs,
    outputFromPrompt: true,
    latency: { firstTokenMs: { p50: 60, p99: 200 }, perTokenMs: 0.5 },
    limits: simulatorLimits(wish.shapes),
  });
  const drawn = new Map(
    wish.shapes.map((shape, at) => [
      shape.name,
      lengths(wish.seed * 100 + at, Math.round(shape.perSecond * wish.seconds)),
    ]),
  );
  return { ...wish, simulator, requestsOf: (shape) => drawn.get(shape.name) ?? [] };
}

/** One way to send the requests, its processes running: how it takes them and how it is held back. */
export interface Arm {
  /** Its calls are told apart, and limited, by its key. */
  readonly key: string;
  handIn(shape: QuotaShape, requests: readonly Length[]): Promise<void>;
  pause(): Promise<unknown>;
  resume(): Promise<unknown>;
}

/** Slots of one process for each shape; the fleet has the same number, however many processes it is. */
export const slotsOf = (processes: number): number => Math.max(8, Math.ceil(64 / processes));

/** A few calls open connections and let the code get warm: a fleet is not started for every batch. */
const warmUp: readonly Length[] = Array.from({ length: 25 }, () => ({ inputTokens: 40, outputTokens: 8 }));

/** Until just after the next minute of the clock has begun. */
const untilMinuteMs = (nowMs: number): number => 60_000 - (nowMs % 60_000) + 200;

/** Runs the requests through an arm. Taking them in is not what is measured: the time begins when it is let go. */
export async function run(
  scene: Scene,
  arm: Arm,
  shapes: readonly QuotaShape[],
): Promise<ReadonlyMap<QuotaShape["name"], Judgement>> {
  const callsOf = (shape: QuotaShape, sinceMs: number) =>
    scene.simulator
      .ledger()
      .filter(({ keyTail, model, atMs }) => keyTail === arm.key.slice(-4) && model === shape.model && atMs >= sinceMs);
  const allAdmitted = async (sinceMs: number, count: (shape: QuotaShape) => number, patienceMs: number) => {
    const isDone = (shape: QuotaShape) =>
      callsOf(shape, sinceMs).filter(({ status }) => status === 200).length >= count(shape);
    while (!shapes.every(isDone) && Date.now() - sinceMs < patienceMs) await sleep(250);
  };

  const warmUpMs = Date.now();
  for (const shape of shapes) await arm.handIn(shape, warmUp);
  await allAdmitted(warmUpMs, () => warmUp.length, 30_000);
  await arm.pause();
  for (const shape of shapes) await arm.handIn(shape, scene.requestsOf(shape));
  // Buckets fill, here and there; a minute of the clock in which the fleet was unknown is over.
  await sleep(
    shapes.some(({ name }) => name === "minute") ? untilMinuteMs(Date.now()) : 300 + scene.burstSeconds * 1_200,
  );
  const startMs = Date.now();
  await arm.resume();
  await allAdmitted(startMs, (shape) => scene.requestsOf(shape).length, 4 * scene.seconds * 1_000 + 30_000);
  return new Map(
    shapes.map((shape) => [shape.name, judge(shape, scene.requestsOf(shape), callsOf(shape, startMs), startMs)]),
  );
}
