import { LruCache } from "../primitives/index.ts";

/** What a cache has done so far, and what it holds now. */
export interface CacheStatistics {
  readonly hits: number;
  readonly misses: number;
  readonly entries: number;
  readonly bytes: number;
}

/** Visual tokens of images by their keys, bounded by bytes: the least recently used go first. */
export class VisualCache {
  readonly #entries: LruCache<string, Float32Array>;
  #hits = 0;
  #misses = 0;

  /** @param limit bytes */
  constructor(limit: number) {
    this.#entries = new LruCache({ limit, weightOf: ({ byteLength }) => byteLength });
  }

  get statistics(): CacheStatistics {
    const { size: entries, weight: bytes } = this.#entries;
    return { hits: this.#hits, misses: this.#misses, entries, bytes };
  }

  /** The tokens of an image, if they are cached; counts as a hit or a miss. */
  get(key: string): Float32Array | undefined {
    const tokens = this.#entries.get(key);
    if (tokens === undefined) this.#misses++;
    else this.#hits++;
    return tokens;
  }

  /** Whether it holds the tokens of an image; counts as nothing. */
  has(key: string): boolean {
    return this.#entries.has(key);
  }

  set(key: string, tokens: Float32Array): void {
    this.#entries.set(key, tokens);
  }

  /** Holds no more than so many bytes from now on. */
  resize(limit: number): void {
    this.#entries.resize(limit);
  }

  clear(): void {
    this.#entries.clear();
  }
}
