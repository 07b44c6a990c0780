import { existsSync } from "node:fs";
import { createRequire } from "node:module";
import { pathToFileURL } from "node:url";
import { parentPort, type Transferable, Worker } from "node:worker_threads";
import { PlatformError } from "../platform-error.ts";

/** What a function of a worker's module gives back; buffers in `moved` are handed over instead of copied. */
export interface WorkerResult {
  readonly value: unknown;
  readonly moved?: readonly ArrayBuffer[] | undefined;
}

/** The functions of a worker's module, by name. */
export type WorkerFunctions = Readonly<Record<string, (argument: never) => Promise<WorkerResult>>>;

/** Threads that run the functions of a module of this package. */
export interface WorkerPool {
  /**
   * Calls a function in the thread that has the least to do. Arguments and results are copied as `structuredClone` does.
   *
   * @throws what the function throws, by name and message; PlatformError where its thread has ended
   */
  call(name: string, argument: unknown): Promise<unknown>;
  /** Ends the threads; calls under way are rejected. */
  close(): Promise<void>;
}

interface Call {
  readonly id: number;
  readonly name: string;
  readonly argument: unknown;
}

type Answer =
  | { readonly id: number; readonly value: unknown }
  | { readonly id: number; readonly failure: { readonly name: string; readonly message: string } };

/**
 * Where a module of this package lies, as TypeScript in its source and as JavaScript in what is built; undefined where a bundler has
 * put the package into other files.
 *
 * @param beside `import.meta.url` of a module beside it
 */
export function workerModule(name: string, beside: string): URL | undefined {
  const ending = beside.endsWith(".ts") ? ".ts" : ".js";
  const module = new URL(`./${name}${ending}`, beside);
  return module.protocol === "file:" && existsSync(module) ? module : undefined;
}

/** Starts threads for a module that calls {@link serveCalls}. They do not keep the process alive while nothing is asked of them. */
export function startWorkerPool(module: URL, threads: number): WorkerPool {
  const pool = Array.from({ length: threads }, () => new CalledThread(module));
  return {
    call: (name, argument) => {
      const [least] = pool.toSorted((a, b) => a.pending - b.pending);
      return least.call(name, argument);
    },
    close: async () => {
      await Promise.all(pool.map((thread) => thread.close()));
    },
  };
}

/** In the worker's module: answers the calls of the pool. */
export function serveCalls(functions: WorkerFunctions): void {
  const port = parentPort;
  if (port === null) throw new PlatformError("serveCalls: must run in a worker thread");
  port.on("message", async ({ id, name, argument }: Call) => {
    try {
      const { value, moved = [] } = await functions[name](argument as never);
      port.postMessage({ id, value } satisfies Answer, moved as readonly Transferable[]);
    } catch (error) {
      const failure =
        error instanceof Error
          ? { name: error.name, message: error.message }
          : { name: "Error", message: String(error) };
      port.postMessage({ id, failure } satisfies Answer);
    }
  });
}

/** How the promise of a call is settled. */
interface PendingCall {
  resolve(value: unknown): void;
  reject(error: Error): void;
}

class CalledThread {
  readonly #worker: Worker;
  readonly #pending = new Map<number, PendingCall>();
  #next = 0;
  #end: Error | undefined;

  constructor(module: URL) {
    this.#worker = workerOf(module);
    this.#worker.on("message", (answer: Answer) => this.#settle(answer));
    this.#worker.on("error", (cause) =>
      this.#fail(new PlatformError(`a worker thread has failed: ${cause.message}`, { cause })),
    );
    this.#worker.on("exit", () => this.#fail(new PlatformError("a worker thread has ended")));
    // An idle thread does not keep the process alive.
    this.#worker.unref();
  }

  get pending(): number {
    return this.#pending.size;
  }

  async call(name: string, argument: unknown): Promise<unknown> {
    if (this.#end !== undefined) throw this.#end;
    const id = this.#next++;
    return new Promise((resolve, reject) => {
      this.#pending.set(id, { resolve, reject });
      this.#worker.ref();
      this.#worker.postMessage({ id, name, argument } satisfies Call);
    });
  }

  async close(): Promise<void> {
    await this.#worker.terminate();
  }

  #settle(answer: Answer): void {
    const call = this.#pending.get(answer.id);
    this.#pending.delete(answer.id);
    if (this.#pending.size === 0) this.#worker.unref();
    if ("failure" in answer) {
      const { name, message } = answer.failure;
      call?.reject(Object.assign(new Error(message), { name }));
    } else call?.resolve(answer.value);
  }

  #fail(error: Error): void {
    this.#end ??= error;
    for (const call of this.#pending.values()) call.reject(this.#end);
    this.#pending.clear();
  }
}

/** In the repository a thread must first get what runs TypeScript. */
const typescriptWorker = `
const { workerData } = require("node:worker_threads");
import(workerData.loader).then(({ register }) => {
  register();
  return import(workerData.module);
});`;

/** A thread without the options of this process, whose loaders it would not need. */
function workerOf({ href }: URL): Worker {
  if (!href.endsWith(".ts")) return new Worker(new URL(href), { execArgv: [] });
  const tsx = pathToFileURL(createRequire(import.meta.url).resolve("tsx/package.json"));
  const workerData = { module: href, loader: new URL("./dist/esm/api/index.mjs", tsx).href };
  return new Worker(typescriptWorker, { eval: true, execArgv: [], workerData });
}
