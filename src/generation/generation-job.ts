import {
  type LoadedModel,
  type Picture,
  type PlacedPicture,
  type PositionKey,
  placedPictures,
  positionKeys,
  type Row,
} from "../inference/index.ts";
import { endOf, positionCount, sliceSpans } from "../model/index.ts";
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

  /** Whether the visual tokens of all pictures that have a position at or behind `from` are at hand. */
  sees(from: number): boolean {
    return this.#unseen(from).length === 0;
  }

  /** Takes care that they are. */
  async see(from: number): Promise<void> {
    const pictures = this.#unseen(from);
    // One at a time: what is encoded along with it may change a picture's tokens in the last bits.
    const tokens = await this.#model.visualTokens(pictures, 1, this.signal);
    const width = tokens.length / pictures.length;
    for (const [i, { key }] of pictures.entries()) {
      this.#visual.set(key, tokens.subarray(i * width, (i + 1) * width));
    }
  }

  /** The visual tokens [positions, hidden] of the positions of pictures among `from` to `to`. */
  visualRows(from: number, to: number): Float32Array {
    const { hidden } = this.#model.config.language;
    const rows = new Float32Array(positionCount(sliceSpans(this.pictures, from, to)) * hidden);
    let at = 0;
    for (const { start, length, picture } of this.pictures) {
      const first = Math.max(start, from) - start;
      const end = Math.min(start + length, to) - start;
      if (first >= end) continue;
      rows.set(this.#visual.get(picture.key)!.subarray(first * hidden, end * hidden), at);
      at += (end - first) * hidden;
    }
    return rows;
  }

  #unseen(from: number): readonly Picture[] {
    const needed = this.pictures.filter((placed) => endOf(placed) > from);
    return needed.map(({ picture }) => picture).filter(({ key }) => !this.#visual.has(key));
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
