/** Draws progress on stderr: in place on a terminal, otherwise a plain line every few seconds. */
import { stripVTControlCharacters } from "node:util";
import { doneOf, type ProgressView, progressBlock, progressLine } from "./progress-view.ts";

export interface Progress {
  /** How often a new look is worth its queries, in milliseconds. */
  readonly lookEveryMs: number;
  show(view: ProgressView): void;
  /** A line that stays, above the block. */
  note(text: string): void;
  /** Leaves the last view standing. */
  end(): void;
}

/** What `process.stderr` is, as far as drawing goes. */
export interface Screen {
  readonly isTTY?: boolean;
  readonly columns?: number;
  write(text: string): unknown;
}

export const openProgress = (screen: Screen, now: () => number = Date.now): Progress =>
  screen.isTTY === true ? openBlock(screen) : openLines(screen, now);

/** Every line is cut to the screen, for a line that wraps could not be taken back. */
function openBlock(screen: Screen): Progress {
  let drawn: readonly string[] = [];
  const clear = () => (drawn.length === 0 ? "" : `\u001b[${drawn.length}A\r\u001b[0J`);
  return {
    lookEveryMs: 500,
    show(view) {
      const width = Math.max(20, (screen.columns ?? 80) - 1);
      const lines = progressBlock(view, width).map((line) => fitted(line, width));
      screen.write(`${clear()}${lines.join("\n")}\n`);
      drawn = lines;
    },
    note(text) {
      screen.write(`${clear()}${text}\n${drawn.map((line) => `${line}\n`).join("")}`);
    },
    end() {
      drawn = [];
    },
  };
}

/** A line that is too long loses its colours with its end. */
const fitted = (line: string, width: number): string => {
  const bare = stripVTControlCharacters(line);
  return bare.length <= width ? line : `${bare.slice(0, width - 1)}…`;
};

const lineEveryMs = 5_000;

/** The first look, one every five seconds while something changes, and the last one are said. */
function openLines(screen: Screen, now: () => number): Progress {
  let last = { atMs: Number.NEGATIVE_INFINITY, text: "" };
  return {
    lookEveryMs: 500,
    show(view) {
      const text = progressLine(view);
      const isEnd = doneOf(view) >= view.total;
      if (text === last.text || (!isEnd && now() - last.atMs < lineEveryMs)) return;
      last = { atMs: now(), text };
      screen.write(`${text}\n`);
    },
    note: (text) => {
      screen.write(`${text}\n`);
    },
    end: () => {},
  };
}
