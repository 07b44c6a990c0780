import {
  type LoadedModel,
  type Picture,
  type PositionKey,
  positionKeys,
  type Row,
} from "../inference/index.ts";
import { tokensPerImage } from "../model/index.ts";
import type { GrowingAnswer } from "./answer.ts";
import type { EngineAnswer, GenerationPiece, GenerationRequest } from "./request.ts";
import type { GenerationSettings } from "./settings.ts";

/** A request on its way through an engine: what it has of the caches, and the way of its pieces to whoever asked. */
export class GenerationJob {
  readonly request: GenerationRequest;
  readonly settings: GenerationSettings;
  readonly answer: GrowingAnswer;
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
    this.keys = positionKeys(request.prompt, tokensPerImage(model.config));
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

  /** The visual tokens [rows, hidden] at the picture positions among `from` to `to`. */
  visualRows(from: number, to: number): Float32Array {
    const { hidden } = this.#model.config.language;
    const { ids, pictures } = this.request.prompt;
    const perPicture = tokensPerImage(this.#model.config);
    const first = countPictureRows(ids.slice(0, from));
    const count = countPictureRows(ids.slice(from, to));
    const rows = new Float32Array(count * hidden);
    for (let i = 0; i < count; i++) {
      const at = first + i;
      const tokens = this.#visual.get(pictures[Math.floor(at / perPicture)].key)!;
      const row = at % perPicture;
      rows.set(tokens.subarray(row * hidden, (row + 1) * hidden), i * hidden);
    }
    return rows;
  }

  #unseen(from: number): readonly Picture[] {
    const { ids, pictures } = this.request.prompt;
    const before = Math.floor(countPictureRows(ids.slice(0, from)) / tokensPerImage(this.#model.config));
    return pictures.slice(before).filter(({ key }) => !this.#visual.has(key));
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

function countPictureRows(ids: readonly number[]): number {
  return ids.filter((id) => id < 0).length;
}
