/**
 * Answers outlive an absence of Postgres. What cannot be recorded is held in memory, and goes to disk when it is more than
 * `heldBytes`, older than two seconds, or when the process ends meanwhile. It is recorded when Postgres answers again: by
 * this process, by another one of this folder, or by the next one. To say a record twice is safe, so nobody locks.
 */
import { isPostgresAway, lookMs } from "../src/ledger/interruption.ts";
import type { Ledger } from "../src/ledger/ledger.ts";
import {
  type RecordAnswer,
  type RecordLine,
  type RecordRequest,
  readRecordLine,
  recordLine,
  recordLines,
} from "../src/ledger/record.ts";
import type { Spool } from "../src/ledger/spool.ts";
import { openLoop } from "../src/runtime/loop.ts";
import type { Telemetry } from "../src/telemetry/telemetry.ts";

export interface Recorder {
  /** Waits for a Postgres that is away; after `leave` it answers `spooled` instead. */
  readonly record: RecordRequest;
  /** Nobody waits any more: what Postgres does not take at once goes to disk. */
  leave(): void;
  /** After the last record. */
  close(): Promise<void>;
}

export interface RecorderOptions {
  readonly ledger: Ledger;
  readonly spool: Spool;
  /** Bytes of JSON held in memory; more goes to disk at once. */
  readonly heldBytes: number;
  readonly telemetry: Telemetry;
  readonly onError: (error: unknown) => void;
}

interface Waiting {
  readonly resolve: (answer: RecordAnswer) => void;
  readonly reject: (error: unknown) => void;
}

/** What is held that long goes to disk: a process that is killed then loses nothing. */
const diskAfterMs = 2_000;
/** With nothing held, the folder is looked at this often: another process may have left something in it. */
const idleLookMs = 5_000;

export function openRecorder(options: RecorderOptions): Recorder {
  const { spool, telemetry, onError } = options;
  const send = recordLines(options.ledger);
  /** Whoever waits for its answer, by lease token, and the lines that are in memory. */
  const waiting = new Map<string, Waiting>();
  const held = new Map<string, RecordLine>();
  let heldBytes = 0;
  let heldSince = 0;
  let leaving = false;

  const loop = openLoop(
    async () => {
      const isBack = (await recordHeld()) && (await recordSpooled());
      if (!isBack && (leaving || heldBytes > options.heldBytes || Date.now() - heldSince > diskAfterMs)) await spill();
      return isBack && waiting.size === 0 ? idleLookMs : lookMs;
    },
    { onError, retryMs: lookMs },
  );

  function hold(line: RecordLine): Promise<RecordAnswer> {
    const isFirst = held.size === 0;
    if (isFirst) heldSince = Date.now();
    held.set(line.token, line);
    heldBytes += Buffer.byteLength(line.json);
    telemetry.count("recordsHeld");
    if (isFirst || leaving || heldBytes > options.heldBytes) loop.wake();
    return new Promise((resolve, reject) => waiting.set(line.token, { resolve, reject }));
  }

  function forget(line: RecordLine): void {
    if (held.delete(line.token)) heldBytes -= Buffer.byteLength(line.json);
  }

  function answer(token: string, tell: (one: Waiting) => void): void {
    const one = waiting.get(token);
    waiting.delete(token);
    if (one !== undefined) tell(one);
  }

  /** False when Postgres is away: then all lines are as they were. What it refuses fails alone. */
  async function say(lines: readonly RecordLine[], refused: (error: unknown) => void = () => {}): Promise<boolean> {
    const answers = await Promise.allSettled(lines.map(send));
    let isBack = true;
    for (const [at, line] of lines.entries()) {
      const said = answers[at];
      if (said?.status === "rejected" && isPostgresAway(said.reason)) {
        if (isBack) onError(said.reason);
        isBack = false;
        continue;
      }
      forget(line);
      if (said?.status === "fulfilled") answer(line.token, ({ resolve }) => resolve(said.value));
      else {
        answer(line.token, ({ reject }) => reject(said?.reason));
        refused(said?.reason);
      }
    }
    return isBack;
  }

  /** One goes ahead: a Postgres that refuses is not sent everything again and again. */
  async function recordHeld(): Promise<boolean> {
    const [first, ...rest] = [...held.values()];
    return first === undefined || ((await say([first])) && (await say(rest)));
  }

  async function recordSpooled(): Promise<boolean> {
    for (const name of await spool.files()) {
      const lines = (await spool.read(name)).map(readRecordLine);
      const whole = lines.filter((line) => line !== undefined);
      let isClean = whole.length === lines.length;
      const isBack = await say(whole, (error) => {
        isClean = false;
        onError(error);
      });
      if (!isBack) return false;
      if (isClean) await spool.remove(name);
      else {
        onError(new Error(`${name} in the spool folder is damaged or was refused in part; it was set aside`));
        await spool.setAside(name);
      }
    }
    // Nothing is left on disk: what somebody still waits for was recorded by another process.
    endSpooled();
    return true;
  }

  function endSpooled(): void {
    for (const token of waiting.keys()) if (!held.has(token)) answer(token, ({ resolve }) => resolve("spooled"));
  }

  async function spill(): Promise<void> {
    const lines = [...held.values()];
    if (lines.length > 0) {
      try {
        await spool.write(lines.map((line) => line.json));
        telemetry.count("recordsSpooled", {}, lines.length);
        lines.forEach(forget);
      } catch (error) {
        onError(error);
        if (!leaving) return;
        for (const line of lines) answer(line.token, ({ reject }) => reject(error));
        lines.forEach(forget);
      }
    }
    if (leaving) endSpooled();
  }

  return {
    async record(input) {
      const line = recordLine(input);
      try {
        return await send(line);
      } catch (error) {
        if (!isPostgresAway(error)) throw error;
        onError(error);
        return hold(line);
      }
    },
    leave() {
      leaving = true;
      loop.wake();
    },
    close: () => loop.stop(),
  };
}
