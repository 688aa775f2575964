import { readdirSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { expect, onTestFinished, test } from "vitest";
import type { ClaimedRequest } from "../../../src/ledger/claim.ts";
import { type Ledger, openLedger } from "../../../src/ledger/ledger.ts";
import type { RecordInput } from "../../../src/ledger/record.ts";
import { attemptsOf, requestById } from "../../../src/ledger/requests.ts";
import { openSpool } from "../../../src/ledger/spool.ts";
import { silentTelemetry } from "../../../src/telemetry/telemetry.ts";
import { openRecorder, type Recorder } from "../../../workers/recorder.ts";
import { workFolder } from "../../support/cli.ts";
import { eventually } from "../../support/eventually.ts";
import { accepted, call, ending, result, running, stateOf } from "../../support/ledger.ts";
import { useServices } from "../../support/services.ts";
import { severable } from "../../support/severable.ts";

const services = useServices();

interface World {
  readonly ledger: Ledger;
  readonly claims: readonly ClaimedRequest[];
  readonly folder: string;
  readonly errors: unknown[];
  cut(): void;
  mend(): void;
  recorder(heldBytes?: number): Recorder;
}

/** A ledger of our own to look on, and one behind a way that can be cut. */
async function world(count: number): Promise<World> {
  const databaseUrl = await services.emptyDatabase();
  const way = await severable(databaseUrl);
  const [ledger, far] = [openLedger(databaseUrl), openLedger(way.url)];
  onTestFinished(async () => void (await Promise.all([ledger.close(), far.close()])));
  const claims = await Promise.all((await accepted(ledger, count)).map((id) => running(ledger, id)));
  const folder = join(workFolder(), "spool");
  const errors: unknown[] = [];
  return {
    ledger,
    claims,
    folder,
    errors,
    ...way,
    recorder(heldBytes = 1_000_000) {
      const options = { ledger: far, spool: openSpool(folder), heldBytes, telemetry: silentTelemetry };
      const recorder = openRecorder({ ...options, onError: (error) => errors.push(error) });
      onTestFinished(() => recorder.close());
      return recorder;
    },
  };
}

const success = (claimed: ClaimedRequest, more: Partial<RecordInput> = {}) =>
  ending(claimed, { result: { ...result, text: `for ${claimed.id}` }, attempt: call(), ...more });
const recordAll = ({ record }: Recorder, claims: readonly ClaimedRequest[]) =>
  Promise.all(claims.map((claimed) => record(success(claimed))));
const filesIn = (folder: string, ending = ".jsonl"): string[] => {
  try {
    return readdirSync(folder).filter((name) => name.endsWith(ending));
  } catch {
    return [];
  }
};

async function expectRecorded({ ledger }: World, claims: readonly ClaimedRequest[]): Promise<void> {
  for (const { id } of claims) {
    expect(await requestById(ledger, id)).toMatchObject({ state: "succeeded", result: { text: `for ${id}` } });
    expect(await attemptsOf(ledger, id)).toMatchObject([{ outcome: "succeeded" }]);
  }
}

test("an answer that finds Postgres away is recorded when it is back, without a disk", async () => {
  const scene = await world(3);
  const recorder = scene.recorder();
  scene.cut();
  const answers = recordAll(recorder, scene.claims);
  await eventually("they are held", () => scene.errors.length >= 3);
  expect(filesIn(scene.folder)).toEqual([]);
  scene.mend();
  expect(await answers).toEqual(["recorded", "recorded", "recorded"]);
  await expectRecorded(scene, scene.claims);
});

test("what is more than memory may hold goes to disk at once, and is recorded and removed when Postgres is back", async () => {
  const scene = await world(5);
  const recorder = scene.recorder(0);
  scene.cut();
  const answers = recordAll(recorder, scene.claims);
  await eventually("they are on disk", () => filesIn(scene.folder).length > 0, 1_500);
  scene.mend();
  expect(await answers).toEqual(Array(5).fill("recorded"));
  await expectRecorded(scene, scene.claims);
  await eventually("nothing is left", () => filesIn(scene.folder).length === 0);
});

test("what waits for seconds is on disk as well: a process that is killed then loses nothing", async () => {
  const scene = await world(2);
  const recorder = scene.recorder();
  scene.cut();
  const answers = recordAll(recorder, scene.claims);
  await eventually("they are on disk", () => filesIn(scene.folder).length > 0, 5_000);
  scene.mend();
  expect(await answers).toEqual(["recorded", "recorded"]);
});

test("a process that ends meanwhile leaves its answers on disk, and the next one records them", async () => {
  const scene = await world(4);
  const leaving = scene.recorder();
  scene.cut();
  const answers = recordAll(leaving, scene.claims.slice(0, 3));
  await eventually("they are held", () => scene.errors.length >= 3);
  leaving.leave();
  expect(await answers).toEqual(Array(3).fill("spooled"));
  expect(await recordAll(leaving, scene.claims.slice(3))).toEqual(["spooled"]);
  await leaving.close();
  expect(await stateOf(scene.ledger, scene.claims[0]?.id ?? "")).toBe("running");
  scene.mend();
  scene.recorder();
  await eventually("nothing is left", () => filesIn(scene.folder).length === 0);
  await expectRecorded(scene, scene.claims);
});

test("two processes of one folder record each answer once, and both come to an end", async () => {
  const scene = await world(6);
  const both = [scene.recorder(0), scene.recorder(0)] as const;
  scene.cut();
  const answers = both.map((recorder, at) => recordAll(recorder, scene.claims.slice(at * 3, at * 3 + 3)));
  await eventually("both are on disk", () => filesIn(scene.folder).length >= 2);
  scene.mend();
  for (const answer of (await Promise.all(answers)).flat()) expect(["recorded", "spooled"]).toContain(answer);
  await eventually("nothing is left", () => filesIn(scene.folder).length === 0);
  await expectRecorded(scene, scene.claims);
});

test("a damaged file is set aside and said; what is whole in it is recorded", async () => {
  const scene = await world(2);
  const leaving = scene.recorder();
  scene.cut();
  const answers = recordAll(leaving, scene.claims);
  await eventually("they are held", () => scene.errors.length >= 2);
  leaving.leave();
  await answers;
  await leaving.close();
  const [file = ""] = filesIn(scene.folder);
  writeFileSync(join(scene.folder, file), '{"token":"half\n', { flag: "a" });
  scene.mend();
  scene.recorder();
  await eventually("it is set aside", () => filesIn(scene.folder, ".refused").length === 1);
  expect(scene.errors.map(String).join("\n")).toMatch(/damaged or was refused in part; it was set aside/);
  await expectRecorded(scene, scene.claims);
});

test("one that Postgres will not have fails alone", async () => {
  const scene = await world(2);
  const [bad, good] = scene.claims;
  if (bad === undefined || good === undefined) throw new Error("not claimed");
  const recorder = scene.recorder(0);
  scene.cut();
  const answers = Promise.allSettled([
    recorder.record(success(bad, { attempt: call({ httpStatus: 1_000_000 }) })),
    recorder.record(success(good)),
  ]);
  await eventually("they are on disk", () => filesIn(scene.folder).length > 0);
  scene.mend();
  expect((await answers).map((answer) => answer.status)).toEqual(["rejected", "fulfilled"]);
  await expectRecorded(scene, [good]);
});

test("a disk that takes nothing is said; the answers wait in memory, and are lost only if the process ends", async () => {
  const scene = await world(2);
  const recorder = scene.recorder(0);
  writeFileSync(scene.folder, "a file where the folder would be");
  scene.cut();
  const answers = Promise.allSettled(scene.claims.map((claimed) => recorder.record(success(claimed))));
  await eventually("it is said", () => scene.errors.some((error) => String(error).includes("EEXIST")));
  rmSync(scene.folder);
  scene.mend();
  expect((await answers).map((answer) => answer.status)).toEqual(["fulfilled", "fulfilled"]);
  await expectRecorded(scene, scene.claims);
});
