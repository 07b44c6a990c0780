export interface LruCacheOptions<Value> {
  /** Most that all entries may weigh together. */
  readonly limit: number;
  /** What an entry weighs, such as its bytes. Default: 1, so that `limit` counts entries. */
  readonly weightOf?: (value: Value) => number;
  /** Called with every value that leaves the cache, also when it is cleared or its key gets another value. */
  readonly onEvict?: (value: Value) => void;
}

/**
 * A map that evicts its least recently used entries as soon as all together weigh more than a limit. An entry that is
 * heavier than the limit by itself therefore empties the cache.
 */
export class LruCache<Key, Value> {
  readonly #weightOf: (value: Value) => number;
  readonly #onEvict: ((value: Value) => void) | undefined;
  /** Least recently used first: a `Map` keeps the order of insertion. */
  readonly #entries = new Map<Key, Value>();
  #limit: number;
  #weight = 0;

  constructor({ limit, weightOf = () => 1, onEvict }: LruCacheOptions<Value>) {
    this.#limit = limit;
    this.#weightOf = weightOf;
    this.#onEvict = onEvict;
  }

  /** How many entries there are. */
  get size(): number {
    return this.#entries.size;
  }

  /** What all entries weigh together. */
  get weight(): number {
    return this.#weight;
  }

  /** Whether it has a key, which stays as recently used as it was. */
  has(key: Key): boolean {
    return this.#entries.has(key);
  }

  /** The value of a key, which becomes the most recently used one. */
  get(key: Key): Value | undefined {
    const value = this.#entries.get(key);
    if (value === undefined) return undefined;
    this.#entries.delete(key);
    this.#entries.set(key, value);
    return value;
  }

  set(key: Key, value: Value): void {
    this.#evict(key);
    this.#entries.set(key, value);
    this.#weight += this.#weightOf(value);
    this.#trim();
  }

  /** Changes the limit from now on. */
  resize(limit: number): void {
    this.#limit = limit;
    this.#trim();
  }

  clear(): void {
    for (const key of this.#entries.keys()) this.#evict(key);
  }

  #trim(): void {
    for (const key of this.#entries.keys()) {
      if (this.#weight <= this.#limit) break;
      this.#evict(key);
    }
  }

  #evict(key: Key): void {
    const value = this.#entries.get(key);
    if (value === undefined) return;
    this.#entries.delete(key);
    this.#weight -= this.#weightOf(value);
    this.#onEvict?.(value);
  }
}
