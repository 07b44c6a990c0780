import {
  type CacheStatistics,
  checkPrompt,
  engineDefaults,
  evenCount,
  KeyValueRows,
  type LoadedModel,
} from "../inference/index.ts";
import { checkOptions, type OptionRules, option } from "../platform/index.ts";
import { Semaphore } from "../primitives/index.ts";
import { decodeBeams, GrowingAnswer } from "./answer.ts";
import { roomySettings, withNotes } from "./answer-room.ts";
import { GenerationJob } from "./generation-job.ts";
import type { GeneratorOptions } from "./generator.ts";
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
 * Makes answers for many who ask at the same time. A request joins the running answers at the next token and leaves
 * at once when its answer ends; its prompt is computed in chunks between their steps. What a request is answered does
 * not depend on the others: see {@link evenCount}.
 */
export class Engine {
  readonly #model: LoadedModel;
  readonly #tokens: GeneratorOptions;
  readonly #rows: KeyValueRows;
  readonly #chunk: number;
  /** Who may be at work on an answer. */
  readonly #places: Semaphore;
  /** One after another: encoding pictures, computing prompts, and everything that uses the rows. */
  readonly #seeing = new Semaphore(1);
  readonly #prefilling = new Semaphore(1);
  readonly #device = new Semaphore(1);
  /** Answers that get a token with every step, and how each is told that it needs no more. */
  readonly #decoding = new Map<GenerationJob, (error?: unknown) => void>();
  #stepping = false;
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

  /** @throws RangeError where an option is no whole number in its range */
  constructor(model: LoadedModel, tokens: GeneratorOptions, options: EngineOptions = {}) {
    checkOptions("engine", options, engineRules);
    const { keyValueCacheBytes, visualCacheBytes } = options;
    const { maxRunning = engineDefaults.maxRunning, prefillChunk = engineDefaults.prefillChunk } = options;
    this.#model = model;
    this.#tokens = tokens;
    this.#chunk = evenCount(prefillChunk);
    this.#places = new Semaphore(maxRunning);
    this.#rows = new KeyValueRows(model, maxRunning, keyValueCacheBytes);
    if (visualCacheBytes !== undefined) model.visualCache.resize(visualCacheBytes);
  }

  get statistics(): EngineStatistics {
    return {
      ...this.#counts,
      running: this.#places.running,
      waiting: this.#places.waiting,
      prefixCache: this.#rows.statistics,
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

  /** Waits for the requests under way; later ones are errors. */
  async close(): Promise<void> {
    this.#closed = true;
    await Promise.all(this.#open);
  }

  #jobOf(request: GenerationRequest): GenerationJob {
    const { prompt, settings, constraint, topLogprobs } = request;
    checkPrompt(prompt, this.#model.config);
    const allowed = roomySettings(settings, prompt, this.#model.config);
    const { textStream, tokenless } = this.#tokens;
    const answer = new GrowingAnswer(allowed, { stream: textStream?.(), tokenless, constraint, topLogprobs });
    return new GenerationJob(this.#model, request, allowed, answer);
  }

  /** Takes a request from its turn to its end. Never rejects: what goes wrong is for whoever asked. */
  async #serve(job: GenerationJob): Promise<void> {
    try {
      await this.#places.run(() => this.#answer(job), job.signal);
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
      // The pictures are encoded while others decode; those of a beginning that is there are not needed.
      await this.#see(job, this.#rows.sharedPositions(job.keys));
      const logits = await this.#prefilling.run(() => this.#prefill(job), job.signal);
      if (job.settings.numBeams > 1) await this.#searchBeams(job, logits);
      else await this.#decode(job, logits);
    } finally {
      if (job.row !== undefined) await this.#device.run(() => this.#leaveRow(job));
    }
  }

  /** Encodes the pictures that a prompt needs where so many of its positions are there already. */
  async #see(job: GenerationJob, shared: number): Promise<void> {
    // The last of those may be computed anew.
    const from = Math.max(0, shared - 1);
    if (!job.sees(from)) await this.#seeing.run(() => job.see(from), job.signal);
  }

  /** Computes what is new of the prompt, in chunks; returns the logits after it. */
  async #prefill(job: GenerationJob): Promise<Float32Array> {
    const { ids } = job.request.prompt;
    const row = await this.#device.run(() => this.#rows.begin(job.keys), job.signal);
    job.row = row;
    let from = row.keys.length;
    // What was found before may have had to go.
    await this.#see(job, from);
    let logits: Float32Array = new Float32Array();
    for (let to = from; to < ids.length; from = to) {
      to = Math.min(ids.length, from + this.#chunk);
      // An odd number of positions takes one that is there already along.
      if (from > 0) from -= (to - from) % 2;
      if (logits.length === 0) job.cachedTokens = from;
      const range = [from, to] as const;
      const prompt = { ids, spans: job.pictures, keys: job.keys };
      const visual = job.visualRows(from, to);
      logits = await this.#device.run(() => this.#rows.extend(row, prompt, range, visual), job.signal);
      this.#counts.prefillRuns++;
    }
    this.#counts.promptTokens += ids.length;
    this.#counts.cachedTokens += job.cachedTokens;
    return logits;
  }

  /** Takes the first token, and lets every step add one until the answer has ended. */
  async #decode(job: GenerationJob, logits: Float32Array): Promise<void> {
    job.signal.throwIfAborted();
    this.#choose(job, logits);
    if (job.answer.finished) return;
    await new Promise<void>((resolve, reject) => {
      this.#decoding.set(job, (error) => (error === undefined ? resolve() : reject(error)));
      void this.#step();
    });
  }

  /** Steps as long as there are answers that want a token. */
  async #step(): Promise<void> {
    if (this.#stepping) return;
    this.#stepping = true;
    while (this.#decoding.size > 0) await this.#device.run(() => this.#decodeOnce());
    this.#stepping = false;
  }

  async #decodeOnce(): Promise<void> {
    for (const job of this.#decoding.keys()) if (job.signal.aborted) this.#leaveStep(job, job.signal.reason);
    const jobs = [...this.#decoding.keys()];
    if (jobs.length === 0) return;
    const rows = jobs.map(({ row }) => row!);
    try {
      const logits = await this.#rows.decode(
        rows,
        jobs.map(({ answer }) => answer.lastToken),
      );
      this.#counts.decodeSteps++;
      for (const [i, job] of jobs.entries()) this.#goOn(job, logits[i]);
    } catch (error) {
      for (const job of jobs) this.#leaveStep(job, error);
    }
  }

  /** A token for one of the answers; what goes wrong with it is not the others'. */
  #goOn(job: GenerationJob, logits: Float32Array): void {
    try {
      this.#choose(job, logits);
      if (job.answer.finished) this.#leaveStep(job);
    } catch (error) {
      this.#leaveStep(job, error);
    }
  }

  #choose(job: GenerationJob, logits: Float32Array): void {
    job.answer.choose(logits);
    this.#counts.generatedTokens++;
    job.give();
  }

  #leaveStep(job: GenerationJob, error?: unknown): void {
    const settle = this.#decoding.get(job);
    this.#decoding.delete(job);
    this.#leaveRow(job);
    settle?.(error);
  }

  #leaveRow(job: GenerationJob): void {
    if (job.row !== undefined) this.#rows.end(job.row);
    job.row = undefined;
  }

  /** The reference's beam search, in rows of its own; its steps take turns with those of the others. */
  async #searchBeams(job: GenerationJob, logits: Float32Array): Promise<void> {
    const { settings, answer, signal } = job;
    const beams = await this.#device.run(() => {
      const decoder = this.#rows.repeated(job.row!, settings.numBeams, (run) => this.#device.run(run));
      this.#leaveRow(job);
      return decoder;
    }, signal);
    for (const id of await decodeBeams(beams, logits, settings, signal, this.#tokens.tokenless)) {
      if (!answer.finished) answer.add(id);
    }
    if (!answer.finished) answer.end("end");
    this.#counts.generatedTokens += answer.length;
    job.give();
  }
}
