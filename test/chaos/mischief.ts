/** Things that only a broken fleet would do: what its fences are for. Where a server is away they are left out. */
import { setTimeout as sleep } from "node:timers/promises";
import { openLedger } from "../../src/ledger/ledger.ts";
import { openLanes } from "../../src/queue/lanes.ts";
import { priorities } from "../../src/request/priority.ts";
import type { Scene } from "./faults.ts";

/** Puts a second job of every open dispatch into its lane, and jobs of dispatches that are over or never were. */
export async function addAgain({ stage }: Scene): Promise<void> {
  const ledger = openLedger(stage.postgres.url, { connections: 1 });
  const lanes = openLanes(`redis://127.0.0.1:${stage.redis.port}`);
  try {
    const rows = await ledger.sql<{ id: string; lane: string; model: string; no: number; tenant: string }[]>`
      select id, lane, model, dispatch_no as no, tenant from requests where dispatch_no > 0 order by id desc limit 60`;
    await lanes.add(
      rows.flatMap(({ id, lane, model, no, tenant }) =>
        [no, Math.max(1, no - 1), no + 1].flatMap((dispatchNo) =>
          (["main", "express"] as const).map((side) => ({
            lane,
            side,
            model,
            priority: priorities.standard,
            requestId: id,
            dispatchNo,
            tenant,
          })),
        ),
      ),
    );
  } catch {
    // Another fault is at work.
  } finally {
    await lanes.close();
    await ledger.close();
  }
  await sleep(500);
}

/** Whoever leads is no longer known to: the other one takes over while the first still works. */
export async function endLeaderships({ stage }: Scene): Promise<void> {
  const keys = await stage.redis.client.keys("millrace:leader:*").catch(() => []);
  if (keys.length > 0) await stage.redis.client.del(keys).catch(() => 0);
  await sleep(100);
}
