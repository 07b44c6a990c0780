import {
  checkPrompt,
  engineDefaults,
  evenCount,
  KvSlots,
  type LoadedModel,
  mostPrefilled,
  prefillPiece,
  type Slot,
} from "../inference/index.ts";
import { checkOptions } from "../platform/index.ts";
import { Semaphore } from "../primitives/index.ts";
import { ActiveRequest } from "./active-request.ts";
import { BatchQueue } from "./batch-queue.ts";
import { runBeamSearch } from "./beam-search.ts";
import { DecodedBeams } from "./decoded-beams.ts";
import {
  type EngineOptions,
  type EngineStatistics,
  engineRules,
  type TextOptions,
} from "./engine-options.ts";
import { ImageEncoder } from "./image-encoder.ts";
import { limitToPositions, withNotes } from "./position-limit.ts";
import type { EngineAnswer, GenerationPiece, GenerationRequest } from "./request.ts";
import { SequenceState } from "./sequence-state.ts";

/**
 * Makes answers to many requests at the same time (continuous batching). A request joins the running batch at the next
 * decode step and leaves it as soon as its answer ends; its prompt is computed in chunks between decode steps. An answer
 * does not depend on the other requests, to the last bit (batch invariance, see {@link evenCount}).
 *
 * An offline engine ({@link Engine.offline}) is for one conversation or one batch: short prompts are computed several at
 * once, images are encoded several at once, and logits may depend on the other requests in their last bits.
 */
export class Engine {
  readonly #model: LoadedModel;
  readonly #text: TextOptions;
  readonly #offline: boolean;
  readonly #slots: KvSlots;
  readonly #chunk: number;
  /** Bounds the requests whose answers are being made. */
  readonly #running: Semaphore;
  /** Guards the KV cache and the programs that use it. */
  readonly #device = new Semaphore(1);
  readonly #encoder: ImageEncoder;
  readonly #prefiller: BatchQueue<ActiveRequest, Float32Array>;
  /** The running batch: what gets a token with every decode step, and what resolves when it leaves. */
  readonly #decoding = new Map<ActiveRequest, (error?: unknown) => void>();
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
    this.#chunk = Math.min(
      offline ? prefillPiece(model.device) : evenCount(prefillChunk),
      model.longestPrefill,
    );
    this.#running = new Semaphore(maxRunning);
    this.#slots = new KvSlots(model, { slots: maxRunning, keptBytes, offline });
    this.#encoder = new ImageEncoder(model, offline);
    this.#prefiller = new BatchQueue(
      (requests) => this.#prefillBatch(requests),
      (requests) => this.#prefill(requests),
    );
    if (visualCacheBytes !== undefined) model.visualCache.resize(visualCacheBytes);
  }

  /**
   * An engine for one conversation or one batch. Its KV cache grows with the requests that run at the same time, of which
   * there are `maxRunning` at most.
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
   * One answer, piece by piece. Nothing happens before it is iterated; whoever stops iterating ends the answer. With beams
   * the text comes in one piece.
   *
   * @throws PromptError, SettingsError, or the signal's reason when it is aborted (seen before every token)
   */
  async *generate(request: GenerationRequest): AsyncGenerator<GenerationPiece, EngineAnswer> {
    return yield* this.#start(request).pieces();
  }

  /** A whole answer. See {@link generate}. */
  async answer(request: GenerationRequest): Promise<EngineAnswer> {
    return this.#start(request).answer();
  }

  /** Waits for the running requests; later ones are errors. */
  async close(): Promise<void> {
    this.#closed = true;
    await Promise.all(this.#open);
  }

  /** Begins to work on a request. */
  #start(request: GenerationRequest): ActiveRequest {
    if (this.#closed)
      throw new Error("engine: must be open to take a request, got a closed one; make another");
    const active = this.#activate(request);
    const run = this.#run(active);
    this.#open.add(run);
    void run.then(() => this.#open.delete(run));
    return active;
  }

  #activate(request: GenerationRequest): ActiveRequest {
    const { prompt, settings, topLogprobs } = request;
    checkPrompt(prompt, this.#model.config);
    request.signal?.throwIfAborted();
    const allowed = limitToPositions(settings, prompt, this.#model.config);
    const constraint = request.constraint?.(allowed.maxNewTokens);
    const { textStream, suppressedIds } = this.#text;
    const stream = textStream?.();
    const sequence = new SequenceState(allowed, { stream, suppressedIds, constraint, topLogprobs });
    return new ActiveRequest(this.#model, request, allowed, sequence);
  }

  /** Runs a request to its end. Never rejects: what goes wrong is thrown to the caller who iterates the pieces. */
  async #run(active: ActiveRequest): Promise<void> {
    try {
      await this.#running.run(() => this.#answer(active), active.signal);
      const { prompt, settings } = active.request;
      const { cachedTokens } = active;
      const answer = withNotes(active.sequence.result(), prompt, settings, this.#model.config);
      active.complete(() => ({ ...answer, promptTokens: prompt.ids.length, cachedTokens }));
    } catch (error) {
      active.complete(() => {
        throw error;
      });
    } finally {
      this.#counts.ended++;
    }
  }

  async #answer(active: ActiveRequest): Promise<void> {
    try {
      const logits = await this.#prefilled(active);
      if (active.settings.numBeams > 1) await this.#searchBeams(active, logits);
      else await this.#decode(active, logits);
    } finally {
      if (active.slot !== undefined) await this.#device.run(() => this.#releaseSlot(active));
    }
  }

  /** The logits after a prompt. */
  async #prefilled(active: ActiveRequest): Promise<Float32Array> {
    // Images are encoded while others decode; those within a cached prefix are not needed.
    const encoding = this.#encoder.run(active, this.#slots.cachedPrefixLength(active.keys));
    // What goes wrong is thrown where it is waited for.
    encoding.catch(() => undefined);
    await this.#prefillAhead(active);
    await encoding;
    return this.#prefiller.run(active, active.signal);
  }

  /** Prefills what stands before the first image of the only request while that image waits for its program. */
  async #prefillAhead(active: ActiveRequest): Promise<void> {
    if (!this.#offline || !this.#encoder.compilesFor(active)) return;
    // Those of the same tick have begun then.
    await undefined;
    if (this.#running.running + this.#running.waiting > 1) return;
    const { length } = (await this.#acquireSlot(active)).keys;
    await this.#prefillPositions(active, length, active.firstMissingBehind(length));
  }

  async #acquireSlot(active: ActiveRequest): Promise<Slot> {
    const newTokens = active.settings.maxNewTokens - active.sequence.length;
    return this.#device.run(() => {
      const slot = this.#slots.acquire(active.keys, newTokens);
      active.slot = slot;
      if (!active.isAnew) active.cachedTokens = slot.keys.length;
      return slot;
    }, active.signal);
  }

  /** The requests that one prefill may take: offline short ones without a cached prefix, as many as it takes at once. */
  #prefillBatch(requests: readonly ActiveRequest[]): readonly ActiveRequest[] {
    const [first, ...others] = requests;
    const isFresh = (active: ActiveRequest): boolean =>
      active.angles === first.angles &&
      active.keys.length <= this.#chunk &&
      active.cachedPrefix === 0 &&
      active.slot === undefined &&
      this.#slots.cachedPrefixLength(active.keys) === 0;
    if (!this.#offline || !isFresh(first)) return [first];
    let group = [first];
    for (const active of others.filter(isFresh)) {
      const more = [...group, active];
      const longest = Math.max(...more.map(({ keys }) => keys.length));
      const pictures = Math.max(...more.map(({ media }) => media.length));
      if (more.length * longest <= mostPrefilled(this.#model.config, pictures, longest)) group = more;
    }
    return group;
  }

  /** Prefills prompts; returns the logits after each. */
  async #prefill(requests: readonly ActiveRequest[]): Promise<Float32Array[]> {
    if (requests.length === 1) return [await this.#prefillInChunks(requests[0])];
    const logits = new Map<ActiveRequest, Float32Array>();
    for (let open = requests; open.length > 0; ) {
      const computed = await this.#device.run(() => this.#prefillTogether(open));
      for (const [active, row] of computed) logits.set(active, row);
      open = open.filter((active) => !logits.has(active) && !active.signal.aborted);
    }
    // One that was aborted meanwhile has been told so already.
    return requests.map((active) => logits.get(active) ?? new Float32Array());
  }

  /** Prefills as many of the prompts at once as find adjacent slots. */
  async #prefillTogether(requests: readonly ActiveRequest[]): Promise<Map<ActiveRequest, Float32Array>> {
    const open = requests.filter(({ signal }) => !signal.aborted);
    const slots = open.length === 0 ? [] : this.#slots.acquireTogether(open.map(({ keys }) => keys));
    const group = open.slice(0, slots.length);
    for (const [i, active] of group.entries()) active.slot = slots[i];
    if (group.length === 0) return new Map();
    const chunks = group.map((active) => active.chunk(active.slot!, 0, active.keys.length));
    const logits = await this.#slots.prefill(chunks, 0);
    this.#counts.prefillRuns++;
    for (const active of group) this.#countPrompt(active);
    return new Map(group.map((active, i) => [active, logits[i]]));
  }

  /** Prefills what is not cached of a prompt, in chunks; returns the logits after it. */
  async #prefillInChunks(active: ActiveRequest): Promise<Float32Array> {
    const { keys } = active.slot ?? (await this.#acquireSlot(active));
    // The prefix that was cached when the images were encoded may have been evicted.
    await this.#encoder.run(active, keys.length);
    const logits = await this.#prefillPositions(active, keys.length, active.keys.length);
    this.#countPrompt(active);
    return logits;
  }

  /** Prefills the positions of a prompt from one to another in chunks; returns the logits after the last. */
  async #prefillPositions(active: ActiveRequest, begin: number, end: number): Promise<Float32Array> {
    const most = mostPrefilled(this.#model.config, active.media.length, active.keys.length);
    let logits: Float32Array = new Float32Array();
    for (let from = begin, to = from; to < end; from = to) {
      to = Math.min(end, from + Math.min(this.#chunk, most));
      // Batch invariance needs an even number: a position that is cached is computed again.
      if (from > 0 && !this.#offline) from -= (to - from) % 2;
      if (!active.isAnew) active.cachedTokens = Math.min(active.cachedTokens, from);
      const part = active.chunk(active.slot!, from, to);
      const start = from;
      [logits] = await this.#device.run(() => this.#slots.prefill([part], start), active.signal);
      this.#counts.prefillRuns++;
    }
    return logits;
  }

  #countPrompt({ isAnew, keys, cachedTokens }: ActiveRequest): void {
    if (isAnew) return;
    this.#counts.promptTokens += keys.length;
    this.#counts.cachedTokens += cachedTokens;
  }

  /** Samples the first token and joins the running batch until the answer has ended, or its keys must be made anew. */
  async #decode(active: ActiveRequest, first: Float32Array): Promise<void> {
    for (let logits = first; ; logits = await this.#prefilled(active)) {
      active.signal.throwIfAborted();
      this.#sample(active, logits);
      if (!active.sequence.finished && !active.outgrown) {
        await new Promise<void>((resolve, reject) => {
          this.#decoding.set(active, (error) => (error === undefined ? resolve() : reject(error)));
          void this.#decodeAll();
        });
      }
      if (active.sequence.finished) return;
      await this.#device.run(() => this.#releaseSlot(active));
      active.beginAnew();
    }
  }

  /** Runs decode steps as long as the running batch is not empty. */
  async #decodeAll(): Promise<void> {
    if (this.#isDecoding) return;
    this.#isDecoding = true;
    while (this.#decoding.size > 0) {
      // Waiting prompts come first: the larger the batch, the cheaper is a token.
      if (this.#offline) await this.#prefiller.idle();
      await this.#device.run(() => this.#decodeOnce());
    }
    this.#isDecoding = false;
  }

  async #decodeOnce(): Promise<void> {
    for (const active of this.#decoding.keys())
      if (active.signal.aborted) this.#leaveBatch(active, active.signal.reason);
    const requests = [...this.#decoding.keys()];
    if (requests.length === 0) return;
    const rows = requests.map(({ slot }) => slot!);
    try {
      // One answer alone: its tokens are few rows, and further ones cost little.
      const draft = this.#offline && requests.length === 1 ? requests[0].draft() : [];
      if (draft.length > 0) return await this.#verify(requests[0], draft);
      const logits = await this.#slots.decode(
        rows,
        requests.map(({ sequence }) => sequence.lastToken),
      );
      this.#counts.decodeSteps++;
      for (const [i, active] of requests.entries()) this.#advance(active, logits[i]);
    } catch (error) {
      for (const active of requests) this.#leaveBatch(active, error);
    }
  }

  /** A decode step that checks a draft: as many tokens as come true, and one more. */
  async #verify(active: ActiveRequest, draft: readonly number[]): Promise<void> {
    const { sequence } = active;
    let accepted = 0;
    await this.#slots.verify(active.slot!, [sequence.lastToken, ...draft], (logits, i) => {
      this.#advance(active, logits);
      if (i === draft.length || !this.#decoding.has(active) || sequence.lastToken !== draft[i]) return false;
      accepted++;
      return true;
    });
    this.#counts.decodeSteps++;
    active.scoreDraft(draft.length, accepted);
  }

  /** Samples the next token of one sequence; an error (say, of its constraint) ends this one alone. */
  #advance(active: ActiveRequest, logits: Float32Array): void {
    try {
      this.#sample(active, logits);
      if (active.sequence.finished || active.outgrown) this.#leaveBatch(active);
    } catch (error) {
      this.#leaveBatch(active, error);
    }
  }

  #sample(active: ActiveRequest, logits: Float32Array): void {
    active.sequence.sampleNext(logits);
    this.#counts.generatedTokens++;
    active.emit();
  }

  #leaveBatch(active: ActiveRequest, error?: unknown): void {
    const resolve = this.#decoding.get(active);
    this.#decoding.delete(active);
    this.#releaseSlot(active);
    resolve?.(error);
  }

  #releaseSlot(active: ActiveRequest): void {
    if (active.slot !== undefined) this.#slots.release(active.slot);
    active.slot = undefined;
  }

  /** Beam search in a cache of its own; its decode steps alternate with those of the running batch. */
  async #searchBeams(active: ActiveRequest, logits: Float32Array): Promise<void> {
    const { settings, sequence, signal } = active;
    const { suppressedIds } = this.#text;
    const decoder = await this.#device.run(() => {
      const copies = this.#slots.repeat(active.slot!, settings.numBeams, (run) => this.#device.run(run));
      this.#releaseSlot(active);
      return copies;
    }, signal);
    const rows = new DecodedBeams(active, decoder);
    for (const id of await runBeamSearch(rows, logits, { settings, suppressedIds, signal })) {
      if (!sequence.finished) sequence.append(id);
    }
    if (!sequence.finished) sequence.finish("end");
    this.#counts.generatedTokens += sequence.length;
    active.emit();
  }
}
