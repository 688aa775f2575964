import { describe, expect, onTestFinished, test } from "vitest";
import { newestCircuitEvents } from "../../../src/ledger/circuit-events.ts";
import { startTelemetry } from "../../../src/telemetry/start.ts";
import { openCircuitNews } from "../../../workers/circuit-news.ts";
import { openTestFleet } from "../../support/fleet.ts";
import { openTestGate } from "../../support/gate.ts";
import { parsePrometheusText, sampleValue } from "../../support/prometheus-text.ts";
import { failure } from "../../support/provider.ts";
import { useServices } from "../../support/services.ts";

const services = useServices();
const haiku = "anthropic/claude-haiku-4-5";

async function place() {
  const running = await startTelemetry({ service: "millrace-test", exportTraces: false });
  onTestFinished(() => running.stop());
  const fleet = await openTestFleet(services, { telemetry: running.telemetry });
  const lines: { readonly line: string; readonly fields: object }[] = [];
  const errors: unknown[] = [];
  const news = openCircuitNews(fleet, {
    say: (line, fields) => lines.push({ line, fields }),
    onError: (error) => errors.push(error),
  });
  const changesOf = async (labels: Record<string, string>) =>
    sampleValue(parsePrometheusText(await running.metricsText()).get("millrace_circuit_changes_total"), labels);
  return { fleet, news, lines, errors, changesOf };
}

describe("the news of a circuit", () => {
  test("that the gate opened it are a row, a count and a line", async () => {
    const { fleet, news, lines, errors, changesOf } = await place();
    const gate = openTestGate(fleet, { onChange: news });

    await gate.calls(haiku, failure("server"), 5);
    await news.written();

    expect(await newestCircuitEvents(fleet.ledger, { limit: 9 })).toMatchObject([
      { provider: "anthropic", deployment: haiku, fromState: "closed", toState: "open", by: "gate" },
    ]);
    expect(await changesOf({ gen_ai_request_model: "claude-haiku-4-5", millrace_to: "open" })).toBe(1);
    expect(lines).toEqual([
      {
        line: expect.stringContaining(`circuit of ${haiku}: closed to open`),
        fields: expect.objectContaining({ provider: "anthropic", deployment: haiku, from: "closed", to: "open" }),
      },
    ]);
    expect(errors).toEqual([]);
  });

  test("that the credential was refused are about the provider, not about the deployment that found out", async () => {
    const { fleet, news } = await place();
    const gate = openTestGate(fleet, { onChange: news });

    await gate.calls(haiku, failure("auth", { status: 401 }));
    await news.written();

    expect(await newestCircuitEvents(fleet.ledger, { limit: 9 })).toMatchObject([
      { provider: "anthropic", deployment: undefined, toState: "credential-off" },
    ]);
  });

  test("that cannot be written are an error for whoever listens, and none for the gate", async () => {
    const { fleet, news, errors } = await place();
    const unwritable = { provider: "anthropic", deployment: haiku, from: "open", to: "closed" } as const;
    news({ ...unwritable, reason: "a zero byte \u0000 that Postgres refuses" });
    await news.written();
    expect(errors).toHaveLength(1);
    expect(await newestCircuitEvents(fleet.ledger, { limit: 9 })).toEqual([]);
  });
});
