import { defaultFrames } from "../image/index.ts";
import { Owl } from "../owl/index.ts";
import {
  changedFiles,
  forgetFiles,
  OnnxRuntimeError,
  processorCount,
  watchTransfers,
} from "../platform/index.ts";
import { type WorkerRequest, type WorkerResponse, withPlaceholderMedia } from "./messages.ts";

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
  const post = (message: WorkerResponse): void => scope.postMessage(message);
  const answers = new Map<number, AbortController>();
  let opened: Promise<{ owl: Owl; framesPerVideo: number }> | undefined;

  const load = async (request: WorkerRequest & { type: "load" }) => {
    const { model, device, threads, framesPerVideo = defaultFrames } = request;
    const unwatch = watchTransfers((transfer) => post({ type: "transfer", transfer }));
    try {
      const owl = await withFreshFiles(model, () => Owl.load(model, { device, threads, framesPerVideo }));
      post({ type: "ready", threads: threads ?? processorCount() });
      return { owl, framesPerVideo };
    } finally {
      unwatch();
    }
  };

  const loaded = async () => {
    if (opened === undefined) throw new Error("worker: must be told to load a model before it is asked");
    return opened;
  };

  const chat = async ({ id, messages, settings }: WorkerRequest & { type: "chat" }): Promise<void> => {
    const abort = new AbortController();
    answers.set(id, abort);
    try {
      const { owl, framesPerVideo } = await loaded();
      const reply = owl.chat(messages, { ...settings, signal: abort.signal });
      for await (const text of reply) post({ type: "text", id, text });
      const { truncation = "auto", maxNewTokens } = settings;
      const placeholders = withPlaceholderMedia(messages, framesPerVideo);
      const promptTokens = (await owl.prompt(placeholders, { truncation, maxNewTokens })).ids.length;
      post({ type: "answer", id, answer: { ...(await reply.answer()), promptTokens } });
    } finally {
      answers.delete(id);
    }
  };

  const attention = async ({ id, picture }: WorkerRequest & { type: "attention" }): Promise<void> => {
    const { owl } = await loaded();
    post({ type: "attention", id, maps: await owl.attention(picture) });
  };

  const postError = (id?: number) => (error: unknown) => {
    const { name, message } = error instanceof Error ? error : new Error(String(error));
    post({ type: "failed", id, name, message });
  };

  scope.addEventListener("message", ({ data }) => {
    const request = data as WorkerRequest;
    if (request.type === "load") {
      opened = load(request);
      opened.catch(postError());
    } else if (request.type === "chat") chat(request).catch(postError(request.id));
    else if (request.type === "attention") attention(request).catch(postError(request.id));
    else answers.get(request.id)?.abort();
  });
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
