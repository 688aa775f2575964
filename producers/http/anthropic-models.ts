/** The catalogue in Anthropic's form: its object of a model, and a page of them. Pure. */
import { z } from "zod";
import type { Deployment } from "../../src/config/deployment.ts";

/** A name under which this fleet can be asked, and who would be asked first. */
export interface Offered {
  readonly name: string;
  readonly first: Deployment;
}

/** `created_at`: Anthropic's own value for a time that nobody knows. What is not known of a model is null. */
export const anthropicModel = ({ name, first: { info } }: Offered) => ({
  type: "model",
  id: name,
  display_name: name,
  created_at: "1970-01-01T00:00:00Z",
  max_input_tokens: info?.contextTokens ?? null,
  max_tokens: info?.outputTokens ?? null,
  capabilities: null,
  lifecycle: "active",
  line: null,
  deprecated_at: null,
  retires_at: null,
});

export const anthropicModelsQuery = z.object({
  limit: z.coerce.number().int().min(1).max(1_000).default(20),
  after_id: z.string().min(1).optional(),
  before_id: z.string().min(1).optional(),
});

/** Undefined: `after_id` or `before_id` is none of them. Models that do not chat are left out: this wire has no use for them. */
export function anthropicModels(offered: readonly Offered[], query: z.infer<typeof anthropicModelsQuery>) {
  const chatting = offered.filter(({ first: { info } }) => (info?.operation ?? "chat") === "chat");
  const { limit, after_id: after, before_id: before } = query;
  const place = chatting.findIndex(({ name }) => name === (before ?? after));
  if (place < 0 && (before ?? after) !== undefined) return undefined;
  const start = before === undefined ? place + 1 : Math.max(0, place - limit);
  const end = before === undefined ? start + limit : place;
  const page = chatting.slice(start, end);
  return {
    data: page.map(anthropicModel),
    has_more: before === undefined ? end < chatting.length : start > 0,
    first_id: page[0]?.name ?? null,
    last_id: page.at(-1)?.name ?? null,
  };
}
