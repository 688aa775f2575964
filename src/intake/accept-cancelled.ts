/** Accepting lines of a batch that was cancelled before they came: each has a row like any other, and nobody ever runs it. */
import type { Config } from "../config/config.ts";
import { acceptCancelled } from "../ledger/accept.ts";
import type { Ledger } from "../ledger/ledger.ts";
import type { Accepted, Intake } from "./accept.ts";
import { prepareOrder } from "./order.ts";

export const cancelledIntake = (config: Config, ledger: Ledger): Pick<Intake, "accept"> => ({
  async accept(orders) {
    const prepared = orders.map((order) => prepareOrder(config, order, Date.now()));
    const rows = prepared.flatMap((entry) => (entry.ok ? [entry.row] : []));
    const fresh = await acceptCancelled(ledger, rows);
    return prepared.map((entry): Accepted => {
      if (!entry.ok) return { ok: false, refusal: entry.refusal };
      return { ok: true, id: entry.row.id, fresh: fresh.has(entry.row.id) };
    });
  },
});
