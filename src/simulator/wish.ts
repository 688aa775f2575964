import type { Texts } from "./vectors.ts";

/** What a caller wants beside prose, in no vendor's words. */
export interface Wish {
  /** Tools that may be called; none where the caller forbids it. */
  readonly tools: readonly AskedTool[];
  /** A tool must be called: some tool, or this one. */
  readonly must?: "some" | { readonly name: string } | undefined;
  /** At most one call. */
  readonly single: boolean;
  /** The conversation ends with what a tool brought: no further call. */
  readonly hasResult: boolean;
  /** The answer must be JSON: of this schema, or any object where it says none. */
  readonly json?: { readonly schema: JsonSchema } | undefined;
  /** No words at all: vectors. */
  readonly embed?: Texts;
}

export type JsonSchema = Readonly<Record<string, unknown>>;

export interface AskedTool {
  readonly name: string;
  readonly schema: JsonSchema;
}

/** Nothing of the kind. */
export const noWish: Wish = { tools: [], single: false, hasResult: false };
