/** A streamed answer, read as far as a test needs it. */
export interface Heard {
  /** What came until then. */
  readonly text: string;
  /** What comes until its end. */
  rest(): Promise<string>;
}

/** Reads until what came has these words; throws when it ends without them. */
export async function heardUntil({ body }: Response, words: RegExp): Promise<Heard> {
  if (body === null) throw new Error("the answer has no body");
  const pieces = body.pipeThrough(new TextDecoderStream())[Symbol.asyncIterator]();
  let text = "";
  while (!words.test(text)) {
    const piece = await pieces.next();
    if (piece.done === true) throw new Error(`it ended without ${words}: ${text}`);
    text += piece.value;
  }
  return {
    text,
    async rest() {
      let more = "";
      for (let piece = await pieces.next(); piece.done !== true; piece = await pieces.next()) more += piece.value;
      return more;
    },
  };
}
