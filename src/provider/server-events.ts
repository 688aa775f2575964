/** Server-sent events of an answer, where no SDK reads them: the data of each, joined as the standard says (WHATWG HTML, 9.2). */
import { answersOf, type SdkAnswer } from "./sdk-answer.ts";

/** `onBytes` hears every sign of life, comments too. A failure is the last item; what is cut within an event is not one. */
export async function* dataEvents(
  body: ReadableStream<Uint8Array>,
  onBytes: () => void,
): AsyncGenerator<SdkAnswer<string>, void, undefined> {
  const decoder = new TextDecoder();
  let rest = "";
  for await (const step of answersOf(body)) {
    if (!step.ok) {
      yield step;
      return;
    }
    onBytes();
    rest += decoder.decode(step.value, { stream: true });
    const blocks = rest.split(/\r?\n\r?\n/);
    rest = blocks.pop() ?? "";
    for (const block of blocks) {
      const data = dataOf(block);
      if (data !== "") yield { ok: true, value: data };
    }
  }
}

const dataOf = (block: string): string =>
  block
    .split(/\r?\n/)
    .filter((line) => line.startsWith("data:"))
    .map((line) => line.slice(line[5] === " " ? 6 : 5))
    .join("\n");
