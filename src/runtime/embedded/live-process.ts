/**
 * A process named so that a reused pid is never mistaken for it: the pid with the moment it started.
 * Everything that outlives a process (lock, registration, record) names processes this way.
 */
import { execFileSync } from "node:child_process";
import { readFileSync } from "node:fs";
import { setTimeout as sleep } from "node:timers/promises";

export interface LiveProcess {
  pid: number;
  /** Opaque: the boot and the tick of the start on Linux, the start time as `ps` prints it elsewhere. */
  started: string;
}

/** The process that has this pid now, or undefined when there is none (a zombie is none). */
export const liveProcess = (pid: number): LiveProcess | undefined => {
  const started = process.platform === "linux" ? startedOnLinux(pid) : startedByPs(pid);
  return started === undefined ? undefined : { pid, started };
};

/** Whether exactly this process, not a later one with its pid, still runs. */
export const isRunning = (known: LiveProcess): boolean => liveProcess(known.pid)?.started === known.started;

/** Whether the system still has this pid in its table, be it only as a zombie that nobody has reaped. */
export const isTaken = (pid: number): boolean => {
  try {
    return pid > 0 && process.kill(pid, 0);
  } catch {
    return false;
  }
};

/** The arguments of a running process; empty when it cannot be seen. */
export const argumentsOf = (pid: number): readonly string[] => {
  try {
    return process.platform === "linux"
      ? readFileSync(`/proc/${pid}/cmdline`, "utf8").split("\0")
      : [ps(pid, "command=").trim()];
  } catch {
    return [];
  }
};

/** Sends the signals in turn until the process is gone, waiting the given milliseconds after each. */
export const endProcess = async (
  known: LiveProcess,
  steps: readonly (readonly [NodeJS.Signals, number])[],
): Promise<void> => {
  for (const [signal, patienceMs] of steps) {
    if (!isRunning(known)) return;
    process.kill(known.pid, signal);
    if (await hasEnded(known, patienceMs)) return;
  }
  throw new Error(`process ${known.pid} did not end, not even by ${steps.at(-1)?.[0] ?? "any signal"}`);
};

const hasEnded = async (known: LiveProcess, patienceMs: number): Promise<boolean> => {
  const until = Date.now() + patienceMs;
  while (isRunning(known)) {
    if (Date.now() > until) return false;
    await sleep(10);
  }
  return true;
};

const startedOnLinux = (pid: number): string | undefined => {
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, "utf8");
    // The second field is the name in parentheses and may hold anything; the third is the state, the 22nd the start.
    const fields = stat.slice(stat.lastIndexOf(")") + 2).split(" ");
    const [state, started] = [fields[0], fields[19]];
    return state === "Z" || state === "X" || started === undefined ? undefined : `${bootId()}/${started}`;
  } catch {
    return undefined;
  }
};

const bootId = (): string => {
  try {
    return readFileSync("/proc/sys/kernel/random/boot_id", "utf8").trim();
  } catch {
    return "";
  }
};

const startedByPs = (pid: number): string | undefined => {
  try {
    const [state, ...started] = ps(pid, "state=,lstart=").trim().split(/\s+/);
    return state === undefined || state.startsWith("Z") ? undefined : started.join(" ");
  } catch {
    return undefined;
  }
};

const ps = (pid: number, columns: string): string =>
  execFileSync("ps", ["-p", String(pid), "-o", columns], {
    encoding: "utf8",
    env: { LC_ALL: "C", PATH: "/bin:/usr/bin" },
  });
