/**
 * What the HTTP side adds to a call, with full durability: the official OpenAI client against the simulator directly, through
 * Millrace, and through Portkey's gateway, in the same run; at 50 and 200 calls a second (an open loop), and how many a second
 * go through. Differences are of the same percentile of both arms. Each server has a process of its own.
 */
import { z } from "zod";
import { type Figures, figures, percentile } from "./bench.ts";
import { callsTo, closedLoop, openLoop, type Target, type Times } from "./http/load.ts";
import { type Portkey, startPortkey } from "./http/portkey.ts";
import { endChild, nextMessage, startBeside, startSimulatorProcess } from "./simulated.ts";

const startedMessage = z.object({ url: z.string() });
const stepsMessage = z.record(z.string(), z.number());

await figures("http", async ({ quick, say }) => {
  const simulator = await startSimulatorProcess({
    latency: { firstTokenMs: { p50: 30, p99: 40 }, perTokenMs: 1 },
    outputTokens: { p50: 20, p99: 20 },
  });
  const millrace = startBeside("test/bench/http/millrace.js", [simulator.baseUrls.openai, process.env["PATH"] ?? ""]);
  const { url } = startedMessage.parse(await nextMessage(millrace));
  const portkey = await startPortkey().catch((error: unknown) => {
    say(`  Portkey's gateway is left out: ${error instanceof Error ? error.message.split("\n")[0] : error}`);
    return undefined;
  });
  const model = "gpt-4o-mini";
  const arms: Record<string, Target> = {
    direct: { baseUrl: simulator.baseUrls.openai, model },
    millrace: { baseUrl: `${url}/v1`, model: `openai/${model}` },
    ...(portkey === undefined ? {} : { portkey: portkeyTarget(portkey, simulator.baseUrls.openai, model) }),
  };
  const found: Record<string, number> = {};
  for (const perSecond of quick ? [50] : [50, 200]) {
    for (const isStreamed of [false, true]) {
      Object.assign(found, await compare(arms, perSecond, isStreamed, quick ? 3 : 15, say));
    }
    if (perSecond === 50) Object.assign(found, await steps(millrace));
  }
  Object.assign(found, await saturation(arms, quick ? 3 : 10, say));
  await portkey?.end();
  await endChild(millrace);
  await simulator.end();
  return found;
});

function portkeyTarget({ url }: Portkey, simulator: string, model: string): Target {
  return {
    baseUrl: `${url}/v1`,
    model,
    headers: { "x-portkey-provider": "openai", "x-portkey-custom-host": simulator },
  };
}

async function compare(
  arms: Readonly<Record<string, Target>>,
  perSecond: number,
  isStreamed: boolean,
  seconds: number,
  say: (line: string) => void,
): Promise<Figures> {
  const times: Record<string, Times> = {};
  for (const [name, target] of Object.entries(arms)) {
    const call = callsTo(target, isStreamed);
    await openLoop(call, 20, 1);
    times[name] = await openLoop(call, perSecond, seconds);
    if (times[name].failed > 0) say(`  ${name}: ${times[name].failed} calls failed`);
  }
  const what = isStreamed ? "firstToken" : "total";
  const label = `${isStreamed ? "firstToken" : "whole"}`;
  const at = perSecond === 50 ? "" : `At${perSecond}`;
  const found: Record<string, number> = {};
  for (const [name, { [what]: taken }] of Object.entries(times)) {
    say(
      `  ${perSecond}/s ${label} ${name}: p50 ${percentile(taken, 0.5).toFixed(1)} ms, p99 ${percentile(taken, 0.99).toFixed(1)} ms`,
    );
    if (name === "direct") continue;
    for (const [p, share] of [
      ["P50", 0.5],
      ["P99", 0.99],
    ] as const) {
      const added = percentile(taken, share) - percentile(times["direct"]?.[what] ?? [], share);
      found[name === "millrace" ? `${label}Added${p}Ms${at}` : `${name}${capital(label)}Added${p}Ms${at}`] = added;
    }
  }
  return found;
}

function capital(word: string): string {
  return word.charAt(0).toUpperCase() + word.slice(1);
}

/** Medians of Millrace's own steps since it was asked last. */
async function steps(millrace: Parameters<typeof nextMessage>[0]): Promise<Figures> {
  const asked = nextMessage(millrace);
  millrace.send({});
  const medians = stepsMessage.parse(await asked);
  return Object.fromEntries(Object.entries(medians).map(([name, ms]) => [`${name}StepP50Ms`, ms]));
}

async function saturation(
  arms: Readonly<Record<string, Target>>,
  seconds: number,
  say: (line: string) => void,
): Promise<Figures> {
  const rates: Record<string, number> = {};
  for (const [name, target] of Object.entries(arms)) {
    const call = callsTo(target, false);
    rates[name] = await closedLoop(call, 64, seconds);
    say(`  saturation ${name}: ${rates[name].toFixed(0)} answers/s`);
  }
  const { millrace = Number.NaN, portkey } = rates;
  return {
    saturationPerSecond: millrace,
    ...(portkey === undefined ? {} : { saturationToPortkey: millrace / portkey }),
  };
}
