/** Which of a connection's functions a body is for. */
import type { CallInput, CallIo, Connection } from "../provider/provider.ts";
import type { Body, Operation } from "../request/body.ts";
import type { CallOutcome } from "../request/outcome.ts";

/** OpenTelemetry's `gen_ai.operation.name`; it has no names of its own for sound. */
export const operationNames: Readonly<Record<Operation, string>> = {
  chat: "chat",
  embedding: "embeddings",
  transcription: "transcription",
  speech: "speech",
};

export async function callOperation(
  connection: Connection,
  body: Body,
  input: Omit<CallInput, "body">,
  io: CallIo,
): Promise<CallOutcome> {
  switch (body.operation) {
    case "embedding":
      return connection.embedding?.({ ...input, body }, io) ?? unoffered(body.operation);
    case "transcription":
      return connection.transcription?.({ ...input, body }, io) ?? unoffered(body.operation);
    case "speech":
      return connection.speech?.({ ...input, body }, io) ?? unoffered(body.operation);
    default:
      return connection.chat?.({ ...input, body }, io) ?? unoffered("chat");
  }
}

const unoffered = (operation: Operation): CallOutcome => ({
  ok: false,
  failure: { kind: "client", message: `the provider offers no ${operation}` },
});
