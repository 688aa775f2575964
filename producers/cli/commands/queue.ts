/** `millrace queue status|pause|resume`. */
import type { Command } from "commander";
import type { Fleet } from "../../../src/fleet/fleet.ts";
import { censusLimit, type LaneCensus, laneCensus } from "../../../src/ledger/lane-census.ts";
import { pausedLanes } from "../../../src/ledger/toggles.ts";
import { sides } from "../../../src/queue/lane-job.ts";
import { switchLaneOff, switchLaneOn } from "../../lane-switch.ts";
import { workersIn } from "../../workers-in.ts";
import { span } from "../amounts.ts";
import { CommandFailed, exitCodes } from "../exit.ts";
import { openShell, withFleet } from "../shell.ts";
import { table } from "../table.ts";
import { withJson } from "./batch-options.ts";

interface LaneOptions {
  readonly all?: boolean;
  readonly reason?: string;
  readonly json?: boolean;
}

export function registerQueue(program: Command): void {
  const command = program.command("queue").description("lanes: what waits where, and their switches");
  withJson(
    command.command("status").description("every lane with work, a worker or a pause").option("--all", "every lane"),
  ).action(status);
  withJson(
    command
      .command("pause")
      .description("stops starting calls of a lane; calls under way end")
      .argument("[lane]")
      .option("--all", "every lane")
      .option("--reason <text>", "kept for whoever asks"),
  ).action(pause);
  withJson(
    command
      .command("resume")
      .description("lets a lane go on, held requests too")
      .argument("[lane]")
      .option("--all", "every lane"),
  ).action(resume);
}

interface LaneStatus extends LaneCensus {
  readonly inRedis: { readonly waiting: number; readonly active: number };
  readonly paused: boolean;
  /** Processes that take jobs from it; undefined when Redis does not say. */
  readonly workers: number | undefined;
}

async function status(options: LaneOptions): Promise<void> {
  const shell = openShell(options);
  await withFleet(shell, {}, async (fleet) => {
    const lanes = await laneStatuses(fleet);
    shell.result({ lanes: lanes.map(laneJson), counted_up_to: censusLimit });
    const shown = options.all === true ? lanes : lanes.filter(hasNews);
    if (shown.length === 0) shell.line("No lane has work, a worker or a pause. Start the fleet with: millrace up");
    else shell.line(table(columns, shown.map(cellsOf)));
    const stranded = shown.filter((lane) => lane.workers === 0 && openOf(lane) > 0);
    if (stranded.length > 0)
      shell.note(
        `No worker takes from ${stranded.map(({ lane }) => lane).join(", ")}: millrace up, or millrace worker.`,
      );
  });
}

async function laneStatuses(fleet: Fleet): Promise<LaneStatus[]> {
  const names = [...fleet.config.catalog.pools.keys()];
  const [census, paused, workers] = await Promise.all([
    laneCensus(fleet.ledger, names),
    pausedLanes(fleet.ledger),
    workersIn(fleet),
  ]);
  return Promise.all(
    census.map(async (lane) => {
      const depths = await Promise.all(sides.map((side) => fleet.lanes.depth(lane.lane, side)));
      return {
        ...lane,
        inRedis: {
          waiting: depths.reduce((sum, depth) => sum + depth.waiting, 0),
          active: depths.reduce((sum, depth) => sum + depth.active, 0),
        },
        paused: paused.has(lane.lane),
        workers: workers?.(lane.lane),
      };
    }),
  );
}

const openOf = ({ counts }: LaneStatus): number => Object.values(counts).reduce((sum, count) => sum + count, 0);

const hasNews = (lane: LaneStatus): boolean =>
  lane.paused || lane.workers !== 0 || openOf(lane) + lane.inRedis.waiting + lane.inRedis.active > 0;

const columns = [
  { title: "LANE" },
  ...["QUEUED", "WAITING", "DISPATCHED", "RUNNING", "HELD", "IN REDIS", "ACTIVE", "OLDEST", "WORKERS"].map((title) => ({
    title,
    align: "right" as const,
  })),
  { title: "" },
];

const cellsOf = (lane: LaneStatus): string[] => [
  lane.lane,
  ...shownStates.map((state) => `${lane.counts[state]}${lane.cut.includes(state) ? "+" : ""}`),
  String(lane.inRedis.waiting),
  String(lane.inRedis.active),
  lane.oldestMs === undefined ? "-" : span(lane.oldestMs),
  lane.workers === undefined ? "unknown" : String(lane.workers),
  lane.paused ? "paused" : "",
];

const shownStates = ["queued", "waiting", "dispatched", "running", "held"] as const;

const laneJson = (lane: LaneStatus) => ({
  lane: lane.lane,
  ...lane.counts,
  redis_waiting: lane.inRedis.waiting,
  redis_active: lane.inRedis.active,
  oldest_ms: lane.oldestMs === undefined ? null : Math.round(lane.oldestMs),
  workers: lane.workers ?? null,
  paused: lane.paused,
});

async function pause(lane: string | undefined, options: LaneOptions): Promise<void> {
  const shell = openShell(options);
  await withFleet(shell, {}, async (fleet) => {
    const lanes = lanesNamed(fleet, lane, options);
    for (const name of lanes) await switchLaneOff(fleet, name, options.reason);
    shell.result({ paused: lanes });
    shell.line(
      `Paused ${lanes.join(", ")}. Requests are accepted and wait; go on with: millrace queue resume ${options.all === true ? "--all" : lanes[0]}`,
    );
  });
}

async function resume(lane: string | undefined, options: LaneOptions): Promise<void> {
  const shell = openShell(options);
  await withFleet(shell, {}, async (fleet) => {
    const lanes = lanesNamed(fleet, lane, options);
    let released = 0;
    for (const name of lanes) released += await switchLaneOn(fleet, name);
    shell.result({ resumed: lanes, released });
    shell.line(`Resumed ${lanes.join(", ")}${released === 0 ? "" : `; ${released} held requests go on`}.`);
  });
}

function lanesNamed(fleet: Fleet, lane: string | undefined, options: LaneOptions): readonly string[] {
  const lanes = [...fleet.config.catalog.pools.keys()];
  if (options.all === true && lane === undefined) return lanes;
  if (lane === undefined)
    throw new CommandFailed(`Name a lane or say --all. Lanes: ${lanes.join(", ")}.`, exitCodes.usage);
  if (options.all === true) throw new CommandFailed("Name a lane or say --all, not both.", exitCodes.usage);
  if (!lanes.includes(lane))
    throw new CommandFailed(`No lane is called ${lane}. Lanes: ${lanes.join(", ")}.`, exitCodes.usage);
  return [lane];
}
