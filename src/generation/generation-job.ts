import {
  concatenated,
  type LoadedModel,
  type Picture,
  type PlacedPicture,
  type PositionKey,
  type PrefillChunk,
  placedPictures,
  positionKeys,
  type Row,
} from "../inference/index.ts";
import { endOf, sliceSpans } from "../model/index.ts";
import type { GrowingAnswer } from "./answer.ts";
import type { EngineAnswer, GenerationPiece, GenerationRequest } from "./request.ts";
import type { GenerationSettings } from "./settings.ts";

/** A request on its way through an engine: what it has of the caches, and the way of its pieces to whoever asked. */
export class GenerationJob {
  readonly request: GenerationRequest;
  readonly settings: GenerationSettings;
  readonly answer: GrowingAnswer;
  readonly pictures: readonly PlacedPicture[];
  readonly keys: readonly PositionKey[];
  /** Its row of the KV cache while it has one. */
  row: Row | undefined;
  cachedTokens = 0;
  /** Images before this position are not needed: what they make of it is cached. */
  needed = 0;
  readonly #model: LoadedModel;
  readonly #visual = new Map<string, Float32Array>();
  readonly #control = new AbortController();
  readonly #pieces: GenerationPiece[] = [];
  #outcome: (() => EngineAnswer) | undefined;
  #wake: (() => void) | undefined;

  constructor(
    model: LoadedModel,
    request: GenerationRequest,
    settings: GenerationSettings,
    answer: GrowingAnswer,
  ) {
    this.#model = model;
    this.request = request;
    this.settings = settings;
    this.answer = answer;
    this.pictures = placedPictures(request.prompt, model.config);
    this.keys = positionKeys(request.prompt.ids, this.pictures);
    const { signal } = request;
    if (signal?.aborted) this.#control.abort(signal.reason);
    else signal?.addEventListener("abort", this.#abort);
  }

  /** Aborted when the request is, or nobody waits for the answer any more. */
  get signal(): AbortSignal {
    return this.#control.signal;
  }

  /** Hands over what came with a step. */
  give(): void {
    this.#pieces.push({ text: this.answer.takeText(), tokens: this.answer.takeReports() });
    this.#wake?.();
  }

  /** Nothing more comes; `outcome` gives the answer or throws. */
  settle(outcome: () => EngineAnswer): void {
    this.#outcome = outcome;
    this.#wake?.();
  }

  /** The pieces as they come; ending the iteration ends the job. */
  async *pieces(): AsyncGenerator<GenerationPiece, EngineAnswer> {
    try {
      for (;;) {
        this.request.signal?.throwIfAborted();
        const piece = this.#pieces.shift();
        if (piece !== undefined) yield piece;
        else if (this.#outcome !== undefined) return this.#outcome();
        else await this.#news();
      }
    } finally {
      this.request.signal?.removeEventListener("abort", this.#abort);
      this.#control.abort();
    }
  }

  /** Images at or behind the position {@link needed} whose visual tokens are not at hand. */
  get unseen(): readonly Picture[] {
    const needed = this.pictures.filter((placed) => endOf(placed) > this.needed);
    return needed.map(({ picture }) => picture).filter(({ key }) => !this.#visual.has(key));
  }

  /** Takes the visual tokens of its images, by their keys, among those of others. */
  see(tokens: ReadonlyMap<string, Float32Array>): void {
    for (const { key } of this.unseen) {
      const own = tokens.get(key);
      if (own !== undefined) this.#visual.set(key, own);
    }
  }

  /** The positions `from` to `to` of its prompt, to be computed in a slot. */
  chunk(slot: Row, from: number, to: number): PrefillChunk {
    const { ids } = this.request.prompt;
    return {
      slot,
      ids: ids.slice(from, to),
      spans: sliceSpans(this.pictures, from, to),
      visual: this.#visualTokens(from, to),
      keys: this.keys,
    };
  }

  /** The visual tokens [positions, hidden] of the positions of pictures among `from` to `to`. */
  #visualTokens(from: number, to: number): Float32Array {
    const { hidden } = this.#model.config.language;
    const tokens = this.pictures.map(({ start, length, picture }) => {
      const first = Math.max(start, from) - start;
      const end = Math.max(first, Math.min(start + length, to) - start);
      return this.#visual.get(picture.key)?.subarray(first * hidden, end * hidden) ?? new Float32Array();
    });
    return concatenated(tokens);
  }

  readonly #abort = (): void => {
    this.#control.abort(this.request.signal?.reason);
    this.#wake?.();
  };

  #news(): Promise<void> {
    return new Promise((resolve) => {
      this.#wake = resolve;
    });
  }
}
