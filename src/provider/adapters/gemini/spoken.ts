/**
 * What a model has said so far, from Gemini's parts to ours. Code that Gemini ran for the model, and what came out, stand
 * in the text, fenced.
 */
import { randomUUID } from "node:crypto";
import type { Delta } from "../../../request/delta.ts";
import type { Failure } from "../../../request/failure.ts";
import type { Answer } from "../../../request/outcome.ts";
import { type AssistantPart, toolInput } from "../../../request/parts.ts";
import { known } from "../../../runtime/known.ts";
import { growingText } from "../../growing-text.ts";
import type { WirePart } from "./chunk.ts";

export interface Spoken {
  readonly callCount: number;
  /** Puts a part behind what was said, and tells what is new. Returns why it cannot. */
  add(part: WirePart, responseId: string | undefined): Failure | undefined;
  answer(): Answer;
}

type WireCall = NonNullable<WirePart["functionCall"]>;
/** `thinker` is kept with each thought. */
export function speaking(thinker: string, onDelta: (delta: Delta) => void): Spoken {
  const parts: AssistantPart[] = [];
  /** The text of the last part: `settle` puts it there. */
  let growing = growingText();
  const sounds: Buffer[] = [];
  let soundType = "";
  let callCount = 0;

  const settle = (): void => {
    const last = parts.at(-1);
    if (last?.type === "text" || last?.type === "reasoning")
      parts[parts.length - 1] = { ...last, text: growing.text() };
  };
  const begin = (part: AssistantPart): void => {
    settle();
    parts.push(part);
    growing = growingText();
  };

  const addText = (text: string): void => {
    if (text === "") return;
    if (parts.at(-1)?.type !== "text") begin({ type: "text", text: "" });
    growing.add(text);
    onDelta({ type: "text", text });
  };

  const addThought = (text: string, signature: string | undefined): void => {
    const last = parts.at(-1);
    if (last?.type === "reasoning" && last.signature === undefined) {
      parts[parts.length - 1] = { ...last, ...known({ signature }) };
      growing.add(text);
    } else if (text !== "" || signature !== undefined) {
      begin({ type: "reasoning", text: "", ...known({ signature }), provider: thinker });
      growing.add(text);
    }
    const seal = signature === undefined ? {} : { signature, provider: thinker };
    if (text !== "" || signature !== undefined) onDelta({ type: "reasoning", text, ...seal });
  };

  const addCall = (call: WireCall, signature: string | undefined, answerId: string): Failure | undefined => {
    const input = toolInput.safeParse(call.args ?? {});
    if (!input.success) return { kind: "server", message: "the arguments of a tool call are no JSON object" };
    const id = call.id ?? `${answerId}-${callCount}`;
    begin({ type: "tool-call", id, name: call.name, input: input.data, ...known({ signature }) });
    const said = { index: callCount, id, name: call.name, input: JSON.stringify(input.data) };
    onDelta({ type: "tool-call", ...said, ...known({ signature }) });
    callCount += 1;
    return undefined;
  };

  return {
    get callCount() {
      return callCount;
    },
    add(part, responseId) {
      const { functionCall, inlineData, executableCode: code, codeExecutionResult: ran } = part;
      const { thoughtSignature: signature, text = "" } = part;
      if (functionCall !== undefined) return addCall(functionCall, signature, responseId ?? randomUUID());
      if (inlineData !== undefined) {
        if (!inlineData.mimeType.startsWith("audio/")) {
          return { kind: "client", message: `a result cannot hold what the model made: ${inlineData.mimeType}` };
        }
        soundType = inlineData.mimeType;
        sounds.push(Buffer.from(inlineData.data, "base64"));
        onDelta({ type: "audio", data: inlineData.data });
      } else if (part.thought === true) addThought(text, signature);
      else {
        if (code !== undefined) addText(fenced(code.code, code.language?.toLowerCase()));
        if (ran !== undefined) addText(fenced(ran.output ?? ""));
        addText(text);
        if (signature !== undefined) addThought("", signature);
      }
      return undefined;
    },
    answer() {
      settle();
      return {
        text: parts.map((part) => (part.type === "text" ? part.text : "")).join(""),
        ...(parts.every(({ type }) => type === "text") ? {} : { parts }),
        ...(sounds.length === 0 ? {} : { audio: { data: Buffer.concat(sounds), mediaType: soundType } }),
      };
    },
  };
}

const fenced = (text: string, language = ""): string => `\n\`\`\`${language}\n${text.replace(/\n$/, "")}\n\`\`\`\n`;
