/** The account's voices, by name. */
import { z } from "zod";
import type { CallOutcome } from "../../request/outcome.ts";
import type { Failing } from "../failing.ts";
import { receiveJson, type Send } from "../http.ts";
import type { CallIo } from "../provider.ts";

export type FoundVoice =
  | { readonly ok: true; readonly id: string }
  | { readonly ok: false; readonly outcome: CallOutcome };

export interface Voices {
  /** By id or by name, whatever its case; without either the account's first one. */
  find(voice: string | undefined, io: CallIo, fail: Failing): Promise<FoundVoice>;
}

interface Voice {
  readonly voice_id: string;
  readonly name: string;
}

const listSchema = z.object({ voices: z.array(z.object({ voice_id: z.string().min(1), name: z.string().catch("") })) });

/** As ElevenLabs makes them. */
const isId = (voice: string): boolean => /^[A-Za-z0-9]{20}$/.test(voice);

export function openVoices(send: Send): Voices {
  /** Of the last list: names change seldom. */
  let kept: readonly Voice[] = [];
  return {
    async find(voice, io, fail) {
      if (voice !== undefined && isId(voice)) return { ok: true, id: voice };
      const before = among(kept, voice);
      if (before !== undefined) return { ok: true, id: before };
      const list = () => send({ method: "GET", path: "/v1/voices" }, io.signal);
      const received = await receiveJson(list, listSchema, fail);
      if (!received.ok) return received;
      kept = received.value.voices;
      const now = among(kept, voice);
      return now === undefined ? { ok: false, outcome: fail.because(noSuchVoice(voice, kept)) } : { ok: true, id: now };
    },
  };
}

/** Names such as `Rachel - calm` are known by what is before the dash, too. */
function among(voices: readonly Voice[], voice: string | undefined): string | undefined {
  if (voice === undefined) return voices[0]?.voice_id;
  const asked = voice.toLowerCase();
  const named = ({ name }: Voice) => name.toLowerCase();
  const found =
    voices.find((one) => named(one) === asked) ?? voices.find((one) => named(one).startsWith(`${asked} - `));
  return found?.voice_id ?? voices.find(({ voice_id }) => voice_id === voice)?.voice_id;
}

const noSuchVoice = (voice: string | undefined, voices: readonly Voice[]) => ({
  kind: "client" as const,
  code: "voice_not_found",
  message:
    voice === undefined
      ? "the ElevenLabs account has no voice"
      : `no ElevenLabs voice is called ${voice}; known: ${voices.map(({ name }) => name).join(", ") || "none"}`,
});
