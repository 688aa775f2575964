import { expect, onTestFinished, test } from "vitest";
import type { StreamPiece } from "../../../src/stream/piece.ts";
import { openStreamHub } from "../../../src/stream/stream-hub.ts";
import { openStreamWriter } from "../../../src/stream/stream-writer.ts";
import { useServices } from "../../support/services.ts";
import { severable } from "../../support/severable.ts";

const services = useServices();

async function open() {
  const url = await services.emptyRedis();
  const way = await severable(url);
  const [writer, hub] = [openStreamWriter(url), openStreamHub(way.url)];
  const over = new AbortController();
  onTestFinished(() => {
    over.abort();
    writer.close();
    hub.close();
  });
  return { writer, hub, way, over, url };
}

const text = (words: string) => ({ type: "text", text: words }) as const;

async function rest(pieces: AsyncGenerator<StreamPiece>): Promise<StreamPiece["said"][]> {
  const all: StreamPiece["said"][] = [];
  for await (const { said } of pieces) all.push(said);
  return all;
}

test("who reads along while Redis goes away reads on when it is back, and misses nothing", async () => {
  const { writer, hub, way, over } = await open();
  const reading = hub.pieces("r", "0", over.signal);
  const answer = writer.begin("r", 1);
  answer.delta(text("one"));
  expect((await reading.next()).value).toMatchObject({ id: "1-0", said: "begin" });
  expect((await reading.next()).value).toMatchObject({ id: "1-1", said: text("one") });
  way.cut();
  answer.delta(text("two"));
  way.mend();
  expect((await reading.next()).value).toMatchObject({ id: "1-2", said: text("two") });
  answer.end();
  expect((await reading.next()).value).toMatchObject({ said: "end" });
  over.abort();
  expect(await rest(reading)).toEqual([]);
});

test("a reader that comes late, or comes back, is told what was said after what it had", async () => {
  const { writer, hub, over } = await open();
  const answer = writer.begin("r", 3);
  for (const word of ["one", "two", "three"]) answer.delta(text(word));
  answer.end();
  const late = hub.pieces("r", "0", over.signal);
  for (const said of ["begin", text("one"), text("two"), text("three"), "end"]) {
    expect((await late.next()).value).toMatchObject({ said });
  }
  over.abort();

  expect(await rest(hub.pieces("r", "3-2", over.signal))).toEqual([text("three"), "end"]);
});

test("a worker whose request went to another one is not heard any more", async () => {
  const { writer, hub, over } = await open();
  const first = writer.begin("r", 1);
  first.delta(text("old"));
  const second = writer.begin("r", 2);
  first.delta(text("late"));
  second.delta(text("new"));
  second.end();
  const reading = hub.pieces("r", "0", over.signal);
  const said: unknown[] = [];
  while (said.at(-1) !== "end") said.push((await reading.next()).value?.said);
  over.abort();

  expect(said).toEqual(["begin", text("old"), "begin", text("new"), "end"]);
  expect(await rest(reading)).toEqual([]);
});

test("what this process says itself is told at once, in order and once, with what was said before", async () => {
  const { writer, hub, over, url } = await open();
  writer.begin("r", 1).delta(text("elsewhere"));
  const here = openStreamWriter(url, hub.hear);
  onTestFinished(() => here.close());
  const reading = hub.pieces("r", "0", over.signal);
  expect((await reading.next()).value).toMatchObject({ said: "begin" });
  const answer = here.begin("r", 2);
  for (let at = 0; at < 50; at += 1) answer.delta(text(String(at)));
  answer.end();
  const said: unknown[] = [];
  while (said.at(-1) !== "end") said.push((await reading.next()).value?.said);
  over.abort();

  expect(said.slice(said.indexOf("begin"))).toEqual([
    "begin",
    ...Array.from({ length: 50 }, (_unused, at) => text(String(at))),
    "end",
  ]);
  expect(await rest(reading)).toEqual([]);
});
