/** An answer as it comes: its pieces in order for whoever iterates, and the whole of it as a promise. */
import type { Delta } from "../../src/request/delta.ts";

export type StreamPiece =
  | Delta
  /** Another call answers: what came before is void. */
  | { readonly type: "restart" };

export interface AnswerStream<Whole> extends AsyncIterable<StreamPiece> {
  /** Also for a caller that does not iterate, or not to the end. Rejects as `run` does, and so does the iteration. */
  readonly answer: Promise<Whole>;
}

/** `begin` is called at once, and told where pieces go. Pieces wait for one reader; there is no second one. */
export function streamOf<Whole>(
  begin: (onDelta: (delta: Delta | undefined) => void) => Promise<Whole>,
): AnswerStream<Whole> {
  const pieces: StreamPiece[] = [];
  let hasBegun = false;
  let isOver = false;
  let wake = () => {};
  const answer = begin((delta) => {
    // The first call starts over nothing.
    if (delta !== undefined || hasBegun) pieces.push(delta ?? { type: "restart" });
    hasBegun = true;
    wake();
  });
  const over = () => {
    isOver = true;
    wake();
  };
  // Also where nobody looks at it: the one that iterates is told.
  answer.then(over, over);
  return {
    answer,
    async *[Symbol.asyncIterator]() {
      for (;;) {
        const piece = pieces.shift();
        if (piece !== undefined) yield piece;
        else if (isOver) break;
        else
          await new Promise<void>((resolve) => {
            wake = resolve;
          });
      }
      await answer;
    },
  };
}
