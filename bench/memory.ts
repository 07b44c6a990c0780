import { readFileSync } from "node:fs";

/** Memory of this process in MB (10⁶ bytes): held now, and at most so far. Linux only. */
export function memory(): { readonly resident_mb: number; readonly peak_mb: number } {
  const status = readFileSync("/proc/self/status", "utf8");
  const read = (key: string): number =>
    Math.round((Number(new RegExp(`${key}:\\s+(\\d+)`).exec(status)?.[1] ?? Number.NaN) * 1024) / 1e6);
  return { resident_mb: read("VmRSS"), peak_mb: read("VmHWM") };
}
