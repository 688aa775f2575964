/**
 * What receivers are told. Batches have OpenAI's names; a request of ours is not one of OpenAI's background responses, so its
 * end has names of its own. An event says what ended, not how: the receiver asks for that, with its key.
 */
import { batchName } from "../request/batch-name.ts";

export const eventTypes = [
  "batch.completed",
  "batch.failed",
  "batch.expired",
  "batch.cancelled",
  "request.succeeded",
  "request.failed",
  "request.cancelled",
] as const;
export type EventType = (typeof eventTypes)[number];

export interface EventFacts {
  /** Of the event, not of what ended: the same whenever and to whomever it is sent. */
  readonly eventId: string;
  readonly type: string;
  /** Of the row that ended. */
  readonly subjectId: string;
  readonly occurredAt: Date;
}

export const eventName = (eventId: string): string => `evt_${eventId.replaceAll("-", "")}`;

/** The body, byte for byte the same whenever it is sent. */
export const eventBody = ({ eventId, type, subjectId, occurredAt }: EventFacts): string =>
  JSON.stringify({
    id: eventName(eventId),
    object: "event",
    created_at: Math.floor(occurredAt.getTime() / 1_000),
    type,
    data: { id: type.startsWith("batch.") ? batchName(subjectId) : subjectId },
  });
