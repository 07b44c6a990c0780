import { readFileSync } from "node:fs";

export interface Memory {
  /** Resident now. */
  readonly resident_mb: number;
  /** Peak resident so far. */
  readonly peak_mb: number;
}

/** Memory of a process, this one if none is named, in MB (10⁶ bytes). Linux only. */
export function memory(pid: number | "self" = "self"): Memory {
  const status = readFileSync(`/proc/${pid}/status`, "utf8");
  const read = (key: string): number =>
    Math.round((Number(new RegExp(`${key}:\\s+(\\d+)`).exec(status)?.[1] ?? Number.NaN) * 1024) / 1e6);
  return { resident_mb: read("VmRSS"), peak_mb: read("VmHWM") };
}
