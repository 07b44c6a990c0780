import type { TokenSequence } from "../model/index.ts";
import { Decoder, evenCount, newPictureBuffers } from "./decoder.ts";
import { engineDefaults } from "./engine-defaults.ts";
import type { PictureBuffers } from "./kept-pictures.ts";
import type { KvCache } from "./kv-cache.ts";
import { concatenated, type LoadedModel } from "./loaded-model.ts";
import { roomFor } from "./prefill-limit.ts";
import { commonPrefixLength, type PositionKey } from "./prompt.ts";
import type { RunExclusive } from "./run-exclusive.ts";
import type { CacheStatistics } from "./visual-cache.ts";

/** A slot: the row of the KV cache of one running sequence; when that has ended, a cached prefix for other prompts. */
export interface Slot {
  /** The row of the cache. */
  index: number;
  /** What the computed positions hold, position by position. */
  keys: PositionKey[];
  /** `angleLength` of the sequence that they are of. */
  angles: number;
  /** Whether a running sequence owns it. */
  inUse: boolean;
  /** When it was last used, by a counter of all uses. */
  lastUsed: number;
}

/** A cached prefix whose slot was needed: one row in a cache of its own. */
interface EvictedPrefix {
  readonly cache: KvCache;
  readonly keys: readonly PositionKey[];
  lastUsed: number;
}

type CachedPrefix = Slot | EvictedPrefix;

/** The longest cached prefix of a prompt, and how many of its positions the prompt shares. */
interface Match {
  readonly prefix: CachedPrefix;
  readonly shared: number;
}

/** A shorter shared prefix is not worth copying. */
const minSharedPrefix = 8;

/** How many slots there are, and what becomes of them when their sequences end. */
export interface SlotOptions {
  /** Sequences that may run at the same time. */
  readonly slots: number;
  /** Bytes of keys and values that cached prefixes may take; absent: as `engineDefaults` says. */
  readonly keptBytes?: number | undefined;
  /**
   * For one conversation or one batch: slots are allocated when they are needed, a cached prefix is dropped when its slot
   * is, and no row is added for batch invariance ({@link evenCount}).
   */
  readonly offline?: boolean | undefined;
}

/** Positions of a prompt that a prefill computes, in the slot that holds those before them. */
export interface PrefillChunk extends TokenSequence {
  readonly slot: Slot;
  /** The visual tokens [positions, hidden] of its spans. */
  readonly visual: Float32Array;
  /** The keys of the whole prompt. */
  readonly keys: readonly PositionKey[];
  /** `angleLength` of the whole prompt; default 0. */
  readonly angles?: number;
}

/**
 * Manages the slots of one KV cache, whose sequences begin and end at different times. Slots in use are compacted, so that
 * a decode step computes few rows. The slot of an ended sequence is a cached prefix for prompts that begin alike; when
 * another sequence needs the slot, the prefix is evicted into a cache of its own. Cached prefixes are bounded by bytes, and
 * the least recently used go first.
 */
export class KvSlots {
  readonly #model: LoadedModel;
  readonly #maxSlots: number;
  readonly #offline: boolean;
  readonly #maxBytes: number;
  #cache: KvCache;
  #slots: readonly Slot[] = [];
  #evicted: readonly EvictedPrefix[] = [];
  #clock = 0;
  #hits = 0;
  #misses = 0;
  /** Decoders over the first so many slots, for the buffers that the cache has now. */
  #decoders = new Map<number, { readonly window: KvCache; readonly decoder: Decoder }>();
  /** What decoders over so many slots read of pictures beside the text. */
  readonly #pictures = new Map<number, PictureBuffers>();

  constructor(model: LoadedModel, { slots, keptBytes, offline = false }: SlotOptions) {
    this.#model = model;
    this.#offline = offline;
    this.#maxSlots = this.#batchSize(slots);
    const first = offline ? 1 : this.#maxSlots;
    this.#cache = model.newCache(first, model.initialCapacity);
    this.#addSlots(first);
    const full = this.#cache.bytesFor(model.config.language.maxPositions);
    const most = Math.min(engineDefaults.keptConversations * slots * full, engineDefaults.keyValueCacheBytes);
    this.#maxBytes = offline ? Number.POSITIVE_INFINITY : (keptBytes ?? most);
  }

  get statistics(): CacheStatistics {
    const kept = this.#cachedPrefixes();
    const bytes = kept.reduce((sum, prefix) => sum + this.#bytesOf(prefix), 0);
    return { hits: this.#hits, misses: this.#misses, entries: kept.length, bytes };
  }

  /** How many positions of a prompt are cached. */
  cachedPrefixLength(keys: readonly PositionKey[]): number {
    return this.#longestMatch(keys)?.shared ?? 0;
  }

  /** A slot with room for a prompt and so many tokens more, where room costs nothing. Its `keys` are the cached prefix. */
  acquire(keys: readonly PositionKey[], newTokens = 0): Slot {
    const match = this.#longestMatch(keys);
    if (match === undefined) this.#misses++;
    else this.#hits++;
    const { prefix, shared } = match ?? { prefix: undefined, shared: 0 };
    if (prefix !== undefined) prefix.lastUsed = ++this.#clock;
    if (this.#slots.every(({ inUse }) => inUse)) this.#grow();
    const free = this.#slots.filter(({ inUse }) => !inUse);
    // The slot that holds the prefix itself is taken over, unless that would lose more than it saves.
    const same = free.find((slot) => slot === prefix && 2 * shared >= slot.keys.length);
    const slot = same ?? this.#freeSlot(free);
    if (slot !== same) this.#evict(slot);
    // What it holds of the prefix itself stays when the cache grows.
    slot.keys = slot === prefix ? keys.slice(0, shared) : [];
    this.#reserve(Math.max(shared, roomFor(this.#model, this.#batchSize(keys.length), newTokens)));
    if (prefix !== undefined && prefix !== slot) {
      this.#cache.copyFrom(...this.#placeOf(prefix), slot.index, shared);
    }
    slot.keys = keys.slice(0, shared);
    slot.inUse = true;
    return slot;
  }

  /**
   * Adjacent slots for the first of these prompts, as many as have no cached prefix and find such slots: one prefill can
   * compute them. The first prompt gets a slot in any case, also one with a cached prefix.
   */
  acquireTogether(prompts: readonly (readonly PositionKey[])[]): Slot[] {
    const [first, ...others] = prompts;
    const slots = [this.acquire(first)];
    if (slots[0].keys.length > 0) return slots;
    for (const keys of others) {
      if (this.#longestMatch(keys) !== undefined) break;
      const at = slots[0].index + slots.length;
      if (at === this.#slots.length) this.#grow();
      const slot = this.#slots.find(({ index }) => index === at);
      if (slot === undefined || slot.inUse) break;
      this.#misses++;
      this.#evict(slot);
      slot.inUse = true;
      slots.push(slot);
    }
    return slots;
  }

  /**
   * Computes a chunk of each of these prompts from position `from` on, and returns the logits [vocabulary] after the last
   * position of each. What a slot holds behind `from` is overwritten. Several chunks must begin at 0, in adjacent slots, and
   * have the same angles.
   * Where batch invariance is kept, a chunk that begins elsewhere must have an even number of positions.
   */
  async prefill(chunks: readonly PrefillChunk[], from: number): Promise<Float32Array[]> {
    this.#reserve(from + this.#batchSize(Math.max(...chunks.map(({ ids }) => ids.length))));
    const decoder = this.#newDecoder(this.#cache.window(chunks[0].slot.index, chunks.length));
    const logits = await decoder.prefill(chunks, concatenated(chunks.map(({ visual }) => visual)), from, {
      evenly: !this.#offline,
      angles: chunks[0].angles ?? 0,
    });
    for (const { slot, ids, keys, angles = 0 } of chunks) {
      slot.keys = keys.slice(0, from + ids.length);
      slot.angles = angles;
    }
    return logits;
  }

  /** A decode step: adds a token to each slot; returns the logits [vocabulary] after it, which the next step overwrites. */
  async decode(slots: readonly Slot[], tokens: readonly number[]): Promise<Float32Array[]> {
    this.#compact(slots);
    const count = this.#batchSize(1 + Math.max(...slots.map(({ index }) => index)));
    // Unused slots between them are computed too: what that writes lies behind their cached prefix.
    const last = this.#model.config.language.maxPositions - 1;
    const lengths = this.#slotsByIndex()
      .slice(0, count)
      .map(({ keys }) => Math.min(keys.length, last));
    const all = [...new Set(slots.map(({ angles }) => angles))];
    this.#reserve(all.length + Math.max(...lengths));
    const { window, decoder } = this.#decoderOf(count);
    const fed = new Array<number>(count).fill(0);
    for (const [i, { index }] of slots.entries()) fed[index] = tokens[i];
    const used = new Set(slots.map(({ index }) => index));
    const rows = new Map<Slot, Float32Array>();
    for (const angles of all) {
      // Slots with other angles are computed along: what that writes lies behind the position of their own step.
      const others = new Set(slots.filter((one) => one.angles !== angles).map(({ index }) => index));
      const idle = new Set([...fed.keys()].filter((row) => !used.has(row) || others.has(row)));
      window.setLengths(
        lengths.map((length, row) => (others.has(row) ? Math.min(length + 1, last) : length)),
      );
      const logits = await decoder.decode(fed, angles, idle);
      for (const slot of slots.filter((one) => one.angles === angles)) {
        rows.set(slot, all.length > 1 ? logits[slot.index].slice() : logits[slot.index]);
      }
    }
    for (const [i, slot] of slots.entries()) slot.keys.push(tokens[i]);
    return slots.map((slot) => rows.get(slot)!);
  }

  /**
   * Computes several tokens behind what a slot holds, in one run, and hands the logits [vocabulary] after each to `goesOn`,
   * in order, until it says that the sequence does not go on with the token after that. What was computed of further ones
   * is overwritten by the next run. Where layers are bounded there is none of this: what they dropped would be missing.
   */
  async verify(
    slot: Slot,
    tokens: readonly number[],
    goesOn: (logits: Float32Array, index: number) => boolean,
  ): Promise<void> {
    const from = slot.keys.length;
    this.#reserve(from + tokens.length);
    const decoder = this.#newDecoder(this.#cache.window(slot.index, 1));
    const logits = await decoder.prefill([{ ids: tokens, spans: [] }], new Float32Array(), from, {
      angles: slot.angles,
      everyToken: true,
    });
    for (const [i, token] of tokens.entries()) {
      slot.keys.push(token);
      if (!goesOn(logits[i], i)) return;
    }
  }

  /** A decoder over `count` copies of a slot in a cache of its own, as beam search needs it. */
  repeat(slot: Slot, count: number, exclusively: RunExclusive): Decoder {
    const window = this.#cache.window(slot.index, 1);
    window.setLengths([slot.keys.length]);
    return new Decoder(this.#model, window.repeat(count), { exclusively });
  }

  /** The sequence of a slot has ended: what the slot holds is a cached prefix from now on. */
  release(slot: Slot): void {
    slot.inUse = false;
    slot.lastUsed = ++this.#clock;
    // An unused slot within a decode step needs a position to write to.
    slot.keys = slot.keys.slice(0, this.#model.config.language.maxPositions - 1);
    const others = this.#cachedPrefixes().filter((prefix) => prefix !== slot);
    const longer = others.find(({ keys }) => commonPrefixLength(keys, slot.keys) === slot.keys.length);
    if (longer !== undefined) longer.lastUsed = slot.lastUsed;
    if (longer !== undefined || slot.keys.length < minSharedPrefix) this.#drop(slot);
    for (const prefix of others) {
      if (commonPrefixLength(prefix.keys, slot.keys) === prefix.keys.length) this.#drop(prefix);
    }
    this.#trim();
    if (!this.#slots.some(({ inUse }) => inUse)) this.#freePictures();
  }

  /** Gives back what decoders read of rows' pictures, a copy for every number of rows: the cache keeps the pictures themselves. */
  #freePictures(): void {
    if (this.#pictures.size > 0) this.#decoders.clear();
    this.#pictures.clear();
  }

  /** How many rows (or positions) are computed where so many are wanted. */
  #batchSize(rows: number): number {
    return this.#offline ? rows : evenCount(rows);
  }

  #addSlots(count: number): void {
    const added = Array.from({ length: count }, (_, i) => ({
      index: this.#slots.length + i,
      keys: [],
      angles: 0,
      inUse: false,
      lastUsed: 0,
    }));
    this.#slots = [...this.#slots, ...added];
  }

  /** Doubles the slots, up to their maximum. */
  #grow(): void {
    const count = this.#slots.length;
    const added = Math.min(count, this.#maxSlots - count);
    if (added === 0) return;
    const before = this.#cache;
    const slots = this.#slotsByIndex();
    this.#cache = this.#model.newCache(count + added, Math.max(...slots.map(({ keys }) => keys.length)));
    for (const { index, keys } of slots) {
      if (keys.length > 0) this.#cache.copyFrom(before, index, index, keys.length);
    }
    this.#addSlots(added);
    this.#decoders.clear();
  }

  #slotsByIndex(): Slot[] {
    return this.#slots.toSorted((a, b) => a.index - b.index);
  }

  /** A free slot among the first ones: an empty one, or the least recently used. */
  #freeSlot(free: readonly Slot[]): Slot {
    const reach = this.#batchSize(this.#slots.length - free.length + 1);
    const near = free.filter(({ index }) => index < reach);
    const empty = near.filter(({ keys }) => keys.length === 0);
    if (empty.length > 0) return empty.reduce((a, b) => (a.index < b.index ? a : b));
    return near.reduce((a, b) => (a.lastUsed < b.lastUsed ? a : b));
  }

  /** Moves slots into free ones before them, so that a decode step computes as few rows as there are sequences. */
  #compact(slots: readonly Slot[]): void {
    const reach = this.#batchSize(slots.length);
    for (const slot of slots.filter(({ index }) => index >= reach)) {
      const free = this.#slots.find(({ index, inUse }) => index < reach && !inUse);
      if (free === undefined) return;
      this.#evict(free);
      this.#cache.copyFrom(this.#cache, slot.index, free.index, slot.keys.length);
      this.#cache.setPictures(slot.index, 0, []);
      [slot.index, free.index] = [free.index, slot.index];
    }
  }

  /** Empties a slot that is needed; its cached prefix moves into a cache of its own, or is dropped. */
  #evict(slot: Slot): void {
    const { keys, lastUsed } = slot;
    slot.keys = [];
    if (keys.length === 0 || this.#offline) return;
    const cache = this.#model.newCache(1, keys.length);
    if (cache.bytesFor(cache.capacity) > this.#maxBytes) return;
    cache.copyFrom(this.#cache, slot.index, 0, keys.length);
    this.#evicted = [...this.#evicted, { cache, keys, lastUsed }];
    this.#trim();
  }

  /** The cache and the row that a prefix lies in. */
  #placeOf(prefix: CachedPrefix): [KvCache, number] {
    return "cache" in prefix ? [prefix.cache, 0] : [this.#cache, prefix.index];
  }

  #reserve(positions: number): void {
    if (positions <= this.#cache.capacity) return;
    this.#cache.setLengths(this.#slotsByIndex().map(({ keys }) => keys.length));
    this.#cache.reserve(positions);
    this.#decoders.clear();
  }

  #decoderOf(slots: number): { readonly window: KvCache; readonly decoder: Decoder } {
    const known = this.#decoders.get(slots);
    if (known !== undefined) return known;
    const window = this.#cache.window(0, slots);
    const made = { window, decoder: this.#newDecoder(window) };
    this.#decoders.set(slots, made);
    return made;
  }

  /** A decoder over a window of the cache. */
  #newDecoder(window: KvCache): Decoder {
    const rows = window.lengths.length;
    const pictures = this.#pictures.get(rows) ?? newPictureBuffers(this.#model);
    if (pictures !== undefined) this.#pictures.set(rows, pictures);
    return new Decoder(this.#model, window, { pictures });
  }

  #longestMatch(keys: readonly PositionKey[]): Match | undefined {
    let best: Match | undefined;
    for (const prefix of [...this.#slots, ...this.#evicted]) {
      // At least one position must be computed, for its logits.
      const shared = Math.min(commonPrefixLength(prefix.keys, keys), keys.length - 1);
      const [cache, row] = this.#placeOf(prefix);
      const isLonger = shared >= minSharedPrefix && shared > (best?.shared ?? 0);
      if (isLonger && cache.holds(row, shared)) best = { prefix, shared };
    }
    return best;
  }

  #cachedPrefixes(): CachedPrefix[] {
    return [...this.#slots.filter(({ inUse, keys }) => !inUse && keys.length > 0), ...this.#evicted];
  }

  #bytesOf(prefix: CachedPrefix): number {
    const [cache, row] = this.#placeOf(prefix);
    const positions = "cache" in prefix ? cache.capacity : prefix.keys.length;
    return cache.bytesFor(positions) + cache.pictureBytes(row);
  }

  #drop(prefix: CachedPrefix): void {
    this.#evicted = this.#evicted.filter((copy) => copy !== prefix);
    if ("cache" in prefix) return;
    prefix.keys = [];
    this.#cache.setPictures(prefix.index, 0, []);
  }

  #trim(): void {
    const kept = this.#cachedPrefixes().sort((a, b) => a.lastUsed - b.lastUsed);
    let bytes = kept.reduce((sum, prefix) => sum + this.#bytesOf(prefix), 0);
    for (const prefix of kept) {
      if (bytes <= this.#maxBytes) return;
      bytes -= this.#bytesOf(prefix);
      this.#drop(prefix);
    }
  }
}
