/** What a route says of itself: it stands in its `config`, beside its handler, and becomes its part of the OpenAPI document. */
import type { z } from "zod";

export interface RouteDoc {
  /** Heading under which it stands. */
  readonly group: string;
  /** A few words, without a full stop. */
  readonly summary: string;
  readonly description?: string;
  readonly query?: z.ZodObject;
  /** By name: what a header does. */
  readonly headers?: Readonly<Record<string, string>>;
  readonly body?: Content;
  /** By status; what goes wrong has one shape for all and is not named. */
  readonly answers: Readonly<Record<number, Content>>;
  /** Answers without a key. */
  readonly isOpen?: boolean;
}

export interface Content {
  readonly description: string;
  /** By media type; undefined: any bytes. */
  readonly types?: Readonly<Record<string, z.ZodType | undefined>>;
}

export const jsonContent = (description: string, schema: z.ZodType): Content => ({
  description,
  types: { "application/json": schema },
});

declare module "fastify" {
  interface FastifyContextConfig {
    doc?: RouteDoc;
  }
}
