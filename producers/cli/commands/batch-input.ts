/** From the file on the command line to a checked input, without any service: bad input costs nothing. */
import { loadConfig } from "../../../src/config/config.ts";
import { verdictOn } from "../../../src/intake/order.ts";
import { providers } from "../../../src/provider/registry.ts";
import { type Checked, checkInput, type Rules } from "../../jsonl/check.ts";
import { type Input, openInput } from "../../jsonl/input.ts";
import type { Problems } from "../../jsonl/problems.ts";
import type { Warnings } from "../../jsonl/warnings.ts";
import { count } from "../amounts.ts";
import { CommandFailed, exitCodes } from "../exit.ts";
import type { Shell } from "../shell.ts";
import { commandEnvironment } from "../simulator-session.ts";
import type { BatchInputOptions } from "./batch-options.ts";

export interface CheckedInput {
  readonly input: Input;
  readonly rules: Rules;
  readonly checked: Checked;
}

/** Checks the file and, unless bad lines forbid it, works with it. Throws CommandFailed with what to do. */
export async function withCheckedFile(
  path: string,
  options: BatchInputOptions,
  shell: Shell,
  work: (checked: CheckedInput) => Promise<void>,
): Promise<void> {
  const checked = await checkFile(path, options);
  try {
    acceptOrRefuse(path, checked.checked, options, shell);
    tellWarnings(path, checked.checked.warnings, shell.note);
    await work(checked);
  } finally {
    await checked.input.close();
  }
}

/** Reads the whole file once. Throws CommandFailed when it cannot be read or holds no line at all. */
export async function checkFile(
  path: string,
  options: BatchInputOptions,
  environment = commandEnvironment(),
): Promise<CheckedInput> {
  const config = loadConfig(Object.values(providers), process.cwd(), environment);
  const opened = await openInput(path);
  if (!opened.ok) throw new CommandFailed(`${path} ${opened.reason}.`, exitCodes.usage);
  const rules: Rules = {
    defaults: { model: options.model, priority: options.priority },
    verdict: (body) => {
      const { refusal, warning } = verdictOn(config, { body });
      return refusal === undefined ? (warning === undefined ? {} : { warning }) : { refusal: refusal.message };
    },
  };
  const checked = await checkInput(opened.input, rules);
  if (checked.good === 0 && checked.problems.count === 0) {
    await opened.input.close();
    throw new CommandFailed(`${path} is empty: it holds no line.`, exitCodes.someLinesFailed);
  }
  return { input: opened.input, rules, checked };
}

/** The first hundred bad lines, then how many more there are. */
export function tellProblems(path: string, problems: Problems, say: (line: string) => void): void {
  for (const { line, reason } of problems.first) say(`${path}:${line}: ${reason}`);
  const more = problems.count - problems.first.length;
  if (more > 0) say(`… and ${count(more)} more bad ${lines(more)}.`);
}

/** Once for all lines that it is about. */
export function tellWarnings(path: string, warnings: Warnings, say: (line: string) => void): void {
  for (const { message, line, lines: number } of warnings.all) {
    const others = number === 1 ? "" : ` (and ${count(number - 1)} more ${lines(number - 1)})`;
    say(`${path}:${line}: warning: ${message}${others}`);
  }
}

/** Goes on with the good lines where the caller asked for it. Throws CommandFailed otherwise. */
function acceptOrRefuse(path: string, { good, problems }: Checked, options: BatchInputOptions, shell: Shell): void {
  if (problems.count === 0) return;
  tellProblems(path, problems, shell.note);
  if (options.skipBad === true && good > 0) {
    shell.note(`${count(problems.count)} bad ${lines(problems.count)} left out: they get no line in the output.`);
    return;
  }
  shell.result({ file: path, accepted: 0, bad: problems.count, problems: problems.first });
  const way = good === 0 ? "" : `, or run the other ${count(good)} with --skip-bad`;
  throw new CommandFailed(
    `${count(problems.count)} of ${count(good + problems.count)} ${lines(good + problems.count)} bad in ${path}; nothing was enqueued. Mend them${way}.`,
    exitCodes.someLinesFailed,
  );
}

const lines = (number: number): string => (number === 1 ? "line" : "lines");
