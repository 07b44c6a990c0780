import {
  availableMemory,
  type MemoryLimit,
  memoryLimits,
  swapSpace,
  takenMemory,
  wasmReservation,
} from "../platform/index.ts";
import { kernelMemories } from "./flat-buffer.ts";
import type { MemoryEstimate } from "./memory.ts";

/** There is less memory than a training needs, or it ran out. */
export class MemoryError extends Error {
  override name = "MemoryError";
}

const mebibytes = (bytes: number): string => `${Math.ceil(bytes / 2 ** 20).toLocaleString("en")} MiB`;

/** What Node and ONNX Runtime write to at least; the pages of libraries, which the system can drop, are not among it. */
const leastProgramBytes = 100 * 2 ** 20;

/** What so many processes of a training take for certain; activations and pixels are estimated. */
const certainBytes = ({ weights, gradients, optimizerState }: MemoryEstimate, processes: number): number =>
  processes * (leastProgramBytes + weights + gradients + optimizerState);

function adviceFor(processes: number): string {
  const fewer = processes > 1 ? "Start fewer processes on this machine, or on more machines; lower" : "Lower";
  return `${fewer} microBatch or maxTokens or set recompute (activations), train a LoRA, choose another optimizer, or share its state out among more machines (gradients and optimizer state: docs/clusters.md), begin with a smaller model or one in four bits, or raise the limit`;
}

/**
 * An estimate as a person reads it.
 *
 * @param processes how many of this machine need as much each
 */
export function describeMemory(estimate: MemoryEstimate, processes = 1): string {
  const { weights, gradients, optimizerState, activations, pixels, runtime, total } = estimate;
  const parts = { weights, gradients, "optimizer state": optimizerState, activations, pixels, runtime };
  const list = Object.entries(parts).map(([name, bytes]) => `${name} ${mebibytes(bytes)}`);
  const each = `about ${mebibytes(total)} (${list.join(", ")})`;
  return processes > 1 ? `${each} in each of ${processes} processes of this machine` : each;
}

/** How far a training is when its memory is compared with limits. */
export interface MemoryState {
  /** Threads of the device, for each of which something is reserved. */
  readonly threads: number;
  /** Whether the model's weights are in memory already. */
  readonly weightsRead: boolean;
  /** Processes of this machine that need as much each (default 1): what limits the machine or a control group limits them together. */
  readonly processes?: number;
}

/**
 * Refuses a training that cannot fit, before it allocates anything large: weights, gradients and optimizer state alone are more
 * than a limit, or what its threads and WebAssembly memories reserve is.
 *
 * @param where names the run in errors
 * @throws MemoryError naming the need, the limits and what to change
 */
export function requireMemory(
  where: string,
  estimate: MemoryEstimate,
  state: MemoryState,
  limits: readonly MemoryLimit[] = memoryLimits(),
): void {
  const { processes = 1 } = state;
  const certain = certainBytes(estimate, processes);
  const advice = adviceFor(processes);
  const swap = swapSpace();
  for (const limit of limits) {
    const { counts, bytes } = limit;
    if (counts === "memory") {
      if (certain <= bytes + swap) continue;
      const need = describeMemory(estimate, processes);
      throw new MemoryError(`${where}: the run needs ${need}, got ${describeLimit(limit)}. ${advice}.`);
    }
    if (neededBytes(counts, estimate, state) <= bytes) continue;
    // Under a limit a program may have taken less than it would have, had there been more.
    const taken = Math.max(takenMemory(counts), usual[counts].program);
    const need = `about ${mebibytes(neededBytes(counts, estimate, state, taken))} of ${usual[counts].what}`;
    const next = counts === "data" ? advice : addressSpaceAdvice();
    throw new MemoryError(`${where}: the run needs ${need}, got ${describeLimit(limit)}. ${next}.`);
  }
}

/** What limits of a kind count beside the tensors, as measured: of the program before it trains, of ONNX Runtime, of each thread. */
const usual = {
  data: {
    what: "data that may be written to",
    program: 165 * 2 ** 20,
    runtime: 48 * 2 ** 20,
    thread: 24 * 2 ** 20,
  },
  "address space": {
    what: "address space, most of it reserved and never used",
    program: 5.3 * 2 ** 30,
    runtime: 512 * 2 ** 20,
    thread: 768 * 2 ** 20,
  },
};

/** @param taken what the program has taken so far */
function neededBytes(
  counts: keyof typeof usual,
  { weights, gradients, optimizerState }: MemoryEstimate,
  { threads, weightsRead }: MemoryState,
  taken = takenMemory(counts),
): number {
  const { runtime, thread } = usual[counts];
  const trained = gradients + optimizerState;
  const reserved = counts === "data" ? 0 : kernelMemories(trained) * wasmReservation();
  return taken + runtime + threads * thread + reserved + trained + (weightsRead ? 0 : weights);
}

function addressSpaceAdvice(): string {
  const raise =
    "Raise it (`ulimit -v unlimited`), and limit memory itself by a control group where that is meant";
  if (wasmReservation() === 0) return raise;
  return `${raise}; or set NODE_OPTIONS=--disable-wasm-trap-handler, which spares ${mebibytes(wasmReservation())} for every WebAssembly memory`;
}

const describeLimit = ({ bytes, name }: MemoryLimit): string => `${mebibytes(bytes)} (${name})`;

/** Where a training may not fit. */
export interface MemoryRoom {
  readonly limits?: readonly MemoryLimit[];
  /** Bytes of the machine that are free. */
  readonly available?: number;
  /** Processes of this machine that need as much each (default 1). */
  readonly processes?: number;
}

/** What to say before the first step of a training that may not fit: a sentence for every limit that the estimate exceeds. */
export function memoryWarnings(
  estimate: MemoryEstimate,
  { limits = memoryLimits(), available = availableMemory(), processes = 1 }: MemoryRoom = {},
): string[] {
  const together = processes * estimate.total;
  const lower = limits.filter(
    ({ bytes, counts }) => (counts === "memory" ? together : estimate.total) > bytes,
  );
  const exceeded = lower.map(
    (limit) =>
      `the limit is ${describeLimit(limit)}${limit.beyond === "kills" ? ", beyond which the system ends the run without a word" : ""}`,
  );
  if (exceeded.length === 0 && together > available) {
    exceeded.push(`only ${mebibytes(available)} of this machine are free now`);
  }
  const need =
    processes > 1 ? `about ${mebibytes(together)} of ${processes} processes` : `about ${mebibytes(together)}`;
  return exceeded.map((what) => `${need} may not fit: ${what}. ${adviceFor(processes)}.`);
}

/** How failed allocations are told by V8, WebAssembly, Node's threads, ONNX Runtime and the system. */
const failures = [
  /could not allocate memory/i,
  /cannot allocate (?:wasm )?memory/i,
  /array buffer allocation failed/i,
  /std::bad_alloc|bad allocation/,
  /failed to allocate/i,
  /pthread_create failed/,
  /ENOMEM|ERR_MEMORY_ALLOCATION_FAILED|ERR_WORKER_OUT_OF_MEMORY|ERR_WORKER_INIT_FAILED/,
];

function isAllocationFailure(error: unknown): error is Error {
  if (!(error instanceof Error) || error instanceof MemoryError) return false;
  const code = "code" in error ? String(error.code) : "";
  return failures.some((failure) => failure.test(error.message) || failure.test(code));
}

/**
 * The result of an action; a failed allocation becomes a MemoryError that says what the run needs, which limits there are and
 * what to change.
 *
 * @param estimate undefined where nothing is known yet
 */
export async function inMemoryWords<T>(
  where: string,
  estimate: MemoryEstimate | undefined,
  action: () => Promise<T>,
): Promise<T> {
  try {
    return await action();
  } catch (error) {
    if (!isAllocationFailure(error)) throw error;
    const need = estimate === undefined ? "" : `; the run needs ${describeMemory(estimate)}`;
    const limits = memoryLimits();
    const hint = limits.some(({ counts }) => counts === "address space") ? ` ${addressSpaceAdvice()}.` : "";
    throw new MemoryError(
      `${where}: memory must suffice, got "${error.message.trim()}"${need}, within ${limits.map(describeLimit).join(", ")}. ${adviceFor(1)}.${hint}`,
      { cause: error },
    );
  }
}
