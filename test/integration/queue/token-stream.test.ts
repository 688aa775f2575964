import { expect, onTestFinished, test } from "vitest";
import { openStreamReader, openStreamWriter, type StreamPiece } from "../../../src/stream/token-stream.ts";
import { eventually } from "../../support/eventually.ts";
import { useServices } from "../../support/services.ts";
import { severable } from "../../support/severable.ts";

const services = useServices();

test("who reads along while Redis goes away is told that nothing came, and reads on when it is back", async () => {
  const url = await services.emptyRedis();
  const way = await severable(url);
  const [writer, reader] = [openStreamWriter(url), openStreamReader(way.url)];
  onTestFinished(() => {
    writer.close();
    reader.close();
  });
  const next = (after: string) =>
    eventually(
      "a piece has come",
      async (): Promise<StreamPiece | undefined> => (await reader.read("r", after, 50))[0],
    );
  writer.delta("r", { type: "text", text: "one" });
  const one = await next("0");
  way.cut();
  writer.delta("r", { type: "text", text: "two" });
  expect(await reader.read("r", one.id, 50)).toEqual([]);
  way.mend();
  expect([one.delta, (await next(one.id)).delta]).toEqual([
    { type: "text", text: "one" },
    { type: "text", text: "two" },
  ]);
});
