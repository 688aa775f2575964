/** How much memory another process holds; Linux tells it in /proc. */
import { readFileSync, writeFileSync } from "node:fs";

export interface Growth {
  /** Bytes that it held at most since it is watched, less what it held then. */
  grown(): number;
}

export function watchMemory(pid: number): Growth {
  writeFileSync(`/proc/${pid}/clear_refs`, "5"); // the peak begins anew
  const before = residentBytes(pid, "VmRSS");
  return { grown: () => residentBytes(pid, "VmHWM") - before };
}

const residentBytes = (pid: number, field: "VmRSS" | "VmHWM"): number =>
  Number(new RegExp(`^${field}:\\s+(\\d+) kB`, "m").exec(readFileSync(`/proc/${pid}/status`, "utf8"))?.[1]) * 1024;
