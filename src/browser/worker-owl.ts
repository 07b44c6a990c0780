import { z } from "zod";
import { ClosedError } from "../inference/index.ts";
import type { AttentionMaps } from "../inspection/index.ts";
import { type Conversation, messagesOf, type PictureSource, Reply, requireMedia } from "../owl/index.ts";
import {
  browserProviderNames,
  checkOptions,
  type OptionRules,
  option,
  type Transfer,
} from "../platform/index.ts";
import {
  type AskedSettings,
  type BrowserDevice,
  type PageAnswer,
  type PageSays,
  postable,
  postableMessages,
} from "./messages.ts";
import { type Outcome, type Question, WorkerFailure, WorkerLink } from "./worker-link.ts";

/** What happens beside the answers. */
export type WorkerOwlEvent =
  /** A file of the model is coming, or was kept from before. */
  | ({ readonly kind: "transfer" } & Transfer)
  /** The model can be asked. */
  | { readonly kind: "ready"; readonly device: BrowserDevice; readonly threads: number }
  /** The GPU cannot be used, or not any more; the model runs on the processor from now on. Words for a person. */
  | { readonly kind: "fallback"; readonly reason: string };

export interface WorkerOwlOptions {
  /** Makes a worker whose module calls `serveOwl`; asked again where one has to be given up. */
  readonly worker: () => Worker;
  /** Address of a model directory in the published layout, such as "/models/owl-nano". */
  readonly model: string;
  /** "auto" (the default): the GPU where there is one that computes as it must, else the processor. */
  readonly device?: BrowserDevice | "auto" | undefined;
  /** Threads on the processor. Default: up to four where the page is cross-origin isolated, else one. */
  readonly threads?: number | undefined;
  /** Frames that the model sees of a video. Default 4. */
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
export type PageSettings = AskedSettings & { readonly signal?: AbortSignal | undefined };

/** Failures after which a worker is of no more use: its memory or its device is gone. */
const fatal = ["DeviceLostError", "OutOfMemoryError", "OnnxRuntimeError", "WorkerCrash"];

/** A worker with a loaded model. */
interface Opened {
  readonly link: WorkerLink;
  readonly device: BrowserDevice;
}

/**
 * A model that answers in a web worker of this page, and goes on doing so: where the GPU cannot be used or is lost,
 * the model is loaded on the processor; where memory ends or the worker dies, the answer under way fails with words
 * and the next one gets a fresh worker.
 */
export class WorkerOwl {
  readonly #options: WorkerOwlOptions;
  /** Undefined until it is known whether there is a GPU. */
  #device: BrowserDevice | undefined;
  /** Whether the device was chosen here and may be changed here. */
  readonly #mayFallBack: boolean;
  #opened: Promise<Opened> | undefined;
  #link: WorkerLink | undefined;
  #closed = false;

  /** @throws OptionsError naming every option that is unknown or cannot be */
  constructor(options: WorkerOwlOptions) {
    checkOptions("WorkerOwl", options, workerRules);
    const { device = "auto" } = options;
    this.#options = options;
    this.#device = device === "auto" ? undefined : device;
    this.#mayFallBack = device === "auto";
  }

  /** Where the model runs; undefined before anything was loaded, with "auto". */
  get device(): BrowserDevice | undefined {
    return this.#device;
  }

  /**
   * Loads the model if it is not loaded. {@link chat} does so, too.
   *
   * @throws WorkerFailure in words, named as the worker's own error
   */
  async load(): Promise<void> {
    await this.#ready();
  }

  /**
   * The model's answer, as `Owl.chat` gives it. Nothing happens before it is read; who stops reading stops the model.
   *
   * @throws WorkerFailure in words, named as the worker's own error; the signal's reason
   */
  chat(conversation: Conversation, settings: PageSettings = {}): Reply<PageAnswer> {
    return new Reply(this.#stream(conversation, settings));
  }

  /**
   * Where the visual abstractor looks at a picture, as `Owl.attention` gives it.
   *
   * @throws WorkerFailure in words, named as the worker's own error; the signal's reason
   */
  async attention(picture: PictureSource, signal?: AbortSignal): Promise<AttentionMaps> {
    requireMedia([{ type: "image", image: picture }]);
    const question = { type: "attention", picture: postable(picture, document.baseURI) } as const;
    const { done, value } = await this.#ask(question, signal).next();
    if (done && value.type === "attention") return value.maps;
    throw new Error("worker: must answer with maps, got something else");
  }

  /** Ends the worker. Answers under way fail. */
  async close(): Promise<void> {
    this.#closed = true;
    if (this.#link !== undefined) this.#giveUp(this.#link);
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

  /** Asks the worker that is there; where that one has to be given up before it has said anything, the next one. */
  async *#ask(question: Question, signal: AbortSignal | undefined): AsyncGenerator<string, Outcome> {
    for (;;) {
      signal?.throwIfAborted();
      const { link, device } = await this.#ready(signal);
      let said = false;
      try {
        return yield* link.ask(question, signal, () => {
          said = true;
        });
      } catch (error) {
        if (!(error instanceof WorkerFailure) || !fatal.includes(error.name)) throw error;
        this.#giveUp(link);
        // What was said cannot be taken back: only an answer that has not begun is made anew.
        if (!this.#fallBack(device, error) || said) throw error;
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
    const link = new WorkerLink(worker());
    this.#link = link;
    const address = new URL(model, document.baseURI).href;
    const order: PageSays = { type: "load", model: address, device, threads, framesPerVideo };
    try {
      const ready = await link.load(order, (transfer) => onEvent?.({ kind: "transfer", ...transfer }));
      onEvent?.({ kind: "ready", device, threads: ready });
      return { link, device };
    } catch (error) {
      link.close();
      throw error;
    }
  }

  /** Chooses the processor where the GPU failed; false where that is no way out. */
  #fallBack(failed: BrowserDevice, { message }: Error): boolean {
    if (!this.#mayFallBack || failed !== "webgpu") return false;
    if (this.#device === "webgpu") {
      this.#device = "cpu";
      const reason = `The GPU cannot be used; the processor goes on in its place. (${message})`;
      this.#options.onEvent?.({ kind: "fallback", reason });
    }
    return true;
  }

  /** Ends a worker; the next question gets another one. */
  #giveUp(link: WorkerLink): void {
    link.close();
    if (this.#link !== link) return;
    this.#link = undefined;
    this.#opened = undefined;
  }
}

/** The GPU, where the browser gives one. */
async function bestDevice(): Promise<BrowserDevice> {
  const gpu = (navigator as { gpu?: GPU }).gpu;
  const adapter = await gpu?.requestAdapter().catch(() => null);
  return adapter ? "webgpu" : "cpu";
}

/** A promise's result, or the signal's reason if that comes first. */
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
