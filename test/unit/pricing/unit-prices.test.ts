import { describe, expect, it } from "vitest";
import { unitPriceSchema } from "../../../src/config/unit-price.ts";
import { costOf } from "../../../src/pricing/price.ts";
import type { TranscriptionBody } from "../../../src/request/body.ts";

const at = new Date("2026-11-20T12:00:00Z");
const source = { data: "QQ==", mediaType: "audio/wav" };
const body: TranscriptionBody = { operation: "transcription", model: "nova-3", source, language: "en" };

describe("the cost of sound and text by their length", () => {
  it("is of the list of its day, to the nano-dollar, and names it", () => {
    expect(costOf("deepgram", "nova-3", { audioSeconds: 90 }, at, { body })).toEqual({
      nanoUsd: 6_450_000n,
      priceVersion: "list@2026-05-05",
    });
    expect(costOf("deepgram", "nova-3", { audioSeconds: 12.5 }, at, { body })?.nanoUsd).toBe(895_833n);
    expect(costOf("elevenlabs", "eleven_flash_v2_5", { characters: 7.5 }, at)?.nanoUsd).toBe(750_000n);
    expect(costOf("openai", "tts-1-hd", { characters: 1_000 }, at)?.nanoUsd).toBe(30_000_000n);
    expect(costOf("openai", "tts-1", { characters: 1_000 }, at)?.nanoUsd).toBe(15_000_000n);
  });

  it("is of the price book where that knows the hour", () => {
    expect(costOf("openai", "whisper-1", { audioSeconds: 60 }, at)).toEqual({
      nanoUsd: 6_000_000n,
      priceVersion: expect.stringContaining("genai-prices@"),
    });
  });

  it("is nothing for no sound, and unknown for an unknown length, an unknown model and a day before the list", () => {
    expect(costOf("deepgram", "nova-3", { audioSeconds: 0 }, at, { body })?.nanoUsd).toBe(0n);
    expect(costOf("deepgram", "nova-3", {}, at, { body })).toBeUndefined();
    expect(costOf("deepgram", "no-such-model", { audioSeconds: 60 }, at, { body })).toBeUndefined();
    expect(costOf("openai", "gpt-5-mini", { audioSeconds: 60 }, at)).toBeUndefined();
    expect(costOf("openai", "gpt-4o-mini-tts", { characters: 60 }, at)).toBeUndefined();
    const before = new Date("2026-05-04T23:59:59Z");
    expect(costOf("deepgram", "nova-3", { audioSeconds: 60 }, before, { body })).toBeUndefined();
  });

  it.each([
    { diarize: true },
    { vocabulary: ["Wehr"] },
    { language: undefined },
    { language: "multi" },
    { providerOptions: { deepgram: { redact: "pci" } } },
  ])("is unknown where the list does not say what more is asked: %j", (more) => {
    const asked = { ...body, ...more } as TranscriptionBody;
    expect(costOf("deepgram", "nova-3", { audioSeconds: 60 }, at, { body: asked })).toBeUndefined();
    expect(costOf("deepgram", "nova-3", { audioSeconds: 60 }, at)).toBeUndefined();
  });

  it("is what the operator agreed on, before every list", () => {
    const unitPrice = unitPriceSchema.parse({ usdPerMinute: 0.0036, usdPerThousandCharacters: 0.05 });
    expect(unitPrice).toEqual({ nanoUsdPerMinute: 3_600_000, nanoUsdPerThousandCharacters: 50_000_000 });
    const diarized = { ...body, diarize: true };
    const terms = { unitPrice: { nanoUsdPerMinute: 3_600_000 }, body: diarized };
    expect(costOf("deepgram", "nova-3", { audioSeconds: 60 }, at, terms)).toEqual({
      nanoUsd: 3_600_000n,
      priceVersion: "millrace.yaml",
    });
    expect(costOf("x", "y", { audioSeconds: 60, characters: 1_000 }, at, { unitPrice })?.nanoUsd).toBe(53_600_000n);
    expect(costOf("x", "y", { audioSeconds: 60 }, at, { unitPrice })).toBeUndefined();
    expect(costOf("x", "y", { audioSeconds: 60 }, at, { unitPrice: {} })).toBeUndefined();
  });
});
