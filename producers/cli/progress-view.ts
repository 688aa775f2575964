/** What a person sees of a running batch: a block of lines for a terminal, one line for a log. Pure. */
import pc from "picocolors";
import { count, short, span, spendInShort } from "./amounts.ts";

export interface ProgressView {
  readonly total: number;
  readonly succeeded: number;
  readonly failed: number;
  readonly cancelled: number;
  readonly running: number;
  /** Everything open that is not under way. */
  readonly waiting: number;
  readonly callsPerMinute: number;
  readonly tokensPerMinute: number;
  readonly costNanoUsd: bigint;
  readonly unpriced: number;
  /** Undefined while the pace is unknown. */
  readonly etaMs: number | undefined;
  readonly limits: readonly string[];
}

export const doneOf = (view: ProgressView): number => view.succeeded + view.failed + view.cancelled;

/** Three lines, none wider than `width` characters. */
export function progressBlock(view: ProgressView, width: number): readonly string[] {
  const limits = view.limits.length === 0 ? "" : `limited by ${view.limits.join(" · ")}`;
  return [
    `${bar(view, Math.max(10, Math.min(40, width - 40)))} ${numbers(view)}  ${eta(view)}`,
    `${states(view, true)}  ${pace(view)}`,
    pc.dim(cut(limits, width)),
  ];
}

/** The same in one line without colours. */
export function progressLine(view: ProgressView): string {
  const limits = view.limits.length === 0 ? [] : [`limited by ${view.limits.join(" and ")}`];
  return [numbers(view), states(view, false), pace(view), eta(view), ...limits].join(" · ");
}

function bar(view: ProgressView, width: number): string {
  const share = view.total === 0 ? 1 : Math.min(1, doneOf(view) / view.total);
  const full = Math.floor(share * width);
  const bad = Math.min(full, Math.ceil(((view.failed + view.cancelled) / Math.max(1, view.total)) * width));
  return `[${pc.green("#".repeat(full - bad))}${pc.red("#".repeat(bad))}${pc.dim("-".repeat(width - full))}]`;
}

const numbers = (view: ProgressView): string => `${count(doneOf(view))}/${count(view.total)} (${percent(view)})`;

/** Never 100 % before everything is done. */
const percent = (view: ProgressView): string =>
  `${view.total === 0 ? 100 : Math.floor((doneOf(view) / view.total) * 100)} %`;

function states(view: ProgressView, coloured: boolean): string {
  const failed = `failed ${count(view.failed)}`;
  return [
    `ok ${count(view.succeeded)}`,
    view.failed > 0 && coloured ? pc.red(failed) : failed,
    ...(view.cancelled > 0 ? [`cancelled ${count(view.cancelled)}`] : []),
    `running ${count(view.running)}`,
    `waiting ${count(view.waiting)}`,
  ].join("  ");
}

const pace = (view: ProgressView): string =>
  `${short(view.callsPerMinute)} requests/min  ${short(view.tokensPerMinute)} tokens/min  ${spendInShort(view.costNanoUsd, view.unpriced)}`;

function eta(view: ProgressView): string {
  if (doneOf(view) >= view.total) return "done";
  return view.etaMs === undefined ? "ETA unknown" : `ETA ${span(Math.ceil(view.etaMs / 1_000) * 1_000)}`;
}

const cut = (text: string, width: number): string => (text.length <= width ? text : `${text.slice(0, width - 1)}…`);
