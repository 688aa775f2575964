/** Asking one question from the command line: through the queue like everything else, with workers of its own if nobody works. */
import type { Fleet } from "../../src/fleet/fleet.ts";
import type { Order } from "../../src/intake/order.ts";
import { type AttemptView, attemptsOf, type RequestView, requestById } from "../../src/ledger/requests.ts";
import { isStreamed } from "../../src/request/body.ts";
import type { Delta } from "../../src/request/delta.ts";
import { type AllWorkers, startAll } from "../../workers/all.ts";
import { follow, take } from "../library/asking.ts";
import { openEndWaiter } from "../library/ended.ts";
import type { Taken } from "../library/taken.ts";
import { workersIn } from "../workers-in.ts";
import { openComplaints } from "./commands/batch-workers.ts";
import { CommandFailed, exitCodes } from "./exit.ts";
import { onLeave } from "./leave.ts";
import type { Shell } from "./shell.ts";

export interface Asked {
  readonly request: RequestView;
  readonly attempts: readonly AttemptView[];
  /** Text was shown as it came. */
  readonly shown: boolean;
}

/** Whoever leaves cancels: the first Ctrl-C cancels the request, a second one ends at once. */
export async function ask(
  fleet: Fleet,
  shell: Shell,
  order: Order,
  { verbose = false }: { readonly verbose?: boolean } = {},
): Promise<Asked> {
  const leave = onLeave(exitCodes.failure);
  const waiter = openEndWaiter(fleet);
  let workers: AllWorkers | undefined;
  const screen = openScreen(shell, verbose);
  try {
    // Nobody should be left waiting for what nothing can deliver: without Redis there is nothing to accept for.
    await fleet.lanes.ping();
    const taken = await take(fleet, { ...order, replyWanted: true });
    if (!taken.ok) throw new CommandFailed(taken.refusal.message, refusalCode(taken.refusal));
    if (taken.warning !== undefined) shell.note(taken.warning);
    if (!(await isServed(fleet, taken.id))) workers = await startAll(fleet, { onError: openComplaints(shell.note) });
    const following = isStreamed(order.body) ? { onPiece: screen.piece } : {};
    const request = await follow(fleet, waiter, taken.id, { signal: leave.signal, ...following });
    screen.end();
    if (leave.signal.aborted) {
      await fleet.cancel(taken.id);
      throw new CommandFailed(`Cancelled request ${taken.id}; what was spent on it is in \`millrace request show\`.`);
    }
    return { request, attempts: await attemptsOf(fleet.ledger, taken.id), shown: screen.shown() };
  } finally {
    waiter.close();
    await workers?.drain(fleet.config.worker.drainGraceMs);
    leave.forget();
  }
}

const refusalCode = (refusal: Extract<Taken, { ok: false }>["refusal"]): number =>
  refusal.retryAfterSeconds === undefined ? exitCodes.failure : exitCodes.busy;

/** Whether some process takes jobs from the request's lane. */
async function isServed(fleet: Fleet, id: string): Promise<boolean> {
  const request = await requestById(fleet.ledger, id);
  return request === undefined || (await workersIn(fleet))?.(request.lane) !== 0;
}

/** Text as it comes, on stdout, and with `verbose` reasoning on stderr; what a failed attempt had said already is marked as void. */
function openScreen(shell: Shell, verbose: boolean) {
  let written = "";
  return {
    piece(delta: Delta | undefined) {
      if (shell.json) return;
      if (delta === undefined && written !== "") {
        process.stdout.write("\n");
        shell.note("(that attempt failed; its text is void, the answer starts over)");
        written = "";
      }
      if (delta?.type === "reasoning" && verbose) process.stderr.write(delta.text);
      if (delta?.type !== "text") return;
      process.stdout.write(delta.text);
      written += delta.text;
    },
    end() {
      if (written !== "" && !written.endsWith("\n")) process.stdout.write("\n");
    },
    shown: () => written !== "",
  };
}
