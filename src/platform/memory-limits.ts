import { readFileSync } from "node:fs";
import { freemem, totalmem } from "node:os";
import { join } from "node:path";

/** A bound on the memory of this process. */
export interface MemoryLimit {
  readonly bytes: number;
  /** Who sets it, such as `ulimit -v`. */
  readonly name: string;
  /**
   * What it counts: memory that was written to; data, which may be written to whether it was or not; or address space, of
   * which V8 and WebAssembly reserve many times what they use.
   */
  readonly counts: "memory" | "data" | "address space";
  /** What happens beyond it: an allocation fails, or the system kills the process. */
  readonly beyond: "fails" | "kills";
}

/**
 * The bounds on this process's memory: the machine's, those of control groups (version 1 and 2, each group above it too: Slurm and
 * Kubernetes set them anywhere on the way), and those of `ulimit`. What cannot be read is left out, as everything but the machine's
 * is on other systems than Linux.
 */
export function memoryLimits(): MemoryLimit[] {
  return [
    { bytes: totalmem(), name: "this machine", counts: "memory", beyond: "kills" },
    ...controlGroupLimits(textOf("/proc/self/cgroup")),
    ...resourceLimits(textOf("/proc/self/limits")),
  ];
}

/** Bytes that can be had at this moment without other programs losing theirs. */
export function availableMemory(): number {
  return freemem();
}

/** Bytes of memory that this process has at this moment (its resident set). */
export function residentMemory(): number {
  return process.memoryUsage.rss();
}

/** Bytes of swap space, to which written memory can go. */
export function swapSpace(): number {
  return 1024 * Number(/^SwapTotal: +(\d+)/m.exec(textOf("/proc/meminfo"))?.[1] ?? 0);
}

/** Bytes that this process has taken, as limits count them; 0 where the system does not tell. */
export function takenMemory(counts: "data" | "address space"): number {
  const name = counts === "data" ? "VmData" : "VmSize";
  return 1024 * Number(new RegExp(`^${name}:\\s+(\\d+)`, "m").exec(textOf("/proc/self/status"))?.[1] ?? 0);
}

/**
 * Address space that V8 reserves for every memory beside the memory itself, so that accesses outside it are caught without a check:
 * none where Node's option `--disable-wasm-trap-handler` is set.
 */
export function wasmReservation(): number {
  const options = [...process.execArgv, process.env.NODE_OPTIONS ?? ""].join(" ");
  return options.includes("--disable-wasm-trap-handler") ? 0 : 10 * 2 ** 30;
}

function textOf(path: string): string {
  try {
    return readFileSync(path, "utf8");
  } catch {
    return "";
  }
}

/** `ulimit -v` and `ulimit -d`, of /proc/self/limits. */
function resourceLimits(limits: string): MemoryLimit[] {
  const named = [
    ["Max address space", "ulimit -v", "address space"],
    ["Max data size", "ulimit -d", "data"],
  ] as const;
  return named.flatMap(([title, name, counts]) => {
    const bytes = new RegExp(`^${title} +(\\d+) `, "m").exec(limits)?.[1];
    return bytes === undefined ? [] : [{ bytes: Number(bytes), name, counts, beyond: "fails" } as const];
  });
}

/** Where each version has its groups, and the file of the limit in them. */
const hierarchies = [
  { line: /^0::(.*)$/m, root: "/sys/fs/cgroup", file: "memory.max" },
  {
    line: /^\d+:(?:[^:]*,)?memory(?:,[^:]*)?:(.*)$/m,
    root: "/sys/fs/cgroup/memory",
    file: "memory.limit_in_bytes",
  },
];

/** More than any machine has: version 1 says so where there is no limit. */
const unlimited = 2 ** 60;

function controlGroupLimits(groups: string): MemoryLimit[] {
  return hierarchies.flatMap(({ line, root, file }) => {
    const path = line.exec(groups)?.[1];
    return path === undefined ? [] : limitsAbove(path, root, file);
  });
}

/** A container may see its own group at the root, and none under the path that it is told. */
function limitsAbove(path: string, root: string, file: string): MemoryLimit[] {
  const limits: MemoryLimit[] = [];
  for (let group = path; ; group = join(group, "..")) {
    const bytes = Number.parseInt(textOf(join(root, group, file)), 10);
    if (bytes < unlimited) {
      limits.push({
        bytes,
        name: `${file} of the control group ${group}`,
        counts: "memory",
        beyond: "kills",
      });
    }
    if (group === "/" || group === "." || group === "") return limits;
  }
}
