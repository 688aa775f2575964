import type { ChatBody } from "../../../request/body.ts";
import { systemText } from "../../../request/body.ts";
import { known } from "../../../runtime/known.ts";
import type { CallInput } from "../../provider.ts";
import type { Dialect } from "./dialect.ts";
import { inputItems } from "./response-items.ts";

/**
 * The body of a response. Nothing is stored at the provider: what its models thought comes back encrypted and goes out
 * again with the next turn. Summaries of it are had by `providerOptions`, as some models need a verified account.
 */
export function responseBody(
  { model, body, stream }: CallInput,
  { provider, userId }: Dialect,
): Readonly<Record<string, unknown>> {
  const { effort } = body.reasoning ?? {};
  return {
    model,
    input: inputItems(body.messages, provider),
    store: false,
    ...known({
      instructions: body.system === undefined ? undefined : systemText(body),
      include: isReasoner(model) ? ["reasoning.encrypted_content"] : undefined,
      max_output_tokens: body.maxOutputTokens,
      temperature: body.temperature,
      top_p: body.topP,
      tools: body.tools?.map(({ name, description, parameters, strict }) =>
        known({ type: "function", name, description, parameters, strict: strict ?? false }),
      ),
      tool_choice: typeof body.toolChoice === "object" ? { type: "function", ...body.toolChoice } : body.toolChoice,
      parallel_tool_calls: body.parallelToolCalls,
      text: textFormat(body),
      reasoning: effort === undefined ? undefined : { effort },
      ...(userId === undefined ? {} : { [userId]: body.userId }),
    }),
    ...(stream ? { stream: true } : {}),
    ...body.providerOptions?.[provider],
  };
}

/** Others refuse to be asked for their reasoning. */
const isReasoner = (model: string): boolean => /^(?:o\d|gpt-[5-9]|codex|computer-use)/.test(model);

function textFormat({ responseFormat: format }: ChatBody) {
  switch (format?.type) {
    case "json":
      return { format: { type: "json_object" } };
    case "json-schema":
      return {
        format: known({
          type: "json_schema",
          name: format.name ?? "answer",
          schema: format.schema,
          strict: format.strict,
        }),
      };
    default:
      return undefined;
  }
}
