import {
  type CacheStatistics,
  checkPrompt,
  engineDefaults,
  evenCount,
  KeyValueRows,
  type LoadedModel,
  picturesAtOnce,
} from "../inference/index.ts";
import { checkOptions, type OptionRules, option } from "../platform/index.ts";
import { Semaphore } from "../primitives/index.ts";
import type { TextStream } from "../tokenizer/index.ts";
import { decodeBeams, GrowingAnswer } from "./answer.ts";
import { roomySettings, withNotes } from "./answer-room.ts";
import { BatchQueue } from "./batch-queue.ts";
import { GenerationJob } from "./generation-job.ts";
import type { EngineAnswer, GenerationPiece, GenerationRequest } from "./request.ts";

/** Bounds of an engine. */
export interface EngineOptions {
  /** Answers that are made at once; further requests wait in order. Default 8. */
  readonly maxRunning?: number | undefined;
  /**
   * Positions of a prompt that are computed between two steps of the running answers; an odd number counts as the next.
   * Default 128.
   */
  readonly prefillChunk?: number | undefined;
  /**
   * Bytes of keys and values that are kept of ended answers for prompts that begin alike; 0 for none. Default: what two
   * of the longest conversations for each running answer take, at most 2 GiB.
   */
  readonly keyValueCacheBytes?: number | undefined;
  /** Bytes of visual tokens that the model keeps. Default: as it is, 68 MB from the start. */
  readonly visualCacheBytes?: number | undefined;
}

/** What an engine needs of a tokenizer. */
export interface TextOptions {
  /** Makes a new stream of text for an answer (`tokenizer.stream`); without it answers have ids only. */
  readonly textStream?: (() => TextStream) | undefined;
  /** Ids of the model that stand for no token; they are never chosen. Default none. */
  readonly tokenless?: readonly number[] | undefined;
}

/** What each of an engine's options must be. */
export const engineRules: OptionRules<EngineOptions> = {
  maxRunning: option.count,
  prefillChunk: option.count,
  keyValueCacheBytes: option.size,
  visualCacheBytes: option.size,
};

/** What an engine has done so far, and what it is doing. */
export interface EngineStatistics {
  /** Requests whose answers are being made. */
  readonly running: number;
  /** Requests that wait for their turn. */
  readonly waiting: number;
  /** Requests that ended: with an answer, aborted, or failed. */
  readonly ended: number;
  /** Positions of all prompts so far, visual tokens included. */
  readonly promptTokens: number;
  /** How many of them were in the KV cache already. */
  readonly cachedTokens: number;
  /** New tokens of all answers so far. */
  readonly generatedTokens: number;
  /** Steps that added a token to every running answer. */
  readonly decodeSteps: number;
  /** Runs that computed a chunk of a prompt. */
  readonly prefillRuns: number;
  /** Prompts that began as something kept does, and those that did not. */
  readonly prefixCache: CacheStatistics;
  /** Pictures and videos whose visual tokens were kept, and those that had to be encoded; none within a kept beginning. */
  readonly visualCache: CacheStatistics;
}

/**
 * Makes answers to many requests at the same time (continuous batching). A request joins the running batch at the next
 * token and leaves at once when its answer ends; its prompt is computed in chunks between decode steps. What a request is
 * answered does not depend on the others, to the last bit: see {@link evenCount}.
 *
 * Offline ({@link offline}) it is made for one conversation or one batch: prompts are computed whole and together, images
 * are encoded together, and the last bits of logits may depend on the others.
 */
export class Engine {
  readonly #model: LoadedModel;
  readonly #text: TextOptions;
  readonly #offline: boolean;
  readonly #slots: KeyValueRows;
  readonly #chunk: number;
  /** Bounds the requests whose answers are being made. */
  readonly #running: Semaphore;
  /** Guards the KV cache and the programs that use it. */
  readonly #device = new Semaphore(1);
  readonly #encoder: BatchQueue<GenerationJob, undefined>;
  readonly #prefiller: BatchQueue<GenerationJob, Float32Array>;
  /** Answers that get a token with every decode step, and what ends their part in it. */
  readonly #decoding = new Map<GenerationJob, (error?: unknown) => void>();
  #isDecoding = false;
  readonly #open = new Set<Promise<void>>();
  #closed = false;
  #counts = {
    ended: 0,
    promptTokens: 0,
    cachedTokens: 0,
    generatedTokens: 0,
    decodeSteps: 0,
    prefillRuns: 0,
  };

  /**
   * `owl.engine()` makes one.
   *
   * @throws RangeError where an option is no whole number in its range
   * @internal
   */
  constructor(model: LoadedModel, text: TextOptions, options: EngineOptions = {}, offline = false) {
    checkOptions("engine", options, engineRules);
    const { keyValueCacheBytes: keptBytes, visualCacheBytes } = options;
    const { maxRunning = engineDefaults.maxRunning, prefillChunk = engineDefaults.prefillChunk } = options;
    this.#model = model;
    this.#text = text;
    this.#offline = offline;
    this.#chunk = offline ? Number.POSITIVE_INFINITY : evenCount(prefillChunk);
    this.#running = new Semaphore(maxRunning);
    this.#slots = new KeyValueRows(model, { slots: maxRunning, keptBytes, offline });
    this.#encoder = new BatchQueue(
      (jobs) => (offline ? jobs : jobs.slice(0, 1)),
      (jobs) => this.#encode(jobs),
    );
    this.#prefiller = new BatchQueue(
      (jobs) => this.#prefilledTogether(jobs),
      (jobs) => this.#prefill(jobs),
    );
    if (visualCacheBytes !== undefined) model.visualCache.resize(visualCacheBytes);
  }

  /**
   * An engine for one conversation at a time, or for one batch. Its memory grows with the requests that run at the same
   * time, `maxRunning` at most.
   *
   * @internal
   */
  static offline(model: LoadedModel, text: TextOptions, maxRunning?: number): Engine {
    return new Engine(model, text, { maxRunning }, true);
  }

  get statistics(): EngineStatistics {
    return {
      ...this.#counts,
      running: this.#running.running,
      waiting: this.#running.waiting,
      prefixCache: this.#slots.statistics,
      visualCache: this.#model.visualCache.statistics,
    };
  }

  /**
   * One answer, token by token. Nothing happens before it is iterated; whoever stops iterating ends the answer. With
   * beams everything comes in one piece.
   *
   * @throws PromptError, SettingsError, or the signal's reason when it is aborted (seen before every token)
   */
  async *generate(request: GenerationRequest): AsyncGenerator<GenerationPiece, EngineAnswer> {
    if (this.#closed)
      throw new Error("engine: must be open to take a request, got a closed one; make another");
    const job = this.#jobOf(request);
    const served = this.#serve(job);
    this.#open.add(served);
    void served.then(() => this.#open.delete(served));
    return yield* job.pieces();
  }

  /** A whole answer. See {@link generate}. */
  async answer(request: GenerationRequest): Promise<EngineAnswer> {
    const pieces = this.generate(request);
    for (;;) {
      const { done, value } = await pieces.next();
      if (done) return value;
    }
  }

  /** Waits for the requests under way; later ones are errors. */
  async close(): Promise<void> {
    this.#closed = true;
    await Promise.all(this.#open);
  }

  #jobOf(request: GenerationRequest): GenerationJob {
    const { prompt, settings, topLogprobs } = request;
    checkPrompt(prompt, this.#model.config);
    request.signal?.throwIfAborted();
    const allowed = roomySettings(settings, prompt, this.#model.config);
    const constraint = request.constraint?.(allowed.maxNewTokens);
    const { textStream, tokenless } = this.#text;
    const answer = new GrowingAnswer(allowed, { stream: textStream?.(), tokenless, constraint, topLogprobs });
    return new GenerationJob(this.#model, request, allowed, answer);
  }

  /** Takes a request from its turn to its end. Never rejects: what goes wrong is for whoever asked. */
  async #serve(job: GenerationJob): Promise<void> {
    try {
      await this.#running.run(() => this.#answer(job), job.signal);
      const { prompt, settings } = job.request;
      const { cachedTokens } = job;
      const answer = withNotes(job.answer.result(), prompt, settings, this.#model.config);
      job.settle(() => ({ ...answer, promptTokens: prompt.ids.length, cachedTokens }));
    } catch (error) {
      job.settle(() => {
        throw error;
      });
    } finally {
      this.#counts.ended++;
    }
  }

  async #answer(job: GenerationJob): Promise<void> {
    try {
      // Images are encoded while others decode; those within a cached prefix are not needed.
      await this.#encodeImages(job, this.#slots.sharedPositions(job.keys));
      const logits = await this.#prefiller.run(job, job.signal);
      if (job.settings.numBeams > 1) await this.#searchBeams(job, logits);
      else await this.#decode(job, logits);
    } finally {
      if (job.row !== undefined) await this.#device.run(() => this.#leaveSlot(job));
    }
  }

  /** Encodes the images that a prompt needs where so many of its positions are cached. */
  async #encodeImages(job: GenerationJob, cached: number): Promise<void> {
    // The last of those may be computed anew.
    job.needed = Math.max(0, cached - 1);
    if (job.unseen.length > 0) await this.#encoder.run(job, job.signal);
  }

  async #encode(jobs: readonly GenerationJob[]): Promise<undefined[]> {
    const images = jobs.flatMap(({ unseen }) => unseen);
    // What is encoded along with an image may change its tokens in the last bits.
    const atOnce = this.#offline ? picturesAtOnce : 1;
    const [{ signal }] = jobs;
    const tokens = await this.#model.visualTokens(images, atOnce, jobs.length === 1 ? signal : undefined);
    const width = tokens.length / images.length;
    const byKey = new Map(images.map(({ key }, i) => [key, tokens.subarray(i * width, (i + 1) * width)]));
    for (const job of jobs) job.see(byKey);
    return jobs.map(() => undefined);
  }

  /** Prompts that are computed in one run: offline those that begin from nothing. */
  #prefilledTogether(jobs: readonly GenerationJob[]): readonly GenerationJob[] {
    const [first, ...others] = jobs;
    const isFresh = (job: GenerationJob): boolean =>
      job.needed === 0 && this.#slots.sharedPositions(job.keys) === 0;
    return this.#offline && isFresh(first) ? [first, ...others.filter(isFresh)] : [first];
  }

  /** The logits after each of the prompts. */
  async #prefill(jobs: readonly GenerationJob[]): Promise<Float32Array[]> {
    const logits = new Map<GenerationJob, Float32Array>();
    let open = jobs;
    while (open.length > 1) {
      for (const [job, row] of await this.#device.run(() => this.#prefillTogether(open)))
        logits.set(job, row);
      open = open.filter((job) => !logits.has(job) && !job.signal.aborted);
    }
    for (const job of open) logits.set(job, await this.#prefillInChunks(job));
    return jobs.map((job) => logits.get(job) ?? new Float32Array());
  }

  /** Computes as many of the prompts in one run as find slots side by side. */
  async #prefillTogether(jobs: readonly GenerationJob[]): Promise<Map<GenerationJob, Float32Array>> {
    const open = jobs.filter(({ signal }) => !signal.aborted);
    const begun = open.length === 0 ? [] : this.#slots.beginTogether(open.map(({ keys }) => keys));
    const group = open.slice(0, begun.length);
    for (const [i, job] of group.entries()) job.row = begun[i];
    if (group.length === 0) return new Map();
    const chunks = group.map((job) => job.chunk(job.row!, 0, job.keys.length));
    const logits = await this.#slots.prefill(chunks, 0);
    this.#counts.prefillRuns++;
    for (const { keys } of group) this.#counts.promptTokens += keys.length;
    return new Map(group.map((job, i) => [job, logits[i]]));
  }

  /** Computes what is new of a prompt, in chunks; returns the logits after it. */
  async #prefillInChunks(job: GenerationJob): Promise<Float32Array> {
    const { length } = job.request.prompt.ids;
    const slot = await this.#device.run(() => {
      job.row = this.#slots.begin(job.keys);
      return job.row;
    }, job.signal);
    let from = slot.keys.length;
    // What was found before may have had to go.
    await this.#encodeImages(job, from);
    let logits: Float32Array = new Float32Array();
    for (let to = from; to < length; from = to) {
      to = Math.min(length, from + this.#chunk);
      // An odd number of positions takes one that is there already along.
      if (from > 0 && !this.#offline) from -= (to - from) % 2;
      if (logits.length === 0) job.cachedTokens = from;
      const chunk = job.chunk(slot, from, to);
      const start = from;
      [logits] = await this.#device.run(() => this.#slots.prefill([chunk], start), job.signal);
      this.#counts.prefillRuns++;
    }
    this.#counts.promptTokens += length;
    this.#counts.cachedTokens += job.cachedTokens;
    return logits;
  }

  /** Takes the first token, and lets every decode step add one until the answer has ended. */
  async #decode(job: GenerationJob, logits: Float32Array): Promise<void> {
    job.signal.throwIfAborted();
    this.#choose(job, logits);
    if (job.answer.finished) return;
    await new Promise<void>((resolve, reject) => {
      this.#decoding.set(job, (error) => (error === undefined ? resolve() : reject(error)));
      void this.#decodeAll();
    });
  }

  /** Decodes as long as there are answers that want a token. */
  async #decodeAll(): Promise<void> {
    if (this.#isDecoding) return;
    this.#isDecoding = true;
    while (this.#decoding.size > 0) {
      // A batch is at its fastest when it is full.
      if (this.#offline) await this.#prefiller.idle();
      await this.#device.run(() => this.#decodeOnce());
    }
    this.#isDecoding = false;
  }

  async #decodeOnce(): Promise<void> {
    for (const job of this.#decoding.keys()) if (job.signal.aborted) this.#leaveBatch(job, job.signal.reason);
    const jobs = [...this.#decoding.keys()];
    if (jobs.length === 0) return;
    const rows = jobs.map(({ row }) => row!);
    try {
      const logits = await this.#slots.decode(
        rows,
        jobs.map(({ answer }) => answer.lastToken),
      );
      this.#counts.decodeSteps++;
      for (const [i, job] of jobs.entries()) this.#goOn(job, logits[i]);
    } catch (error) {
      for (const job of jobs) this.#leaveBatch(job, error);
    }
  }

  /** A token for one of the answers; what goes wrong with it is not the others'. */
  #goOn(job: GenerationJob, logits: Float32Array): void {
    try {
      this.#choose(job, logits);
      if (job.answer.finished) this.#leaveBatch(job);
    } catch (error) {
      this.#leaveBatch(job, error);
    }
  }

  #choose(job: GenerationJob, logits: Float32Array): void {
    job.answer.choose(logits);
    this.#counts.generatedTokens++;
    job.give();
  }

  #leaveBatch(job: GenerationJob, error?: unknown): void {
    const settle = this.#decoding.get(job);
    this.#decoding.delete(job);
    this.#leaveSlot(job);
    settle?.(error);
  }

  #leaveSlot(job: GenerationJob): void {
    if (job.row !== undefined) this.#slots.end(job.row);
    job.row = undefined;
  }

  /** The reference's beam search, in a cache of its own; its steps alternate with those of the others. */
  async #searchBeams(job: GenerationJob, logits: Float32Array): Promise<void> {
    const { settings, answer, signal } = job;
    const beams = await this.#device.run(() => {
      const decoder = this.#slots.repeated(job.row!, settings.numBeams, (run) => this.#device.run(run));
      this.#leaveSlot(job);
      return decoder;
    }, signal);
    for (const id of await decodeBeams(beams, logits, settings, signal, this.#text.tokenless)) {
      if (!answer.finished) answer.add(id);
    }
    if (!answer.finished) answer.end("end");
    this.#counts.generatedTokens += answer.length;
    job.give();
  }
}
