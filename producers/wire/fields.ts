/** Single fields that several wires share, and what "not given" means in them. */
import { z } from "zod";
import { type Body, chatSchema } from "../../src/request/body.ts";
import { json } from "../../src/request/json.ts";
import { known } from "../../src/runtime/known.ts";
import { pathOf } from "./complaint.ts";

/** Postgres text holds no NUL, and half a surrogate pair would be stored as another character. */
const isStorable = (text: string): boolean => !/[\p{Cc}\p{Cs}]/u.test(text);
const unstorable = "must not hold control characters or broken Unicode";

/** An index entry of Postgres has an end; 512 characters of any script fit. */
export const idSchema = z.string().min(1).max(512).refine(isStorable, unstorable);

export const modelSchema = chatSchema.shape.model.refine(isStorable, unstorable);

export const noModel = (at: string): string => `${pathOf(at, ["model"])} is missing; name one there or with --model`;

export const isGiven = <Value>(value: Value | null | undefined): value is Value =>
  value !== null && value !== undefined;

/** What a caller says about a request beside what is asked, whatever it asks for. `null` means "not given". */
export const aboutShape = {
  metadata: z
    .record(z.string(), json)
    .transform((fields) => Object.fromEntries(Object.entries(fields).map(([key, value]) => [key, textOf(value)])))
    .pipe(chatSchema.shape.metadata.unwrap())
    .nullish(),
  conversation_id: chatSchema.shape.conversationId.nullable(),
  user_id: chatSchema.shape.userId.nullable(),
  provider_options: chatSchema.shape.providerOptions.nullable(),
};
const aboutSchema = z.object(aboutShape);

const textOf = (value: unknown): string => (typeof value === "string" ? value : JSON.stringify(value));

export const aboutOf = (
  given: z.infer<typeof aboutSchema>,
): Pick<Body, "metadata" | "conversationId" | "userId" | "providerOptions"> => ({
  ...(isGiven(given.metadata) && Object.keys(given.metadata).length > 0 ? { metadata: given.metadata } : {}),
  ...known({ conversationId: given.conversation_id, userId: given.user_id, providerOptions: given.provider_options }),
});
