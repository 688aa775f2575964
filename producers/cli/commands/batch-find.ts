import type { Fleet } from "../../../src/fleet/fleet.ts";
import { type BatchView, batchById, recentBatches } from "../../../src/ledger/batches.ts";
import { batchIdIn } from "../../batches/public-id.ts";
import { CommandFailed, exitCodes } from "../exit.ts";

/** The batch of this id, or the newest one. Throws CommandFailed when there is none. */
export async function findBatch(fleet: Fleet, id: string | undefined): Promise<BatchView> {
  if (id === undefined) {
    const [newest] = await recentBatches(fleet.ledger, fleet.config.tenant, 1);
    if (newest === undefined)
      throw new CommandFailed("There is no batch yet: `millrace batch run FILE.jsonl` makes one.");
    return newest;
  }
  const uuid = batchIdIn(id);
  const batch = uuid === undefined ? undefined : await batchById(fleet.ledger, uuid);
  if (batch === undefined)
    throw new CommandFailed(`No batch is called ${id}: see \`millrace batch ls\`.`, exitCodes.usage);
  return batch;
}
