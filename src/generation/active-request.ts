import {
  concatenated,
  type LoadedModel,
  type Media,
  type PlacedMedia,
  type PositionKey,
  type PrefillChunk,
  placedMedia,
  positionKeys,
  type Slot,
} from "../inference/index.ts";
import { angleLength, endOf, sliceSpans, type TokenSequence } from "../model/index.ts";
import { PromptLookup } from "./prompt-lookup.ts";
import type { EngineAnswer, GenerationPiece, GenerationRequest } from "./request.ts";
import type { SequenceState } from "./sequence-state.ts";
import type { GenerationSettings } from "./settings.ts";

/**
 * A request that an engine works on: its sequence, what it holds of the caches, and the queue of pieces between the engine,
 * which emits them, and the caller, who iterates them.
 */
export class ActiveRequest {
  readonly request: GenerationRequest;
  readonly settings: GenerationSettings;
  readonly sequence: SequenceState;
  readonly media: readonly PlacedMedia[];
  /** Its slot of the KV cache while it has one. */
  slot: Slot | undefined;
  cachedTokens = 0;
  /** What a prefill computes: the prompt, and after {@link beginAnew} the tokens that followed it. */
  #ids: readonly number[];
  /** Whether the prefill is not the first one. */
  isAnew = false;
  #keys: readonly PositionKey[];
  /** Images that end before this position are not needed: their keys and values are cached. */
  cachedPrefix = 0;
  #lookup: PromptLookup | undefined;
  /** How many tokens of the answer its lookup has taken. */
  #lookedUp = 0;
  readonly #model: LoadedModel;
  readonly #visual = new Map<string, Float32Array>();
  readonly #control = new AbortController();
  readonly #pieces: GenerationPiece[] = [];
  #outcome: (() => EngineAnswer) | undefined;
  #wake: (() => void) | undefined;
  /** Nobody iterates the pieces: none are queued, which saves a batch of many sequences the most of its overhead. */
  #isWhole = false;

  constructor(
    model: LoadedModel,
    request: GenerationRequest,
    settings: GenerationSettings,
    sequence: SequenceState,
  ) {
    this.#model = model;
    this.request = request;
    this.settings = settings;
    this.sequence = sequence;
    this.media = placedMedia(request.prompt, model.config);
    this.#ids = request.prompt.ids;
    this.#keys = positionKeys(this.#ids, this.media, this.angles);
    const { signal } = request;
    if (signal?.aborted) this.#control.abort(signal.reason);
    else signal?.addEventListener("abort", this.#abort);
  }

  /** Aborted when the request is, or when the caller stops iterating. */
  get signal(): AbortSignal {
    return this.#control.signal;
  }

  /** The keys of the positions that a prefill computes. */
  get keys(): readonly PositionKey[] {
    return this.#keys;
  }

  /** `angleLength` of what a prefill computes. */
  get angles(): number {
    return angleLength(this.#model.config.language, this.#ids.length);
  }

  /** Whether its tokens have made the sequence so long that its angles, and so all its keys, are others. */
  get outgrown(): boolean {
    return this.anglesWith(this.sequence.length) !== this.angles;
  }

  /** `angleLength` of the prompt and so many tokens behind it. */
  anglesWith(tokens: number): number {
    return angleLength(this.#model.config.language, this.request.prompt.ids.length + tokens);
  }

  /** Counts the tokens so far among what a prefill computes, which starts anew. */
  beginAnew(): void {
    this.#ids = [...this.request.prompt.ids, ...this.sequence.ids];
    this.#keys = positionKeys(this.#ids, this.media, this.angles);
    this.isAnew = true;
  }

  /**
   * Tokens that may come next, to be checked in one step; none where it is not worth it. The last token is not fed back, so
   * one less than may still come.
   */
  draft(): number[] {
    const { maxNewTokens, promptLookupNumTokens } = this.settings;
    if (promptLookupNumTokens === 0 || this.#model.longestPrefill < Number.POSITIVE_INFINITY) return [];
    const { ids, length } = this.sequence;
    if (this.#lookup === undefined) {
      this.#lookup = new PromptLookup(promptLookupNumTokens);
      this.#lookup.push(this.request.prompt.ids);
    }
    this.#lookup.push(ids.slice(this.#lookedUp));
    this.#lookedUp = length;
    return this.#lookup.draft(maxNewTokens - length - 1);
  }

  /** Learns how many tokens of a draft came true. */
  scoreDraft(drafted: number, accepted: number): void {
    this.#lookup?.score(drafted, accepted);
  }

  /** Queues the text and log-probabilities of the tokens since the last call. */
  emit(): void {
    if (this.#isWhole) return;
    this.#pieces.push({ text: this.sequence.takeText(), tokens: this.sequence.takeLogprobs() });
    this.#wake?.();
  }

  /** Ends the request; `outcome` returns the answer or throws what went wrong. */
  complete(outcome: () => EngineAnswer): void {
    this.#outcome = outcome;
    this.#wake?.();
  }

  /** The pieces as they are emitted. Whoever stops iterating aborts the request. */
  async *pieces(): AsyncGenerator<GenerationPiece, EngineAnswer> {
    try {
      for (;;) {
        this.request.signal?.throwIfAborted();
        const piece = this.#pieces.shift();
        if (piece !== undefined) yield piece;
        else if (this.#outcome !== undefined) return this.#outcome();
        else await this.#nextEvent();
      }
    } finally {
      this.request.signal?.removeEventListener("abort", this.#abort);
      this.#control.abort();
    }
  }

  /** The whole answer, for a caller who needs no pieces. */
  async answer(): Promise<EngineAnswer> {
    this.#isWhole = true;
    try {
      while (this.#outcome === undefined) await this.#nextEvent();
      this.request.signal?.throwIfAborted();
      return this.#outcome();
    } finally {
      this.request.signal?.removeEventListener("abort", this.#abort);
    }
  }

  /** Images and videos whose visual tokens a prefill behind {@link cachedPrefix} needs and that are not encoded yet. */
  get missingMedia(): readonly Media[] {
    const needed = this.media.filter((placed) => endOf(placed) > this.cachedPrefix);
    return needed.map(({ media }) => media).filter(({ key }) => !this.#visual.has(key));
  }

  /** The first position behind so many cached ones at which an image begins whose visual tokens are not there; their number if there is none. */
  firstMissingBehind(cached: number): number {
    const first = this.media.find((placed) => endOf(placed) > cached && !this.#visual.has(placed.media.key));
    return Math.max(cached, first?.start ?? cached);
  }

  /** Takes its own among visual tokens by the keys of their images. */
  takeVisualTokens(tokens: ReadonlyMap<string, Float32Array>): void {
    for (const { key } of this.missingMedia) {
      const own = tokens.get(key);
      if (own !== undefined) this.#visual.set(key, own);
    }
  }

  /** The positions `from` to `to` of the prompt, for a prefill. */
  chunk(slot: Slot, from: number, to: number): PrefillChunk {
    return {
      slot,
      ids: this.#ids.slice(from, to),
      spans: sliceSpans(this.media, from, to),
      visual: this.#visualTokens(from, to),
      keys: this.keys,
      angles: this.angles,
    };
  }

  /** The whole prompt with each of these continuations, and the visual tokens of all of them, for one prefill. */
  async continuedBy(
    continuations: readonly (readonly number[])[],
  ): Promise<{ readonly sequences: readonly TokenSequence[]; readonly visual: Float32Array }> {
    const { ids } = this.request.prompt;
    const visual = await this.#model.visualTokens(this.media.map(({ media }) => media));
    return {
      sequences: continuations.map((more) => ({ ids: [...ids, ...more], spans: this.media })),
      visual: concatenated(continuations.map(() => visual)),
    };
  }

  /** The visual tokens [positions, hidden] of the media positions from `from` to `to`. */
  #visualTokens(from: number, to: number): Float32Array {
    const tokens = this.media.map(({ start, length, media }) => {
      const visual = this.#visual.get(media.key) ?? new Float32Array();
      // A picture beside the text has one position for all of its tokens.
      const width = visual.length / length;
      const first = Math.max(start, from) - start;
      const end = Math.max(first, Math.min(start + length, to) - start);
      return visual.subarray(first * width, end * width);
    });
    return concatenated(tokens);
  }

  readonly #abort = (): void => {
    this.#control.abort(this.request.signal?.reason);
    this.#wake?.();
  };

  #nextEvent(): Promise<void> {
    return new Promise((resolve) => {
      this.#wake = resolve;
    });
  }
}
