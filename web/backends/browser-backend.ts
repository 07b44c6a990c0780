import {
  changedFiles,
  forgetFiles,
  type GenerationSettings,
  meanOverHeads,
  type PageMessage,
  WorkerOwl,
  type WorkerOwlEvent,
} from "../../src/browser/index.ts";
import { withImpliedSampling } from "../../src/generation/index.ts";
import {
  type AttentionAsked,
  type AttentionMaps,
  BackendError,
  type BackendLimits,
  type ChatBackend,
  type ChatEvent,
  type ChatMessage,
  type ChatSettings,
  type ContentPart,
  effectiveSettings,
  type ModelInfo,
} from "./backend.ts";
import { ServerBackend } from "./server-backend.ts";

const mebibyte = 2 ** 20;

/** A model that runs in a worker of this page; the server only gives out its files, once. */
export class BrowserBackend implements ChatBackend {
  readonly limits: BackendLimits = {
    pictureBytes: 32 * mebibyte,
    picturePixels: 50e6,
    videoBytes: 32 * mebibyte,
    attachments: 16,
    tokens: 4096,
    pictureTypes: ["image/png", "image/jpeg", "image/webp", "image/gif", "image/avif"],
  };
  readonly truncates = true;
  readonly #onProblem: (message: string) => void;
  #open: { readonly model: string; readonly owl: WorkerOwl } | undefined;
  #onWorkerEvent: (event: WorkerOwlEvent) => void = () => {};

  /** @param onProblem shows a message that belongs to no answer */
  constructor(onProblem: (message: string) => void) {
    this.#onProblem = onProblem;
  }

  /** The models whose files lie under `models/`: listed by the server or, for a page without one, by models.json. */
  async models(signal?: AbortSignal): Promise<readonly ModelInfo[]> {
    try {
      const served = await new ServerBackend("").models(signal);
      return served.filter(({ hasFiles }) => hasFiles);
    } catch (error) {
      const listed = await fetchModelList(signal);
      if (listed === undefined) throw error;
      return listed.map((id) => ({ id, hasFiles: true }));
    }
  }

  async *chat(
    messages: readonly ChatMessage[],
    settings: ChatSettings,
    signal: AbortSignal,
  ): AsyncGenerator<ChatEvent> {
    const abort = new AbortController();
    const events = new Queue<ChatEvent>();
    this.#onWorkerEvent = (event) => {
      const progress = progressOf(event);
      if (progress !== undefined) events.add(progress);
    };
    const owl = this.#owlOf(settings.model);
    const reply = owl.chat(messages.map(toPageMessage), {
      ...toGenerationSettings(settings),
      signal: AbortSignal.any([signal, abort.signal]),
    });
    const reading = (async () => {
      for await (const text of reply) events.add({ text });
      const { ids, promptTokens, finishReason, notes } = await reply.answer();
      const usage = { promptTokens, completionTokens: ids.length };
      events.add({ finish: finishReason === "length" ? "length" : "stop", usage, notes });
    })();
    reading.then(
      () => events.end(),
      (error: unknown) => events.end(signal.aborted ? error : toBackendError(error)),
    );
    try {
      yield* events;
    } finally {
      this.#onWorkerEvent = () => {};
      abort.abort();
    }
  }

  async attention(
    model: string,
    image: Blob,
    { question, signal }: AttentionAsked = {},
  ): Promise<AttentionMaps> {
    try {
      const maps = await this.#owlOf(model).attention(image, { question, signal });
      return { ...maps, maps: meanOverHeads(maps) };
    } catch (error) {
      throw signal?.aborted ? error : toBackendError(error);
    }
  }

  close(): void {
    void this.#open?.owl.close();
    this.#open = undefined;
  }

  #owlOf(model: string): WorkerOwl {
    if (this.#open?.model === model) return this.#open.owl;
    this.close();
    const directory = `models/${model}`;
    const onEvent = (event: WorkerOwlEvent): void => {
      if (event.kind === "fallback") this.#onProblem(event.reason);
      if (event.kind === "ready") void this.#checkFiles(directory);
      this.#onWorkerEvent(event);
    };
    const newWorker = () => new Worker(new URL("../worker/owl.ts", import.meta.url), { type: "module" });
    const owl = new WorkerOwl({ worker: newWorker, model: directory, onEvent });
    this.#open = { model, owl };
    return owl;
  }

  /** Cached files are used without asking the server; whether it has newer ones is checked after loading. */
  async #checkFiles(directory: string): Promise<void> {
    try {
      const address = new URL(directory, document.baseURI).href;
      if ((await changedFiles(address)).length === 0) return;
      await forgetFiles(address);
      this.#onProblem(
        "The server has this model in a newer version: it is fetched when the page is opened again.",
      );
    } catch {
      // Without a network there is nothing newer.
    }
  }
}

/**
 * The names in `models/models.json`, a JSON array beside the models of a page that lies on a server of files alone;
 * undefined where there is no such list.
 */
async function fetchModelList(signal: AbortSignal | undefined): Promise<string[] | undefined> {
  try {
    const response = await fetch("models/models.json", { cache: "no-cache", signal: signal ?? null });
    const names: unknown = response.ok ? await response.json() : undefined;
    return Array.isArray(names) ? names.filter((name) => typeof name === "string") : undefined;
  } catch {
    return undefined;
  }
}

/** An asynchronous queue: items are added while a reader iterates over them. */
class Queue<T> implements AsyncIterable<T> {
  readonly #items: T[] = [];
  #ended: { readonly error: unknown } | undefined;
  #wake: () => void = () => {};

  add(item: T): void {
    this.#items.push(item);
    this.#wake();
  }

  /** @param error thrown to the reader at the end, if given */
  end(error?: unknown): void {
    this.#ended = { error };
    this.#wake();
  }

  async *[Symbol.asyncIterator](): AsyncGenerator<T> {
    for (;;) {
      const item = this.#items.shift();
      if (item !== undefined) yield item;
      else if (this.#ended === undefined) {
        await new Promise<void>((resolve) => {
          this.#wake = resolve;
        });
      } else if (this.#ended.error !== undefined) throw this.#ended.error;
      else return;
    }
  }
}

function progressOf(event: WorkerOwlEvent): ChatEvent | undefined {
  if (event.kind === "ready") return { progress: "Thinking" };
  if (event.kind === "fallback") return { progress: "Loading the model on the processor" };
  const { url, bytes, totalBytes, from } = event;
  const isWhole = bytes === totalBytes;
  if (from === "cache" || isWhole) return { progress: "Preparing the model" };
  const name = new URL(url).pathname.split("/").at(-1);
  return {
    progress: `Fetching the model: ${name}`,
    ...(totalBytes !== undefined && { fraction: bytes / totalBytes }),
  };
}

/** The settings as the library takes them: a temperature of 0 means the most probable token. */
export const toGenerationSettings = (settings: ChatSettings): Partial<GenerationSettings> =>
  withImpliedSampling(effectiveSettings(settings));

function toPageMessage({ role, content }: ChatMessage): PageMessage {
  return { role, content: content.map(toPagePart) };
}

function toPagePart(part: ContentPart): Exclude<PageMessage["content"], string>[number] {
  if (part.type === "text") return part;
  return part.type === "image" ? { type: "image", image: part.data } : { type: "video", video: part.data };
}

/** A worker's error with a message for people. */
export function toBackendError(error: unknown): BackendError {
  const { name, message } = error instanceof Error ? error : new Error(String(error));
  switch (name) {
    case "DeviceLostError":
      return new BackendError(
        "failed",
        "The GPU was lost in the middle of the answer. Ask again: the processor goes on.",
      );
    case "OutOfMemoryError":
      return new BackendError(
        "failed",
        "There is not enough memory for this model in the browser. Close other tabs, or let the server answer.",
      );
    case "WorkerCrash":
      return new BackendError("failed", `${message} Ask again: it is started anew.`);
    case "VideoError":
      return new BackendError(
        "unsupported",
        "Inside the browser only animated GIF and WebP are read as videos. Let the server answer, or give pictures.",
      );
    case "FileError":
      return new BackendError("unreachable", `A file of the model cannot be had: ${message}`);
    case "ContextLengthError":
      return new BackendError("refused", message, { code: "context_length_exceeded" });
    case "PromptError":
    case "ImageError":
    case "SettingsError":
      return new BackendError("refused", message);
    default:
      return new BackendError("failed", message);
  }
}
