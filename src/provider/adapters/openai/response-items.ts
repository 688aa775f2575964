/** A conversation as the Responses API has it: a list of items, of which messages are one kind. */
import type { Message } from "../../../request/body.ts";
import type { AssistantPart, ToolResultPart, UserPart } from "../../../request/parts.ts";
import { known } from "../../../runtime/known.ts";
import { fileName, urlOf } from "./media.ts";

export const inputItems = (messages: readonly Message[], provider: string): readonly object[] =>
  messages.flatMap((message) => itemsOf(message, provider));

function itemsOf(message: Message, provider: string): readonly object[] {
  switch (message.role) {
    case "user":
      return [{ role: "user", content: message.content.flatMap(inputPart) }];
    case "assistant":
      return message.content.flatMap((part) => outputItem(part, provider));
    case "tool":
      return message.content.map(toolOutput);
  }
}

/** Audio and video were refused before (response-problem.ts). */
function inputPart(part: UserPart): readonly object[] {
  switch (part.type) {
    case "text":
      return [{ type: "input_text", text: part.text }];
    case "image":
      return [{ type: "input_image", image_url: urlOf(part.source), detail: part.detail ?? "auto" }];
    case "file":
      return [
        "url" in part.source
          ? { type: "input_file", file_url: part.source.url }
          : { type: "input_file", filename: fileName(part.name, part.source), file_data: urlOf(part.source) },
      ];
    default:
      return [];
  }
}

function outputItem(part: AssistantPart, provider: string): readonly object[] {
  switch (part.type) {
    case "text":
      return [{ role: "assistant", content: part.text }];
    case "tool-call":
      return [{ type: "function_call", call_id: part.id, name: part.name, arguments: JSON.stringify(part.input) }];
    case "reasoning":
      return part.provider === provider && part.signature !== undefined
        ? [{ type: "reasoning", ...opened(part.signature), summary: summaryOf(part.text) }]
        : [];
  }
}

const summaryOf = (text: string) => (text === "" ? [] : [{ type: "summary_text", text }]);

const toolOutput = ({ id, content }: ToolResultPart): object => ({
  type: "function_call_output",
  call_id: id,
  output: typeof content === "string" ? content : content.flatMap(inputPart),
});

/** A reasoning item goes back with its id and its cipher: both are its seal. */
export const sealed = (id: string, cipher: string | null | undefined): string => `${id}:${cipher ?? ""}`;

function opened(seal: string): object {
  const [id = "", cipher = ""] = seal.split(":", 2);
  return known({ id, encrypted_content: cipher === "" ? undefined : cipher });
}
