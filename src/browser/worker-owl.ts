import { z } from "zod";
import { ClosedError } from "../inference/index.ts";
import type { AttentionMaps } from "../inspection/index.ts";
import { type Conversation, type ImageSource, messagesOf, Reply, requireMedia } from "../owl/index.ts";
import {
  browserProviderNames,
  checkOptions,
  type OptionRules,
  option,
  type Transfer,
} from "../platform/index.ts";
import {
  type BrowserDevice,
  type PageAnswer,
  postable,
  postableMessages,
  type WorkerChatSettings,
  type WorkerRequest,
} from "./messages.ts";
import { type FinalResponse, WorkerClient, WorkerFailure, type WorkerQuestion } from "./worker-client.ts";

/** What happens while a model loads and runs, for a progress display. */
export type WorkerOwlEvent =
  /** A file of the model is being fetched, or was in the cache. */
  | ({ readonly kind: "transfer" } & Transfer)
  /** The model is loaded. */
  | { readonly kind: "ready"; readonly device: BrowserDevice; readonly threads: number }
  /** The GPU cannot be used, or not any more; from now on the model runs on the CPU. `reason` is a sentence for people. */
  | { readonly kind: "fallback"; readonly reason: string };

export interface WorkerOwlOptions {
  /** Makes a worker whose module calls `serveOwl`; called again when a worker has to be replaced. */
  readonly worker: () => Worker;
  /** Address of a model directory in the published layout, such as "/models/owl-nano". */
  readonly model: string;
  /** "auto" (the default): the GPU if there is one that computes correctly, else the CPU. */
  readonly device?: BrowserDevice | "auto" | undefined;
  /** Threads on the CPU. Default: up to four where the page is cross-origin isolated, else one. */
  readonly threads?: number | undefined;
  /** Frames that the model sees of a video; 2 or more. Default 4, and for mPLUG-Owl3 one of each second, 16 at most. */
  readonly framesPerVideo?: number | undefined;
  readonly onEvent?: ((event: WorkerOwlEvent) => void) | undefined;
}

const workerRules: OptionRules<WorkerOwlOptions> = {
  worker: option.callback.unwrap().describe("a function that makes a worker"),
  model: option.text.unwrap().describe("the address of a model directory"),
  device: option.oneOf([...browserProviderNames, "auto"]),
  threads: option.count,
  framesPerVideo: z.int().min(2).optional().describe("a whole number of at least 2"),
  onEvent: option.callback,
};

/** As `ChatSettings` of an `Owl`. */
export type PageSettings = WorkerChatSettings & { readonly signal?: AbortSignal | undefined };

/** What `WorkerOwl.attention` is asked about; as of an `Owl`. */
export interface PageAttentionOptions {
  readonly question?: string | undefined;
  readonly signal?: AbortSignal | undefined;
}

const attentionRules: OptionRules<PageAttentionOptions> = { question: option.text, signal: option.signal };

/** Names of errors after which a worker cannot be used any more: its memory or its device is gone. */
const fatal = ["DeviceLostError", "OutOfMemoryError", "OnnxRuntimeError", "WorkerCrash"];

/** A worker with a loaded model. */
interface Opened {
  readonly client: WorkerClient;
  readonly device: BrowserDevice;
}

/**
 * A model in a web worker of this page, which recovers from failures: if the GPU cannot be used or is lost, the model is
 * loaded on the CPU; if memory runs out or the worker crashes, the running answer fails and the next one gets a new worker.
 */
export class WorkerOwl {
  readonly #options: WorkerOwlOptions;
  /** Undefined until the GPU has been looked for. */
  #device: BrowserDevice | undefined;
  /** Whether the device was chosen automatically. */
  readonly #isAuto: boolean;
  #opened: Promise<Opened> | undefined;
  #client: WorkerClient | undefined;
  #closed = false;

  /** @throws OptionsError naming every option that is unknown or cannot be */
  constructor(options: WorkerOwlOptions) {
    checkOptions("WorkerOwl", options, workerRules);
    const { device = "auto" } = options;
    this.#options = options;
    this.#device = device === "auto" ? undefined : device;
    this.#isAuto = device === "auto";
  }

  /** Where the model runs; undefined with "auto" before it is first loaded. */
  get device(): BrowserDevice | undefined {
    return this.#device;
  }

  /**
   * Loads the model if it is not loaded; {@link chat} does so by itself.
   *
   * @throws WorkerFailure with the name and message of the worker's error
   */
  async load(): Promise<void> {
    await this.#ready();
  }

  /**
   * The model's answer, as `Owl.chat` gives it. It starts when it is first read; whoever stops reading aborts it.
   *
   * @throws WorkerFailure with the name and message of the worker's error; the signal's reason
   */
  chat(conversation: Conversation, settings: PageSettings = {}): Reply<PageAnswer> {
    return new Reply(this.#stream(conversation, settings));
  }

  /**
   * Where the visual abstractor, or a question about it, looks at a picture, as `Owl.attention` gives it.
   *
   * @throws WorkerFailure with the name and message of the worker's error; the signal's reason
   */
  async attention(picture: ImageSource, options: PageAttentionOptions = {}): Promise<AttentionMaps> {
    checkOptions("attention", options, attentionRules);
    const { question, signal } = options;
    requireMedia([{ type: "image", image: picture }]);
    const asked = { type: "attention", picture: postable(picture, document.baseURI), question } as const;
    const { done, value } = await this.#ask(asked, signal).next();
    if (done && value.type === "attention") return value.maps;
    throw new Error("worker: must answer with maps, got something else");
  }

  /** Terminates the worker. Running answers fail. */
  async close(): Promise<void> {
    this.#closed = true;
    if (this.#client !== undefined) this.#discard(this.#client);
  }

  async *#stream(
    conversation: Conversation,
    { signal, ...settings }: PageSettings,
  ): AsyncGenerator<string, PageAnswer> {
    const posted = postableMessages(messagesOf(conversation), document.baseURI);
    const outcome = yield* this.#ask({ type: "chat", messages: posted, settings }, signal);
    if (outcome.type === "answer") return outcome.answer;
    throw new Error("worker: must answer with an answer, got something else");
  }

  /** Asks the worker; if it fails fatally before the first text, asks its successor. */
  async *#ask(
    question: WorkerQuestion,
    signal: AbortSignal | undefined,
  ): AsyncGenerator<string, FinalResponse> {
    for (;;) {
      signal?.throwIfAborted();
      const { client, device } = await this.#ready(signal);
      let hasText = false;
      try {
        return yield* client.ask(question, signal, () => {
          hasText = true;
        });
      } catch (error) {
        if (!(error instanceof WorkerFailure) || !fatal.includes(error.name)) throw error;
        this.#discard(client);
        // Text that was yielded cannot be taken back: only an answer without any is started again.
        if (!this.#fallBack(device, error) || hasText) throw error;
      }
    }
  }

  async #ready(signal?: AbortSignal): Promise<Opened> {
    for (;;) {
      if (this.#closed)
        throw new ClosedError("owl: must be open to be asked, got a closed one; make another");
      this.#device ??= await bestDevice();
      const device = this.#device;
      this.#opened ??= this.#open(device);
      const opened = this.#opened;
      try {
        return await orAborted(opened, signal);
      } catch (error) {
        if (signal?.aborted) throw error;
        if (this.#opened === opened) this.#opened = undefined;
        const isFatal = error instanceof WorkerFailure && fatal.includes(error.name);
        if (!isFatal || !this.#fallBack(device, error)) throw error;
      }
    }
  }

  async #open(device: BrowserDevice): Promise<Opened> {
    const { worker, model, threads, framesPerVideo, onEvent } = this.#options;
    const client = new WorkerClient(worker());
    this.#client = client;
    const address = new URL(model, document.baseURI).href;
    const request: WorkerRequest = { type: "load", model: address, device, threads, framesPerVideo };
    try {
      const ready = await client.load(request, (transfer) => onEvent?.({ kind: "transfer", ...transfer }));
      onEvent?.({ kind: "ready", device, threads: ready });
      return { client, device };
    } catch (error) {
      client.close();
      throw error;
    }
  }

  /** Switches to the CPU after the GPU failed; false if there is nothing to switch to. */
  #fallBack(failed: BrowserDevice, { message }: Error): boolean {
    if (!this.#isAuto || failed !== "webgpu") return false;
    if (this.#device === "webgpu") {
      this.#device = "cpu";
      const reason = `The GPU cannot be used; the processor goes on in its place. (${message})`;
      this.#options.onEvent?.({ kind: "fallback", reason });
    }
    return true;
  }

  /** Terminates a worker; the next question gets a new one. */
  #discard(client: WorkerClient): void {
    client.close();
    if (this.#client !== client) return;
    this.#client = undefined;
    this.#opened = undefined;
  }
}

/** The GPU if the browser offers one, else the CPU. */
async function bestDevice(): Promise<BrowserDevice> {
  const gpu = (navigator as { gpu?: GPU }).gpu;
  const adapter = await gpu?.requestAdapter().catch(() => null);
  return adapter ? "webgpu" : "cpu";
}

/** Waits for a promise, or throws the signal's reason if that comes first. */
async function orAborted<T>(promise: Promise<T>, signal: AbortSignal | undefined): Promise<T> {
  if (signal === undefined) return promise;
  let stop = (): void => {};
  const aborted = new Promise<never>((_, reject) => {
    stop = () => reject(signal.reason as Error);
    signal.addEventListener("abort", stop);
  });
  try {
    return await Promise.race([promise, aborted]);
  } finally {
    signal.removeEventListener("abort", stop);
  }
}
