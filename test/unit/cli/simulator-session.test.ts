import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { describe, expect, it, onTestFinished } from "vitest";
import { commandEnvironment, openSimulatorSession } from "../../../producers/cli/simulator-session.ts";

function newDirectory(): string {
  const directory = mkdtempSync(join(tmpdir(), "millrace-session-"));
  onTestFinished(() => rmSync(directory, { recursive: true, force: true }));
  return directory;
}

describe("a simulator session", () => {
  it("is found by commands of the same folder while it lives", async () => {
    const directory = newDirectory();
    const session = await openSimulatorSession(directory, { latency: "none" });

    const inside = commandEnvironment(directory, {});
    const elsewhere = commandEnvironment(newDirectory(), {});
    await session.close();
    const after = commandEnvironment(directory, {});

    expect(inside).toMatchObject({
      ANTHROPIC_API_KEY: "sim-up",
      ANTHROPIC_BASE_URL: session.simulator.baseUrls.anthropic,
      OPENAI_BASE_URL: session.simulator.baseUrls.openai,
      GEMINI_BASE_URL: session.simulator.baseUrls.gemini,
    });
    expect(session.environment).toMatchObject(inside);
    expect([elsewhere, after]).toEqual([{}, {}]);
  });

  it("yields to what a command's own environment says, key and address together", async () => {
    const directory = newDirectory();
    const session = await openSimulatorSession(directory, { latency: "none", rpm: 300 });
    const own = { OPENAI_API_KEY: "sk-real", GEMINI_API_KEY: "g-real", ANTHROPIC_API_KEY: "", CLAUDE_RPM: "7" };

    const environment = commandEnvironment(directory, own);
    await session.close();

    expect(environment["OPENAI_API_KEY"]).toBe("sk-real");
    expect(environment["OPENAI_BASE_URL"]).toBeUndefined();
    expect(environment["GOOGLE_API_KEY"]).toBeUndefined();
    expect(environment["GEMINI_BASE_URL"]).toBeUndefined();
    expect(environment["ANTHROPIC_API_KEY"]).toBe("sim-up");
    expect([environment["CLAUDE_RPM"], environment["GEMINI_RPM"]]).toEqual(["7", "300"]);
  });

  it("counts for nothing once its process is gone", async () => {
    const directory = newDirectory();
    const session = await openSimulatorSession(directory, { latency: "none" });
    const path = join(directory, ".millrace", "simulator.json");
    const known = JSON.parse(readFileSync(path, "utf8"));

    writeFileSync(path, JSON.stringify({ ...known, process: { ...known.process, started: "another life" } }));
    const reused = commandEnvironment(directory, {});
    writeFileSync(path, "{");
    const broken = commandEnvironment(directory, {});
    await session.close();

    expect([reused, broken]).toEqual([{}, {}]);
  });
});
