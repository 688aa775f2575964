/** Usage of an attempt: what is often asked for has columns of its own, the rest lies beside them as JSON. */
import { type Usage, usageSchema } from "../request/usage.ts";
import type { Ledger } from "./ledger.ts";

/** As one JSON object with the names of `Usage`; what is unknown is left out. */
export const usageColumn = ({ sql }: Pick<Ledger, "sql">) => sql`
  jsonb_strip_nulls(coalesce(usage_details, '{}'::jsonb) || jsonb_build_object('inputTokens', input_tokens,
    'outputTokens', output_tokens, 'cacheReadTokens', cache_read_tokens, 'cacheWriteTokens', cache_write_tokens,
    'reasoningTokens', reasoning_tokens))`;

/** Of a row without an attempt: nothing is known. */
export const usageIn = (column: unknown): Usage => usageSchema.parse(column ?? {});

/** What has no column of its own. */
export function detailsOf(usage: Usage): object | undefined {
  const {
    inputTokens: _i,
    outputTokens: _o,
    cacheReadTokens: _r,
    cacheWriteTokens: _w,
    reasoningTokens: _t,
    ...details
  } = usage;
  return Object.keys(details).length === 0 ? undefined : details;
}
