/** What may go wrong with lines that can be taken: each warning once, with how many lines it is about. */
export interface Warning {
  readonly message: string;
  /** The first of them. */
  readonly line: number;
  readonly lines: number;
}

export interface Warnings {
  readonly all: readonly Warning[];
}

/** A file may name any number of models; more kinds than this are not kept. */
const keptWarnings = 100;

export function openWarnings(): Warnings & { add(line: number, message: string): void } {
  const found = new Map<string, { readonly line: number; lines: number }>();
  return {
    get all() {
      return [...found].map(([message, { line, lines }]) => ({ message, line, lines }));
    },
    add(line, message) {
      const known = found.get(message);
      if (known !== undefined) known.lines += 1;
      else if (found.size < keptWarnings) found.set(message, { line, lines: 1 });
    },
  };
}
