/** Messages as chat completions have them. What they cannot carry was refused before (chat-problem.ts). */
import { type ChatBody, type Message, systemText } from "../../../request/body.ts";
import type { AssistantPart, ToolResultPart, UserPart } from "../../../request/parts.ts";
import { known } from "../../../runtime/known.ts";
import type { Dialect } from "./dialect.ts";
import { audioFormat, fileName, urlOf } from "./media.ts";

export function wireMessages(body: ChatBody, dialect: Dialect): readonly object[] {
  const system = [body.system === undefined ? "" : systemText(body), schemaInstruction(body, dialect)];
  const text = system.filter((words) => words !== "").join("\n\n");
  return [
    ...(text === "" ? [] : [{ role: "system", content: text }]),
    ...body.messages.flatMap((message) => turns(message, dialect)),
  ];
}

function turns(message: Message, dialect: Dialect): readonly object[] {
  switch (message.role) {
    case "user":
      return [{ role: "user", content: shortened(message.content.map((part) => userPart(part, dialect))) }];
    case "assistant":
      return [assistant(message.content, dialect)];
    case "tool":
      return message.content.map(toolResult);
  }
}

function userPart(part: UserPart, { fileField }: Dialect): object {
  switch (part.type) {
    case "text":
      return text(part.text);
    case "image":
      return { type: "image_url", image_url: known({ url: urlOf(part.source), detail: part.detail }) };
    case "audio":
      return { type: "input_audio", input_audio: audio(part.source) };
    case "video":
      return { type: "video_url", video_url: { url: urlOf(part.source) } };
    case "file": {
      if (fileField === "document_url") return { type: "document_url", document_url: urlOf(part.source) };
      const file = { filename: fileName(part.name, part.source), file_data: urlOf(part.source) };
      return { type: "file", file };
    }
  }
}

const audio = (source: Extract<UserPart, { type: "audio" }>["source"]) =>
  "data" in source ? { data: source.data, format: audioFormat(source.mediaType) } : { data: source.url };

function assistant(parts: readonly AssistantPart[], { provider, reasoningBack }: Dialect): object {
  const texts = parts.flatMap((part) => (part.type === "text" ? [text(part.text)] : []));
  const calls = parts.flatMap((part) => (part.type === "tool-call" ? [part] : []));
  const thoughts = parts.flatMap((part) =>
    part.type === "reasoning" && part.provider === provider ? [part.text] : [],
  );
  const nothing = calls.length === 0 ? "" : null;
  return {
    role: "assistant",
    content: texts.length === 0 ? nothing : shortened(texts),
    ...(reasoningBack === undefined || thoughts.length === 0 ? {} : { [reasoningBack]: thoughts.join("\n\n") }),
    ...(calls.length === 0
      ? {}
      : {
          tool_calls: calls.map(({ id, name, input }) => ({
            id,
            type: "function",
            function: { name, arguments: JSON.stringify(input) },
          })),
        }),
  };
}

/** There is no field for a failed tool: its text must say so. */
const toolResult = ({ id, content }: ToolResultPart): object => ({
  role: "tool",
  tool_call_id: id,
  content:
    typeof content === "string"
      ? content
      : shortened(content.flatMap((part) => (part.type === "text" ? [text(part.text)] : []))),
});

const text = (words: string) => ({ type: "text" as const, text: words });

/** One text alone goes as a string, which every server understands. */
function shortened(parts: readonly object[]): string | readonly object[] {
  const [only, ...more] = parts;
  return only !== undefined && more.length === 0 && "text" in only && typeof only.text === "string" ? only.text : parts;
}

function schemaInstruction({ responseFormat }: ChatBody, { schema }: Dialect): string {
  if (responseFormat?.type !== "json-schema" || schema !== "instructed") return "";
  return `Answer with nothing but JSON that fits this JSON Schema:\n${JSON.stringify(responseFormat.schema)}`;
}
