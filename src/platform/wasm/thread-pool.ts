import { Worker } from "node:worker_threads";
import { PlatformError } from "../platform-error.ts";

/** A call of a kernel. */
export interface KernelCall {
  /** Which of the memories it works in. */
  readonly memory: number;
  readonly kernel: string;
  readonly numbers: readonly number[];
}

/** Threads that run the functions of a WebAssembly module in memory they share with JavaScript. */
export interface ThreadPool {
  /**
   * Makes calls, neighbouring ones on the same thread one after the other; what they return, in their order. One run at
   * a time: the calls of a run may not write what another of them reads or writes.
   *
   * @throws {PlatformError} where a kernel fails, as it does outside its memory; all threads are then gone
   */
  run(calls: readonly KernelCall[]): Promise<readonly number[]>;
  dispose(): void;
}

// Source, not a file, which would have to be found from src, dist and whatever a bundler makes alike.
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
  const crew = Array.from({ length: threads }, () => new KernelThread(workerData));
  const dispose = (): void => {
    for (const thread of crew) thread.dispose();
  };
  return {
    run: async (calls) => {
      const shares = crew.map((_, i) => calls.slice(...shareOf(i, crew.length, calls.length)));
      try {
        return (await Promise.all(shares.map((share, i) => crew[i].run(share)))).flat();
      } catch (error) {
        dispose();
        throw error;
      }
    },
    dispose,
  };
}

function shareOf(index: number, shares: number, count: number): [start: number, end: number] {
  return [Math.floor((index * count) / shares), Math.floor(((index + 1) * count) / shares)];
}

interface Waiting {
  resolve(results: number[]): void;
  reject(error: Error): void;
}

class KernelThread {
  readonly #worker: Worker;
  #waiting: Waiting | undefined;
  #end: Error | undefined;

  constructor(workerData: unknown) {
    // Without the options of this process: its module loaders would only delay the start.
    this.#worker = new Worker(source, { eval: true, execArgv: [], workerData });
    this.#worker.on("message", (results: number[]) => {
      this.#settled()?.resolve(results);
    });
    this.#worker.on("error", (cause) =>
      this.#fail(new PlatformError(`kernels: ${cause.message}`, { cause })),
    );
    this.#worker.on("exit", () => this.#fail(new PlatformError("kernels: their thread has ended")));
    // A thread that has nothing to do keeps no program from ending.
    this.#worker.unref();
  }

  async run(calls: readonly KernelCall[]): Promise<number[]> {
    if (calls.length === 0) return [];
    if (this.#end !== undefined) throw this.#end;
    return new Promise((resolve, reject) => {
      this.#waiting = { resolve, reject };
      this.#worker.ref();
      this.#worker.postMessage(calls);
    });
  }

  dispose(): void {
    void this.#worker.terminate();
  }

  #settled(): Waiting | undefined {
    const waiting = this.#waiting;
    this.#waiting = undefined;
    this.#worker.unref();
    return waiting;
  }

  #fail(error: Error): void {
    this.#end ??= error;
    this.#settled()?.reject(this.#end);
  }
}
