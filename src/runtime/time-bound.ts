import { createContext, Script } from "node:vm";

const context: { work: () => unknown } = { work: () => undefined };
createContext(context);
const script = new Script("work()");

/**
 * Does synchronous work that others wrote parts of, such as a pattern that backtracks for ever, and breaks it off after
 * `ms`. Throws what `work` throws, or an error with the code ERR_SCRIPT_EXECUTION_TIMEOUT.
 */
export function withinTime(ms: number, work: () => void): void {
  context.work = work;
  try {
    script.runInContext(context, { timeout: ms });
  } finally {
    context.work = () => undefined;
  }
}
