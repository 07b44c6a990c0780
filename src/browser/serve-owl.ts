import { defaultFrames } from "../image/index.ts";
import { Owl } from "../owl/index.ts";
import {
  changedFiles,
  forgetFiles,
  OnnxRuntimeError,
  processorCount,
  watchTransfers,
} from "../platform/index.ts";
import { outlined, type PageSays, type WorkerSays } from "./messages.ts";

/** What {@link serveOwl} needs of a worker: messages in and out. */
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
  // ONNX Runtime's threads are workers that may run this very file.
  if (scope.name?.startsWith("em-pthread")) return;
  const say = (message: WorkerSays): void => scope.postMessage(message);
  const answers = new Map<number, AbortController>();
  let opened: Promise<{ owl: Owl; framesPerVideo: number }> | undefined;

  const load = async (asked: PageSays & { type: "load" }) => {
    const { model, device, threads, framesPerVideo = defaultFrames } = asked;
    const unwatch = watchTransfers((transfer) => say({ type: "transfer", transfer }));
    try {
      const owl = await withFreshFiles(model, () => Owl.load(model, { device, threads, framesPerVideo }));
      say({ type: "ready", threads: threads ?? processorCount() });
      return { owl, framesPerVideo };
    } finally {
      unwatch();
    }
  };

  const loaded = async () => {
    if (opened === undefined) throw new Error("worker: must be told to load a model before it is asked");
    return opened;
  };

  const chat = async ({ id, messages, settings }: PageSays & { type: "chat" }): Promise<void> => {
    const stop = new AbortController();
    answers.set(id, stop);
    try {
      const { owl, framesPerVideo } = await loaded();
      const reply = owl.chat(messages, { ...settings, signal: stop.signal });
      for await (const text of reply) say({ type: "text", id, text });
      const { truncation = "auto", maxNewTokens } = settings;
      const outline = outlined(messages, framesPerVideo);
      const promptTokens = (await owl.prompt(outline, { truncation, maxNewTokens })).ids.length;
      say({ type: "answer", id, answer: { ...(await reply.answer()), promptTokens } });
    } finally {
      answers.delete(id);
    }
  };

  const attention = async ({ id, picture }: PageSays & { type: "attention" }): Promise<void> => {
    const { owl } = await loaded();
    say({ type: "attention", id, maps: await owl.attention(picture) });
  };

  const failed = (id?: number) => (error: unknown) => {
    const { name, message } = error instanceof Error ? error : new Error(String(error));
    say({ type: "failed", id, name, message });
  };

  scope.addEventListener("message", ({ data }) => {
    const asked = data as PageSays;
    if (asked.type === "load") {
      opened = load(asked);
      opened.catch(failed());
    } else if (asked.type === "chat") chat(asked).catch(failed(asked.id));
    else if (asked.type === "attention") attention(asked).catch(failed(asked.id));
    else answers.get(asked.id)?.abort();
  });
}

/** Loads a model; where that fails and the server has its files otherwise than they were kept, once more with those. */
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
