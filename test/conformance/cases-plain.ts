/** Answers, whole and streamed, and the probe. */
import { expect } from "vitest";
import { call } from "../support/call.ts";
import { answerOf, type Cases, failureOf, silent } from "./bench.ts";

export const plainCases: Cases = {
  "answers whole, with text, usage and finish reason": async ({ ask }) => {
    const { outcome, pieces } = await ask();
    const answer = answerOf(outcome);
    expect(answer.text.length).toBeGreaterThan(10);
    expect(answer.finish.unified).toBe("stop");
    expect(answer.usage.inputTokens).toBeGreaterThan(0);
    expect(answer.usage.outputTokens).toBeGreaterThan(0);
    expect(pieces).toEqual([]);
  },

  "streams the same answer in pieces that add up to it": async ({ ask }) => {
    const whole = answerOf((await ask()).outcome);
    const { outcome, pieces, activity } = await ask({ stream: true });
    const streamed = answerOf(outcome);
    expect(pieces.length).toBeGreaterThan(1);
    expect(pieces.every((piece) => piece !== "")).toBe(true);
    expect(pieces.join("")).toBe(streamed.text);
    expect(activity).toBeGreaterThan(0);
    expect(streamed).toMatchObject({ text: whole.text, finish: whole.finish, usage: whole.usage });
  },

  "says who answered": async ({ ask }) => {
    for (const stream of [false, true]) {
      expect(answerOf((await ask({ stream })).outcome).providerRequestId).toMatch(/.{6,}/);
    }
  },

  "sends its correlation": async ({ ask, judge }) => {
    await ask({ correlation: "req-42" });
    expect(judge.arrivals().correlation).toBe("req-42");
  },

  "stops at the output limit": async ({ ask }) => {
    for (const stream of [false, true]) {
      const { finish, usage } = answerOf((await ask({ stream, body: { maxOutputTokens: 5 } })).outcome);
      expect(finish.unified).toBe("length");
      expect(usage.outputTokens).toBe(5);
    }
  },

  "stops before a stop sequence": async ({ ask }) => {
    const { text } = answerOf((await ask()).outcome);
    const stop = text
      .slice(text.indexOf(" ", text.length / 2))
      .trim()
      .slice(0, 6);
    for (const stream of [false, true]) {
      const stopped = answerOf((await ask({ stream, body: { stop: [stop] } })).outcome);
      expect(stopped.finish.unified).toBe("stop");
      expect(stopped.text).toBe(text.slice(0, text.indexOf(stop)));
    }
  },

  "is not refused for sampling parameters": async ({ ask }) => {
    const body = { temperature: 0.2, topP: 0.9, topK: 20, seed: 7 };
    for (const stream of [false, true]) answerOf((await ask({ stream, body })).outcome);
  },

  "sends the system prompt": async ({ ask }) => {
    const plain = answerOf((await ask()).outcome);
    const directed = answerOf(
      (await ask({ body: { system: "Answer like a miller who has seen many rivers." } })).outcome,
    );
    expect(directed.usage.inputTokens).toBeGreaterThan(plain.usage.inputTokens ?? Number.POSITIVE_INFINITY);
  },

  "probes with a good key": async ({ connection }) => {
    expect(answerOf(await connection.probe(silent())).text).toBe("models listed");
  },

  "is refused with a wrong key": async ({ provider, judge }) => {
    const { baseUrl, wrongKey: apiKey, model } = judge;
    const refused = provider.connect({ apiKey, baseUrl });
    expect(failureOf(await refused.probe(silent())).kind).toBe("auth");
    for (const stream of [false, true]) {
      const failure = failureOf((await call(refused, { model, stream })).outcome);
      expect(failure.kind).toBe("auth");
      expect(failure.message).not.toContain(apiKey.slice(-4));
    }
  },
};
