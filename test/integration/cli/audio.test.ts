import { readFileSync } from "node:fs";
import { join } from "node:path";
import { expect, it, onTestFinished } from "vitest";
import { openLedger } from "../../../src/ledger/ledger.ts";
import { recordRequests } from "../../../src/ledger/record.ts";
import { runCli, workFolder } from "../../support/cli.ts";
import { accepted, ending, result, running } from "../../support/ledger.ts";
import { useServices } from "../../support/services.ts";

const services = useServices();

it("millrace request show --audio writes the sound of an answer into a file, and says so where there is none", async () => {
  const environment = { REDIS_URL: await services.emptyRedis(), DATABASE_URL: await services.emptyDatabase() };
  const ledger = openLedger(environment.DATABASE_URL);
  onTestFinished(() => ledger.close());
  const [spoken = "", written = ""] = await accepted(ledger, 2);
  const data = Uint8Array.from({ length: 256 }, (_, byte) => byte);
  const audio = { data, mediaType: "audio/mpeg" };
  const record = recordRequests(ledger);
  const sounding = { ...result, text: "", audio: { mediaType: "audio/mpeg", bytes: 256 } };
  await record(ending(await running(ledger, spoken), { result: sounding, audio }));
  await record(ending(await running(ledger, written), { result }));
  const options = { cwd: workFolder(), environment };
  const show = (id: string, ...more: string[]) => runCli(["request", "show", id, ...more], options);

  const saved = await show(spoken, "--audio", "mill.mp3");
  const json = await show(spoken, "--audio", "again.mp3", "--json");
  const [none, nowhere] = [await show(written, "--audio", "none.mp3"), await show(spoken, "--audio", "no/folder.mp3")];
  const plain = await show(spoken);

  expect([saved.code, json.code, none.code, nowhere.code]).toEqual([0, 0, 1, 1]);
  expect(new Uint8Array(readFileSync(join(options.cwd, "mill.mp3")))).toEqual(data);
  expect(saved.stdout).toContain("256 bytes of audio/mpeg, written to mill.mp3");
  expect(JSON.parse(json.stdout)).toMatchObject({ audio_file: "again.mp3" });
  expect(none.stderr).toContain("has no sound");
  expect(nowhere.stderr).toContain("Cannot write no/folder.mp3");
  expect(plain.stdout).toContain("(--audio FILE)");
});
