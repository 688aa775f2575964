/** Accepting lines of a batch that was cancelled before they came: each has a row like any other, and nobody ever runs it. */
import type { Config } from "../config/config.ts";
import { acceptRequests } from "../ledger/accept.ts";
import type { Ledger } from "../ledger/ledger.ts";
import type { Accepted, Intake } from "./accept.ts";
import { prepareOrder } from "./order.ts";

/** Rows are born and cancelled in one commit. */
export const cancelledIntake = (config: Config, ledger: Ledger): Pick<Intake, "accept"> => ({
  async accept(orders) {
    const prepared = orders.map((order) => prepareOrder(config, order, Date.now()));
    const rows = prepared.flatMap((entry) => (entry.ok ? [entry.row] : []));
    const fresh = await ledger.sql.begin(async (sql) => {
      const ids = await acceptRequests({ sql }, rows);
      await sql`update requests set state = 'cancelled', finished_at = now() where id = any(${[...ids]}::uuid[])`;
      return ids;
    });
    return prepared.map((entry): Accepted => {
      if (!entry.ok) return { ok: false, refusal: entry.refusal };
      return { ok: true, id: entry.row.id, fresh: fresh.has(entry.row.id) };
    });
  },
});
