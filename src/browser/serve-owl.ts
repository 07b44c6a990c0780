import { Owl } from "../owl/index.ts";
import {
  changedFiles,
  forgetFiles,
  OnnxRuntimeError,
  processorCount,
  watchTransfers,
} from "../platform/index.ts";
import type { WorkerRequest, WorkerResponse } from "./messages.ts";

/** The part of a worker's global scope that {@link serveOwl} uses: messages in and out. */
export interface WorkerScope {
  readonly name?: string;
  postMessage(message: unknown): void;
  addEventListener(type: "message", listener: (event: { data: unknown }) => void): void;
}

/**
 * Makes a web worker answer the {@link WorkerOwl} of its page: the worker's module calls it, and that is all it does.
 *
 * ```text
 * // owl.worker.ts
 * import { serveOwl } from "mplug-owl/browser";
 *
 * serveOwl();
 * ```
 */
export function serveOwl(scope: WorkerScope = globalThis as unknown as WorkerScope): void {
  // ONNX Runtime's threads are workers, too, and may be started from the same file.
  if (scope.name?.startsWith("em-pthread")) return;
  const server = new WorkerServer((message) => scope.postMessage(message));
  scope.addEventListener("message", ({ data }) => server.receive(data as WorkerRequest));
}

/** Answers the requests of one page with one model. */
class WorkerServer {
  readonly #post: (message: WorkerResponse) => void;
  /** Answers under way, by the request's id. */
  readonly #answers = new Map<number, AbortController>();
  #loading: Promise<Owl> | undefined;

  constructor(post: (message: WorkerResponse) => void) {
    this.#post = post;
  }

  /** Handles a request. Its results and errors are posted. */
  receive(request: WorkerRequest): void {
    if (request.type === "load") {
      this.#loading = this.#load(request);
      this.#loading.catch((error: unknown) => this.#postError(error));
    } else if (request.type === "stop") this.#answers.get(request.id)?.abort();
    else {
      const done = request.type === "chat" ? this.#chat(request) : this.#attention(request);
      done.catch((error: unknown) => this.#postError(error, request.id));
    }
  }

  async #load(request: WorkerRequest & { type: "load" }): Promise<Owl> {
    const { model, device, threads, framesPerVideo } = request;
    const unwatch = watchTransfers((transfer) => this.#post({ type: "transfer", transfer }));
    try {
      const owl = await withFreshFiles(model, () => Owl.load(model, { device, threads, framesPerVideo }));
      this.#post({ type: "ready", threads: threads ?? processorCount() });
      return owl;
    } finally {
      unwatch();
    }
  }

  async #loaded(): Promise<Owl> {
    if (this.#loading === undefined)
      throw new Error("worker: must be told to load a model before it is asked");
    return this.#loading;
  }

  async #chat({ id, messages, settings }: WorkerRequest & { type: "chat" }): Promise<void> {
    const abort = new AbortController();
    this.#answers.set(id, abort);
    try {
      const owl = await this.#loaded();
      const reply = owl.chat(messages, { ...settings, signal: abort.signal });
      for await (const text of reply) this.#post({ type: "text", id, text });
      this.#post({ type: "answer", id, answer: await reply.answer() });
    } finally {
      this.#answers.delete(id);
    }
  }

  async #attention({ id, picture, question }: WorkerRequest & { type: "attention" }): Promise<void> {
    const owl = await this.#loaded();
    this.#post({ type: "attention", id, maps: await owl.attention(picture, { question }) });
  }

  #postError(error: unknown, id?: number): void {
    const { name, message } = error instanceof Error ? error : new Error(String(error));
    this.#post({ type: "failed", id, name, message });
  }
}

/** Loads a model; where that fails and files in the cache are older than the server's, once more with fresh ones. */
async function withFreshFiles(model: string, load: () => Promise<Owl>): Promise<Owl> {
  try {
    return await load();
  } catch (error) {
    if (error instanceof OnnxRuntimeError) throw error;
    const changed = await changedFiles(model).catch(() => []);
    if (changed.length === 0) throw error;
    await forgetFiles(model);
    return load();
  }
}
