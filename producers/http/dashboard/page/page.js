/** The page: each look goes to every part of it. */
import { showBatches } from "./batches.js";
import { showCircuits } from "./circuits.js";
import { showFailures } from "./failures.js";
import { showLanes } from "./lanes.js";
import { follow } from "./live.js";
import { byId, keepTables, say } from "./node.js";
import { showPools } from "./pools.js";
import { showDay, showNow } from "./traffic.js";

keepTables();
follow((look) => {
  const trouble = byId("trouble");
  trouble.hidden = look.trouble.length === 0;
  say(trouble, `${look.trouble.join("; ")}. What it would say is unknown.`);
  showNow(look);
  showLanes(look.lanes, look.ready);
  showPools(look.pools);
  showBatches(look.batches);
  showCircuits(look.circuits, look.circuitEvents);
  showDay(look);
  showFailures(look.failures);
  byId("main").setAttribute("aria-busy", "false");
});
