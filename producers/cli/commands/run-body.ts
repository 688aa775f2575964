/** From the options of `millrace run` to what is asked: as a caller of the API would write it, and read by the same rules. */
import type { Body } from "../../../src/request/body.ts";
import { readNative } from "../../wire/native.ts";
import { attachment, jsonFile } from "../attachment.ts";
import { CommandFailed, exitCodes } from "../exit.ts";

export interface RunBodyOptions {
  readonly model: string;
  readonly stream?: boolean;
  readonly system?: string;
  readonly image?: readonly string[];
  readonly file?: readonly string[];
  readonly schema?: string;
  readonly tool?: readonly string[];
  readonly reasoning?: string;
}

/** Throws CommandFailed for a file that cannot be used, and for what the request schema refuses. */
export async function runBody(prompt: string, options: RunBodyOptions): Promise<Body> {
  const { image = [], file = [], schema, tool = [] } = options;
  const media = await Promise.all([
    ...image.map((place) => attachment(place, "image")),
    ...file.map((place) => attachment(place, "file")),
  ]);
  const tools = (await Promise.all(tool.map(jsonFile))).flat();
  const asked = {
    model: options.model,
    system: options.system,
    messages: [{ role: "user", content: [...media, { type: "text", text: prompt }] }],
    tools: tools.length === 0 ? undefined : tools,
    response_format: schema === undefined ? undefined : { type: "json-schema", schema: await jsonFile(schema) },
    reasoning_effort: options.reasoning,
    stream: options.stream,
  };
  const body = readNative(asked, "", options.model);
  if (!body.ok) throw new CommandFailed(`The request cannot be sent: ${body.reason}.`, exitCodes.usage);
  return body.value;
}
