import type { TokenSequence } from "../model/index.ts";
import { Decoder, evenCount, type InTurn } from "./decoder.ts";
import { engineDefaults } from "./engine-defaults.ts";
import type { KeyValueCache } from "./key-value-cache.ts";
import { concatenated, type LoadedModel } from "./loaded-model.ts";
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

/** How the slots of a KV cache are used. */
export interface SlotOptions {
  /** Sequences that may have a slot at the same time. */
  readonly slots: number;
  /** Bytes of keys and values kept of ended sequences; absent: as `engineDefaults` says. */
  readonly keptBytes?: number | undefined;
  /**
   * For few conversations or one large batch: slots are allocated when they are needed, an ended sequence is kept only
   * until its slot is needed, and nothing is computed for the sake of batch invariance ({@link evenCount}).
   */
  readonly offline?: boolean | undefined;
}

/** Positions of a prompt that are to be computed, in the slot that holds what is before them. */
export interface PrefillChunk extends TokenSequence {
  readonly slot: Row;
  /** The visual tokens [positions, hidden] of its spans. */
  readonly visual: Float32Array;
  /** The keys of the whole prompt. */
  readonly keys: readonly PositionKey[];
}

/**
 * Rows of one KV cache that begin and end at different times. A row stays where it is while it is in use, but that
 * the last one moves into a free place when others have ended, so that a step computes few rows. What a row holds when its
 * answer has ended is kept for prompts that begin alike: in its place until the place is needed, then as a copy; all
 * of it bounded by bytes, and what was not used for longest goes first.
 */
export class KeyValueRows {
  readonly #model: LoadedModel;
  readonly #most: number;
  readonly #offline: boolean;
  readonly #limit: number;
  #cache: KeyValueCache;
  #rows: readonly Row[] = [];
  #copies: readonly Copy[] = [];
  #clock = 0;
  #hits = 0;
  #misses = 0;
  /** Decoders of so many first rows, for the cache's present buffers. */
  #decoders = new Map<number, { readonly window: KeyValueCache; readonly decoder: Decoder }>();

  constructor(model: LoadedModel, { slots, keptBytes, offline = false }: SlotOptions) {
    this.#model = model;
    this.#offline = offline;
    this.#most = this.#count(slots);
    const first = offline ? 1 : this.#most;
    this.#cache = model.newCache(first, model.firstCapacity);
    this.#addRows(first);
    const full = model.config.language.maxPositions * this.#cache.bytesPerPosition;
    const most = Math.min(engineDefaults.keptConversations * slots * full, engineDefaults.keyValueCacheBytes);
    this.#limit = offline ? Number.POSITIVE_INFINITY : (keptBytes ?? most);
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
    if (this.#rows.every(({ inUse }) => inUse)) this.#grow();
    const free = this.#rows.filter(({ inUse }) => !inUse);
    // What has more in common than it would lose goes on where it is.
    const same = free.find((row) => row === holder && 2 * shared >= row.keys.length);
    const row = same ?? this.#freePlace(free);
    if (row !== same) {
      this.#evict(row);
      if (holder !== undefined) this.#copy(holder, row, shared);
    }
    row.keys = keys.slice(0, shared);
    row.inUse = true;
    return row;
  }

  /**
   * Slots side by side for as many of these prompts, from the first on, as nothing is known of: they can be computed in
   * one run. The first gets one in any case; what is there already of it are its `keys`.
   */
  beginTogether(prompts: readonly (readonly PositionKey[])[]): Row[] {
    const [first, ...others] = prompts;
    const rows = [this.begin(first)];
    if (rows[0].keys.length > 0) return rows;
    for (const keys of others) {
      if (this.#longestMatch(keys) !== undefined) break;
      const at = rows[0].index + rows.length;
      if (at === this.#rows.length) this.#grow();
      const row = this.#rows.find(({ index }) => index === at);
      if (row === undefined || row.inUse) break;
      this.#misses++;
      this.#evict(row);
      row.inUse = true;
      rows.push(row);
    }
    return rows;
  }

  /**
   * Computes chunks of prompts behind position `from`, and returns the logits [vocabulary] after the last position of
   * each. What a slot holds behind `from` is computed anew. Several chunks begin at 0, in slots side by side; a chunk
   * that begins elsewhere has an even number of positions where the bits must not depend on the chunks' sizes.
   */
  async prefill(chunks: readonly PrefillChunk[], from: number): Promise<Float32Array[]> {
    const longest = Math.max(...chunks.map(({ ids }) => ids.length));
    this.#reserve(from + this.#count(longest));
    const decoder = new Decoder(this.#model, this.#cache.window(chunks[0].slot.index, chunks.length));
    const logits = await decoder.extend(
      chunks,
      concatenated(chunks.map(({ visual }) => visual)),
      from,
      !this.#offline,
    );
    for (const { slot, ids, keys } of chunks) slot.keys = keys.slice(0, from + ids.length);
    return logits;
  }

  /** Adds a token to each of these rows and returns the logits [vocabulary] after it; the next step overwrites them. */
  async decode(rows: readonly Row[], tokens: readonly number[]): Promise<Float32Array[]> {
    this.#moveTogether(rows);
    const count = this.#count(1 + Math.max(...rows.map(({ index }) => index)));
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
    this.#trim();
  }

  /** How many rows are computed where so many are wanted. */
  #count(rows: number): number {
    return this.#offline ? rows : evenCount(rows);
  }

  #addRows(count: number): void {
    const added = Array.from({ length: count }, (_, i) => ({
      index: this.#rows.length + i,
      keys: [],
      inUse: false,
      used: 0,
    }));
    this.#rows = [...this.#rows, ...added];
  }

  /** Twice as many rows, as far as there may be more. */
  #grow(): void {
    const count = this.#rows.length;
    const added = Math.min(count, this.#most - count);
    if (added === 0) return;
    const before = this.#cache;
    const rows = this.#inOrder();
    this.#cache = this.#model.newCache(count + added, Math.max(...rows.map(({ keys }) => keys.length)));
    for (const { index, keys } of rows) {
      if (keys.length > 0) this.#cache.copyFrom(before, index, index, keys.length);
    }
    this.#addRows(added);
    this.#decoders.clear();
  }

  #inOrder(): Row[] {
    return this.#rows.toSorted((a, b) => a.index - b.index);
  }

  /** A free place among the first ones: an empty one, or the one whose content was not used for longest. */
  #freePlace(free: readonly Row[]): Row {
    const reach = this.#count(this.#rows.length - free.length + 1);
    const near = free.filter(({ index }) => index < reach);
    const empty = near.filter(({ keys }) => keys.length === 0);
    if (empty.length > 0) return empty.reduce((a, b) => (a.index < b.index ? a : b));
    return near.reduce((a, b) => (a.used < b.used ? a : b));
  }

  /** Rows in the way of fewer ones to compute move into free places. */
  #moveTogether(rows: readonly Row[]): void {
    const reach = this.#count(rows.length);
    for (const row of rows.filter(({ index }) => index >= reach)) {
      const place = this.#rows.find(({ index, inUse }) => index < reach && !inUse);
      if (place === undefined) return;
      this.#evict(place);
      this.#copy(row, place, row.keys.length);
      [row.index, place.index] = [place.index, row.index];
    }
  }

  /** Empties a row; what it keeps for others becomes a copy. */
  #evict(row: Row): void {
    const { keys, used } = row;
    row.keys = [];
    if (keys.length === 0 || this.#offline) return;
    const cache = this.#model.newCache(1, keys.length);
    if (cache.capacity * cache.bytesPerPosition > this.#limit) return;
    cache.copyFrom(this.#cache, row.index, 0, keys.length);
    this.#copies = [...this.#copies, { cache, keys, used }];
    this.#trim();
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

  #trim(): void {
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
