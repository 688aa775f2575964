/** Calls through OpenAI's official client: so many a second whether earlier ones have ended or not, or as many as go through. */
import OpenAI from "openai";

export interface Target {
  readonly baseUrl: string;
  readonly model: string;
  readonly headers?: Readonly<Record<string, string>>;
}

/** Milliseconds; without an answer there is no time. */
export interface Times {
  readonly firstToken: readonly number[];
  readonly total: readonly number[];
  readonly failed: number;
}

const prompt = "Summarise the ticket below in one line. ".repeat(20);

export type Call = (onFirstToken: () => void) => Promise<void>;

export function callsTo({ baseUrl, model, headers = {} }: Target, isStreamed: boolean): Call {
  const client = new OpenAI({ baseURL: baseUrl, apiKey: "sim-bench", maxRetries: 0, defaultHeaders: headers });
  const body = { model, messages: [{ role: "user" as const, content: prompt }] };
  if (!isStreamed) return async () => void (await client.chat.completions.create(body));
  return async (onFirstToken) => {
    let text = "";
    for await (const chunk of await client.chat.completions.create({ ...body, stream: true })) {
      const said = chunk.choices[0]?.delta.content ?? "";
      if (text === "" && said !== "") onFirstToken();
      text += said;
    }
    if (text === "") throw new Error("a stream without text");
  };
}

/** An open loop: calls begin at their time. */
export async function openLoop(call: Call, perSecond: number, seconds: number): Promise<Times> {
  const times = { firstToken: [] as number[], total: [] as number[], failed: 0 };
  const began = performance.now();
  const calls: Promise<void>[] = [];
  for (let at = 0; at < perSecond * seconds; at += 1) {
    const dueMs = began + (at * 1_000) / perSecond - performance.now();
    if (dueMs > 0) await new Promise((resolve) => setTimeout(resolve, dueMs));
    calls.push(one(call, times));
  }
  await Promise.all(calls);
  return times;
}

/** A closed loop: so many at once, for so long. Answers a second. */
export async function closedLoop(call: Call, atOnce: number, seconds: number): Promise<number> {
  const times = { firstToken: [] as number[], total: [] as number[], failed: 0 };
  const began = performance.now();
  const until = began + seconds * 1_000;
  const client = async () => {
    while (performance.now() < until) await one(call, times);
  };
  await Promise.all(Array.from({ length: atOnce }, client));
  return (times.total.length * 1_000) / (performance.now() - began);
}

async function one(call: Call, times: { firstToken: number[]; total: number[]; failed: number }): Promise<void> {
  const started = performance.now();
  try {
    await call(() => times.firstToken.push(performance.now() - started));
    times.total.push(performance.now() - started);
  } catch {
    times.failed += 1;
  }
}
