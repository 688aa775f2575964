/** Content parts of the Responses API, as the parts of a chat completion that mean the same. */
import { z } from "zod";

const partSchema = z.looseObject({
  type: z.string(),
  text: z.unknown().optional(),
  image_url: z.unknown().optional(),
  detail: z.unknown().optional(),
  file_id: z.unknown().optional(),
  file_data: z.unknown().optional(),
  file_url: z.unknown().optional(),
  filename: z.unknown().optional(),
});
type GivenPart = z.infer<typeof partSchema>;

/** What is none of them is left as it is, for the readers of parts to complain about. */
export function chatPart(value: unknown): unknown {
  const { data } = partSchema.safeParse(value);
  const translate = data !== undefined && Object.hasOwn(translations, data.type) ? translations[data.type] : undefined;
  return data === undefined || translate === undefined ? value : translate(data);
}

const asText = ({ text }: GivenPart) => ({ type: "text", text });

const translations: Readonly<Record<string, (part: GivenPart) => object>> = {
  input_text: asText,
  output_text: asText,
  input_image: ({ image_url: url, detail, file_id: id }) =>
    typeof id === "string"
      ? { type: "file", file: { file_id: id } }
      : { type: "image_url", image_url: { url, detail } },
  input_file: ({ file_url: url, filename: name, file_id, file_data }) =>
    typeof url === "string"
      ? { type: "file", source: { url }, ...(typeof name === "string" ? { name } : {}) }
      : { type: "file", file: { file_id, file_data, filename: name } },
};
