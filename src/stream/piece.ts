/**
 * One piece of an answer as it comes, as it is kept in a Redis stream and told over a channel. Ids are `dispatch-number`,
 * so they grow from one dispatch to the next, a reader can go on after any of them, and Redis itself refuses what a worker
 * says whose request went to another one meanwhile.
 */
import { z } from "zod";
import { type Delta, deltaSchema } from "../request/delta.ts";

export interface StreamPiece {
  readonly id: string;
  /** `begin`: the answer starts (over). `end`: its call is over; whether it was the last one, the ledger says. */
  readonly said: Delta | "begin" | "end";
}

export const streamKeyOf = (requestId: string): string => `millrace:stream:{${requestId}}`;
export const channelOf = (requestId: string): string => `millrace:pieces:{${requestId}}`;
export const requestOfChannel = (channel: string): string => channel.slice("millrace:pieces:{".length, -1);

export const isAfter = (id: string, other: string): boolean => {
  const [dispatch = 0, at = 0] = numbersIn(id);
  const [otherDispatch = 0, otherAt = 0] = numbersIn(other);
  return dispatch === otherDispatch ? at > otherAt : dispatch > otherDispatch;
};

/** Whether nothing can have been said between the two. */
export const isNext = (id: string, other: string): boolean => {
  const [dispatch = 0, at = 0] = numbersIn(id);
  const [otherDispatch = 0, otherAt = 0] = numbersIn(other);
  return dispatch === otherDispatch ? at <= otherAt + 1 : at === 0;
};

/** Before everything that this dispatch says, and after all that was said before it. */
export const beforeDispatch = (dispatchNo: number): string =>
  dispatchNo <= 1 ? "0" : `${dispatchNo - 1}-${Number.MAX_SAFE_INTEGER}`;

export const dispatchOf = (id: string): number => numbersIn(id)[0] ?? 0;

const numbersIn = (id: string): readonly number[] => id.split("-").map(Number);

/** Most pieces are text, and are kept as it is. */
export const fieldsOf = (said: StreamPiece["said"]): readonly string[] =>
  typeof said === "string"
    ? ["type", said, "text", ""]
    : said.type === "text"
      ? ["type", "text", "text", said.text]
      : ["type", "delta", "text", JSON.stringify(said)];

/** What a later version says and this one does not know adds nothing, and leaves no gap. */
const unknownDelta: Delta = { type: "text", text: "" };

export function pieceIn(id: string, [, type = "", , text = ""]: readonly string[]): StreamPiece {
  if (type === "begin" || type === "end") return { id, said: type };
  if (type !== "delta") return { id, said: { type: "text", text } };
  return { id, said: deltaSchema.safeParse(JSON.parse(text)).data ?? unknownDelta };
}

const told = z.tuple([z.string(), z.array(z.string())]);

export const messageOf = ({ id, said }: StreamPiece): string => JSON.stringify([id, fieldsOf(said)]);
export const pieceOf = (message: string): StreamPiece => {
  const [id, fields] = told.parse(JSON.parse(message));
  return pieceIn(id, fields);
};
