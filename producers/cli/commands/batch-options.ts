/** Options that several batch commands share, and what they mean. */
import { type Command, InvalidArgumentError, Option } from "commander";
import { type Priority, priorityNames } from "../../../src/request/priority.ts";

export interface BatchInputOptions {
  readonly model?: string;
  readonly priority: Priority;
  readonly tenant?: string;
  readonly skipBad?: boolean;
  readonly json?: boolean;
}

export interface BatchRunOptions extends BatchInputOptions {
  readonly output?: string;
  readonly new?: boolean;
  readonly deadline?: number;
  readonly detach?: boolean;
}

export const withJson = (command: Command): Command => command.option("--json", "one JSON document on stdout");

export const withInputOptions = (command: Command): Command =>
  withJson(command)
    .option("--model <model>", "for lines that name no model")
    .addOption(
      new Option("--priority <class>", "for lines that name none")
        .choices(priorityNames)
        .default("bulk" satisfies Priority),
    )
    .option("--tenant <tenant>", "who pays", tenantOf)
    .option("--skip-bad", "leave bad lines out and take the others");

export const withSubmitOptions = (command: Command): Command =>
  withInputOptions(command)
    .option("--new", "start over, even if this file was handed in before")
    .option("--deadline <time>", "lines that have not run by then fail, such as 90s, 30m, 12h, 2d", durationOf);

export function tenantOf(text: string): string {
  if (text.length === 0 || text.length > 100 || /\p{Cc}/u.test(text)) {
    throw new InvalidArgumentError("A tenant has 1 to 100 characters.");
  }
  return text;
}

const units: Readonly<Record<string, number>> = { ms: 1, s: 1_000, m: 60_000, h: 3_600_000, d: 86_400_000 };

/** `90s`, `30m`, `12h`, `2d` in milliseconds. */
export function durationOf(text: string): number {
  const [, number, unit] = /^(\d+(?:\.\d+)?)(ms|s|m|h|d)$/.exec(text) ?? [];
  const ms = Number(number) * (units[unit ?? ""] ?? Number.NaN);
  if (!(ms >= 1)) throw new InvalidArgumentError("Give a number and a unit: 90s, 30m, 12h, 2d.");
  return Math.round(ms);
}
