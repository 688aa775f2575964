/** `cache_control` on a part or a tool, as Anthropic writes it and as others take it over: everything up to here may be kept. */
import { z } from "zod";
import { cacheHint } from "../../src/request/parts.ts";

export const cacheMark = z
  .strictObject({ type: z.literal("ephemeral"), ttl: cacheHint.nullish() })
  .transform(({ ttl }) => ttl ?? "5m")
  .nullish();
