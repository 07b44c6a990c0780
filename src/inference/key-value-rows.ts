import { sliceSpans, type TokenSequence } from "../model/index.ts";
import { Decoder, evenCount, type InTurn } from "./decoder.ts";
import { engineDefaults } from "./engine-defaults.ts";
import type { KeyValueCache } from "./key-value-cache.ts";
import type { LoadedModel } from "./loaded-model.ts";
import type { PositionKey } from "./prompt.ts";
import type { CacheStatistics } from "./visual-cache.ts";

/** A row of the KV cache: an answer's while it is in use, afterwards a kept beginning for others. */
export interface Row {
  index: number;
  /** What the computed positions hold. */
  keys: PositionKey[];
  inUse: boolean;
  /** When it was last of use, in the order of all uses. */
  used: number;
}

/** A kept beginning that had to leave its row: one row in a cache of its own. */
interface Copy {
  readonly cache: KeyValueCache;
  readonly keys: readonly PositionKey[];
  used: number;
}

/** Where a beginning is found: in a row or in a copy, of which so many positions fit. */
interface Match {
  readonly holder: Row | Copy;
  readonly shared: number;
}

/** Fewer positions in common are not worth copying. */
const leastShared = 8;

/** Bytes that are kept where nothing is said: one conversation of a 7 B at its longest, many of a small model's. */

/**
 * Rows of one KV cache that begin and end at different times. A row stays where it is while it is in use, but that
 * the last one moves into a free place when others have ended, so that a step computes few rows. What a row holds when its
 * answer has ended is kept for prompts that begin alike: in its place until the place is needed, then as a copy; all
 * of it bounded by bytes, and what was not used for longest goes first.
 */
export class KeyValueRows {
  readonly #model: LoadedModel;
  readonly #cache: KeyValueCache;
  readonly #rows: readonly Row[];
  readonly #limit: number;
  #copies: readonly Copy[] = [];
  #clock = 0;
  #hits = 0;
  #misses = 0;
  /** Decoders of so many first rows, for the cache's present buffers. */
  #decoders = new Map<number, { readonly window: KeyValueCache; readonly decoder: Decoder }>();

  /** @param limit bytes of keys and values that are kept for others; absent: as `engineDefaults` says */
  constructor(model: LoadedModel, rows: number, limit?: number) {
    this.#model = model;
    this.#cache = model.newCache(evenCount(rows), model.firstCapacity);
    const fullRow = model.config.language.maxPositions * this.#cache.bytesPerPosition;
    this.#limit =
      limit ?? Math.min(engineDefaults.keptConversations * rows * fullRow, engineDefaults.keyValueCacheBytes);
    this.#rows = Array.from({ length: evenCount(rows) }, (_, index) => ({
      index,
      keys: [],
      inUse: false,
      used: 0,
    }));
  }

  get statistics(): CacheStatistics {
    const kept = this.#kept();
    const bytes = kept.reduce((sum, holder) => sum + this.#bytesOf(holder), 0);
    return { hits: this.#hits, misses: this.#misses, entries: kept.length, bytes };
  }

  /** How many positions of a prompt would not have to be computed. */
  sharedPositions(keys: readonly PositionKey[]): number {
    return this.#longestMatch(keys)?.shared ?? 0;
  }

  /** A row for a prompt of these keys; its first positions are there already as far as others began alike. */
  begin(keys: readonly PositionKey[]): Row {
    const match = this.#longestMatch(keys);
    if (match === undefined) this.#misses++;
    else this.#hits++;
    const { holder, shared } = match ?? { holder: undefined, shared: 0 };
    if (holder !== undefined) holder.used = ++this.#clock;
    const free = this.#rows.filter(({ inUse }) => !inUse);
    // What has more in common than it would lose goes on where it is.
    const same = free.find((row) => row === holder && 2 * shared >= row.keys.length);
    const row = same ?? this.#freePlace(free);
    if (row !== same) {
      this.#vacate(row);
      if (holder !== undefined) this.#copy(holder, row, shared);
    }
    row.keys = keys.slice(0, shared);
    row.inUse = true;
    return row;
  }

  /**
   * Runs the positions `from` to `to` of a row's prompt and returns the logits [vocabulary] after the last of them.
   * What the row holds behind `from` is computed anew; there is an even number of positions, or `from` is 0.
   *
   * @param visual the visual tokens [positions, hidden] of the spans among them
   */
  async extend(
    row: Row,
    prompt: TokenSequence & { readonly keys: readonly PositionKey[] },
    [from, to]: readonly [number, number],
    visual: Float32Array,
  ): Promise<Float32Array> {
    this.#reserve(evenCount(to));
    const decoder = new Decoder(this.#model, this.#cache.window(row.index, 1));
    const chunk = { ids: prompt.ids.slice(from, to), spans: sliceSpans(prompt.spans, from, to) };
    const [logits] = await decoder.extend([chunk], visual, from, true);
    row.keys = prompt.keys.slice(0, to);
    return logits;
  }

  /** Adds a token to each of these rows and returns the logits [vocabulary] after it; the next step overwrites them. */
  async decode(rows: readonly Row[], tokens: readonly number[]): Promise<Float32Array[]> {
    this.#moveTogether(rows);
    const count = evenCount(1 + Math.max(...rows.map(({ index }) => index)));
    // Rows between them are computed too; what that writes lies behind all that they hold.
    const last = this.#model.config.language.maxPositions - 1;
    const lengths = this.#inOrder()
      .slice(0, count)
      .map(({ keys }) => Math.min(keys.length, last));
    this.#reserve(1 + Math.max(...lengths));
    const { window, decoder } = this.#decoderOf(count);
    window.setLengths(lengths);
    const fed = new Array<number>(count).fill(0);
    for (const [i, { index }] of rows.entries()) fed[index] = tokens[i];
    const logits = await decoder.decode(fed);
    for (const [i, row] of rows.entries()) row.keys.push(tokens[i]);
    return rows.map(({ index }) => logits[index]);
  }

  /** A decoder with `count` copies of a row in a cache of their own. */
  repeated(row: Row, count: number, inTurn: InTurn): Decoder {
    const window = this.#cache.window(row.index, 1);
    window.setLengths([row.keys.length]);
    return new Decoder(this.#model, window.repeated(count), inTurn);
  }

  /** The row's answer has ended: what it holds is for others now. */
  end(row: Row): void {
    row.inUse = false;
    row.used = ++this.#clock;
    // A row that is computed along with others needs a position behind what it holds.
    row.keys = row.keys.slice(0, this.#model.config.language.maxPositions - 1);
    const others = this.#kept().filter((holder) => holder !== row);
    const longer = others.find(({ keys }) => sharedLength(keys, row.keys) === row.keys.length);
    if (longer !== undefined) longer.used = row.used;
    if (longer !== undefined || row.keys.length < leastShared) row.keys = [];
    for (const holder of others) {
      if (sharedLength(holder.keys, row.keys) === holder.keys.length) this.#forget(holder);
    }
    this.#bound();
  }

  #inOrder(): Row[] {
    return this.#rows.toSorted((a, b) => a.index - b.index);
  }

  /** A free place among the first ones: an empty one, or the one whose content was not used for longest. */
  #freePlace(free: readonly Row[]): Row {
    const reach = evenCount(this.#rows.length - free.length + 1);
    const near = free.filter(({ index }) => index < reach);
    const empty = near.filter(({ keys }) => keys.length === 0);
    if (empty.length > 0) return empty.reduce((a, b) => (a.index < b.index ? a : b));
    return near.reduce((a, b) => (a.used < b.used ? a : b));
  }

  /** Rows in the way of fewer ones to compute move into free places. */
  #moveTogether(rows: readonly Row[]): void {
    const reach = evenCount(rows.length);
    for (const row of rows.filter(({ index }) => index >= reach)) {
      const place = this.#rows.find(({ index, inUse }) => index < reach && !inUse);
      if (place === undefined) return;
      this.#vacate(place);
      this.#copy(row, place, row.keys.length);
      [row.index, place.index] = [place.index, row.index];
    }
  }

  /** Empties a row; what it keeps for others becomes a copy. */
  #vacate(row: Row): void {
    const { keys, used } = row;
    row.keys = [];
    if (keys.length === 0) return;
    const cache = this.#model.newCache(1, keys.length);
    if (cache.capacity * cache.bytesPerPosition > this.#limit) return;
    cache.copyFrom(this.#cache, row.index, 0, keys.length);
    this.#copies = [...this.#copies, { cache, keys, used }];
    this.#bound();
  }

  #copy(holder: Row | Copy, row: Row, positions: number): void {
    this.#reserve(positions);
    if ("cache" in holder) this.#cache.copyFrom(holder.cache, 0, row.index, positions);
    else if (holder !== row) this.#cache.copyFrom(this.#cache, holder.index, row.index, positions);
  }

  #reserve(positions: number): void {
    if (positions <= this.#cache.capacity) return;
    this.#cache.setLengths(this.#inOrder().map(({ keys }) => keys.length));
    this.#cache.reserve(positions);
    this.#decoders.clear();
  }

  #decoderOf(rows: number): { readonly window: KeyValueCache; readonly decoder: Decoder } {
    const known = this.#decoders.get(rows);
    if (known !== undefined) return known;
    const window = this.#cache.window(0, rows);
    const made = { window, decoder: new Decoder(this.#model, window) };
    this.#decoders.set(rows, made);
    return made;
  }

  #longestMatch(keys: readonly PositionKey[]): Match | undefined {
    let best: Match | undefined;
    for (const holder of [...this.#rows, ...this.#copies]) {
      // At least one position must be computed, for its logits.
      const shared = Math.min(sharedLength(holder.keys, keys), keys.length - 1);
      if (shared >= leastShared && shared > (best?.shared ?? 0)) best = { holder, shared };
    }
    return best;
  }

  /** What is kept for others. */
  #kept(): (Row | Copy)[] {
    return [...this.#rows.filter(({ inUse, keys }) => !inUse && keys.length > 0), ...this.#copies];
  }

  #bytesOf(holder: Row | Copy): number {
    const positions = "cache" in holder ? holder.cache.capacity : holder.keys.length;
    return positions * this.#cache.bytesPerPosition;
  }

  #forget(holder: Row | Copy): void {
    if ("cache" in holder) this.#copies = this.#copies.filter((copy) => copy !== holder);
    else holder.keys = [];
  }

  #bound(): void {
    const kept = this.#kept().sort((a, b) => a.used - b.used);
    let bytes = kept.reduce((sum, holder) => sum + this.#bytesOf(holder), 0);
    for (const holder of kept) {
      if (bytes <= this.#limit) return;
      bytes -= this.#bytesOf(holder);
      this.#forget(holder);
    }
  }
}

/** How many positions two begin alike. */
function sharedLength(a: readonly PositionKey[], b: readonly PositionKey[]): number {
  const most = Math.min(a.length, b.length);
  let shared = 0;
  while (shared < most && a[shared] === b[shared]) shared++;
  return shared;
}
