import { readFileSync } from "node:fs";
import { hostname } from "node:os";

/** Where a process runs: processes with the same place share processors. */
export interface ProcessPlace {
  readonly host: string;
  readonly pid: number;
  /** The processors that it may use, as the system lists them; empty where it does not tell. */
  readonly processors: string;
}

/** The place of this process. */
export function processPlace(): ProcessPlace {
  return { host: hostname(), pid: process.pid, processors: allowedProcessors() };
}

function allowedProcessors(): string {
  if (process.platform !== "linux") return "";
  return /^Cpus_allowed_list:\s*(\S+)/m.exec(readFileSync("/proc/self/status", "utf8"))?.[1] ?? "";
}

/** Whether a process of this machine is there. */
export function isRunning(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return !(error instanceof Error && "code" in error && error.code === "ESRCH");
  }
}
