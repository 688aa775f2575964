/** Lines that cannot be taken: the first hundred with their reasons, then a count. */
export interface Problem {
  readonly line: number;
  readonly reason: string;
}

export interface Problems {
  readonly first: readonly Problem[];
  readonly count: number;
}

export const shownProblems = 100;

export function openProblems(): Problems & { add(problem: Problem): void } {
  const first: Problem[] = [];
  let count = 0;
  return {
    first,
    get count() {
      return count;
    },
    add(problem) {
      count += 1;
      if (first.length < shownProblems) first.push(problem);
    },
  };
}
