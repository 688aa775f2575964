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

/** Waits until every request of the arm was admitted, or for far too long; then says how it went. */
export async function watch(
  scene: Scene,
  key: string,
  shapes: readonly QuotaShape[],
  startMs: number,
): Promise<ReadonlyMap<QuotaShape["name"], Judgement>> {
  const patienceMs = 4 * scene.seconds * 1_000 + 30_000;
  const callsOf = (shape: QuotaShape) =>
    scene.simulator
      .ledger()
      .filter((call) => call.keyTail === key.slice(-4) && call.model === shape.model && call.atMs >= startMs);
  const isDone = (shape: QuotaShape) =>
    callsOf(shape).filter((call) => call.status === 200).length >= scene.requestsOf(shape).length;
  while (!shapes.every(isDone) && Date.now() - startMs < patienceMs) await sleep(250);
  return new Map(shapes.map((shape) => [shape.name, judge(shape, scene.requestsOf(shape), callsOf(shape), startMs)]));
}
