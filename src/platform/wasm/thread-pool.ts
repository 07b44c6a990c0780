import { Worker } from "node:worker_threads";
import { PlatformError } from "../platform-error.ts";

/** A call of a function of the WebAssembly module. */
export interface KernelCall {
  /** Which of the memories it works in. */
  readonly memory: number;
  readonly kernel: string;
  readonly numbers: readonly number[];
}

/** Threads that run the functions of a WebAssembly module in memory they share with JavaScript. */
export interface ThreadPool {
  /**
   * Distributes calls over the threads, in consecutive chunks, and returns their results in order. A run waits for those before
   * it; no call of a run may write what another one reads or writes.
   *
   * @throws {PlatformError} where a kernel fails, as it does outside its memory; the pool is disposed of by then
   */
  run(calls: readonly KernelCall[]): Promise<readonly number[]>;
  dispose(): void;
}

// The worker is a text, since a file would have to be found alike from src, from dist and from a bundle.
const source = `
const { parentPort, workerData } = require("node:worker_threads");
const instances = workerData.memories.map(
  (memory) => new WebAssembly.Instance(workerData.module, { env: { memory } }).exports,
);
parentPort.on("message", (calls) => {
  parentPort.postMessage(calls.map(({ memory, kernel, numbers }) => instances[memory][kernel](...numbers)));
});`;

/**
 * Starts threads for a module that imports its memory as `env.memory`.
 *
 * @param module the module's bytes in base64
 * @param memories of `newKernelMemory`, all of which a thread can reach
 */
export function startThreadPool(
  module: string,
  memories: readonly WebAssembly.Memory[],
  threads: number,
): ThreadPool {
  const workerData = { module: new WebAssembly.Module(Buffer.from(module, "base64")), memories };
  const pool = Array.from({ length: threads }, () => new KernelThread(workerData));
  const dispose = (): void => {
    for (const thread of pool) thread.dispose();
  };
  const runNow = async (calls: readonly KernelCall[]): Promise<readonly number[]> => {
    const chunks = pool.map((_, i) => calls.slice(...chunkRange(i, pool.length, calls.length)));
    try {
      return (await Promise.all(chunks.map((chunk, i) => pool[i].run(chunk)))).flat();
    } catch (error) {
      dispose();
      throw error;
    }
  };
  let before: Promise<unknown> = Promise.resolve();
  return {
    run: (calls) => {
      const results = before.then(() => runNow(calls));
      before = results.catch(() => undefined);
      return results;
    },
    dispose,
  };
}

/** The indices of one of so many chunks of nearly equal size. */
function chunkRange(index: number, chunks: number, count: number): [start: number, end: number] {
  return [Math.floor((index * count) / chunks), Math.floor(((index + 1) * count) / chunks)];
}

/** How the promise of a run is settled. */
interface PendingRun {
  resolve(results: number[]): void;
  reject(error: Error): void;
}

class KernelThread {
  readonly #worker: Worker;
  #pending: PendingRun | undefined;
  #end: Error | undefined;

  constructor(workerData: unknown) {
    // Without the options of this process: its module loaders would only delay the start.
    this.#worker = new Worker(source, { eval: true, execArgv: [], workerData });
    this.#worker.on("message", (results: number[]) => {
      this.#takePending()?.resolve(results);
    });
    this.#worker.on("error", (cause) =>
      this.#fail(new PlatformError(`kernels: ${cause.message}`, { cause })),
    );
    this.#worker.on("exit", () => this.#fail(new PlatformError("kernels: their thread has ended")));
    // An idle thread does not keep the process alive.
    this.#worker.unref();
  }

  async run(calls: readonly KernelCall[]): Promise<number[]> {
    if (calls.length === 0) return [];
    if (this.#end !== undefined) throw this.#end;
    return new Promise((resolve, reject) => {
      this.#pending = { resolve, reject };
      this.#worker.ref();
      this.#worker.postMessage(calls);
    });
  }

  dispose(): void {
    void this.#worker.terminate();
  }

  #takePending(): PendingRun | undefined {
    const pending = this.#pending;
    this.#pending = undefined;
    this.#worker.unref();
    return pending;
  }

  #fail(error: Error): void {
    this.#end ??= error;
    this.#takePending()?.reject(this.#end);
  }
}
