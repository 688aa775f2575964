/** What must not appear in a failure's message. */
export interface Secrets {
  readonly apiKey: string;
  /** Texts of the prompt. */
  readonly prompt: readonly string[];
}

const maxLength = 500;
/** Prefixes of vendors' keys. A masked key (`sk-****abcd`) tells its tail, which is too much as well. */
const keyShaped = /^(?:sk-|pk-|rk-|xai-|gsk_|AIza|AQ\.)[-_A-Za-z0-9*.]{4,}$|\*{3}/;

/**
 * The provider's words, fit for the ledger and for logs: at most 500 characters, one line, no key, no piece of one, no
 * prompt. Providers do echo both: OpenAI's 401 shows the tail of the key.
 */
export function failureMessage(text: string, secrets: Secrets): string {
  const { apiKey } = secrets;
  const words = withoutPrompt(text, secrets.prompt).replace(/\s+/g, " ").trim();
  const line = apiKey === "" ? words : words.replaceAll(apiKey, "[key]");
  const tail = apiKey.length >= 8 ? apiKey.slice(-4) : "";
  const clean = line.replace(/[^\s"'`<>()[\]{},;:=]+/g, (word) => {
    const bare = word.replace(/[.!?]+$/, "");
    const secret = keyShaped.test(bare) || (tail !== "" && bare.endsWith(tail));
    return secret ? `[key]${word.slice(bare.length)}` : word;
  });
  return clean.length > maxLength ? `${clean.slice(0, maxLength - 1)}…` : clean;
}

/** From the first echo of a prompt on, nothing is kept: the echo may be cut anywhere. Very short prompts are words. */
function withoutPrompt(text: string, prompt: readonly string[]): string {
  const starts = prompt
    .map((part) => part.trim().slice(0, 40))
    .filter((start) => start.length >= 12)
    .map((start) => text.indexOf(start))
    .filter((at) => at >= 0);
  return starts.length === 0 ? text : `${text.slice(0, Math.min(...starts))}[prompt]`;
}
