/**
 * Server-sent events, read from the body of an answer: the data of each, joined as the standard says (WHATWG HTML, 9.2).
 * The SDKs have readers of their own, but what those hold and throw away for each event is most of what an open stream
 * costs (docs/operations.md, `bench:streams`), and they keep pings and comments to themselves.
 */
import { answerOf, type SdkAnswer } from "./sdk-answer.ts";

/**
 * Hands the data of each event to `take`, until that finds something or the body ends; what is cut within an event is none.
 * `onBytes` hears every sign of life, comments too. The answer is what was found, undefined at the end of the body, or
 * what broke the body off.
 */
export async function readEvents<Found>(
  body: ReadableStream<Uint8Array>,
  onBytes: () => void,
  take: (data: string) => Found | undefined,
): Promise<SdkAnswer<Found | undefined>> {
  const reader = body.getReader();
  const blocks = openBlocks();
  let isOver = false;
  try {
    for (;;) {
      const step = await answerOf(() => reader.read());
      isOver = !step.ok || step.value.done;
      if (!step.ok) return step;
      if (step.value.done) return { ok: true, value: undefined };
      onBytes();
      for (const block of blocks.completedBy(step.value.value)) {
        const data = dataOf(block);
        const found = data === "" ? undefined : take(data);
        if (found !== undefined) return { ok: true, value: found };
      }
    }
  } finally {
    if (!isOver) leave(reader);
  }
}

/** Cuts bytes into blocks at empty lines. Takes time by the length of what comes, however long a line is. */
function openBlocks() {
  const decoder = new TextDecoder();
  let pieces: string[] = [];
  return {
    completedBy(bytes: Uint8Array): readonly string[] {
      const piece = decoder.decode(bytes, { stream: true });
      pieces.push(piece);
      if (!piece.includes("\n")) return [];
      const blocks = pieces.join("").split(/\r?\n\r?\n/);
      pieces = [blocks.pop() ?? ""];
      return blocks;
    },
  };
}

const dataOf = (block: string): string =>
  block
    .split(/\r?\n/)
    .filter((line) => line.startsWith("data:"))
    .map((line) => line.slice(line[5] === " " ? 6 : 5))
    .join("\n");

/** So long the end of a body may take after the last event that counts. */
const tailMs = 250;

/**
 * The end of the body mostly comes right behind the last event. Once it is read as well the socket serves the next call;
 * a body that goes on is cancelled, and its socket with it.
 */
function leave(reader: ReadableStreamDefaultReader<Uint8Array>): void {
  const cancel = () => void answerOf(() => reader.cancel());
  const impatience = setTimeout(cancel, tailMs);
  void answerOf(() => reader.read()).then((tail) => {
    clearTimeout(impatience);
    if (tail.ok && !tail.value.done) cancel();
  });
}
