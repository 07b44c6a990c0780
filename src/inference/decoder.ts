import {
  angleFeeds,
  type BatchPosition,
  type ComputedTokens,
  hyperOf,
  inputIds,
  mediaPositions,
  type TokenSequence,
  visualPositions,
} from "../model/index.ts";
import type { BoundRun, Program } from "../runtime/index.ts";
import { float32, type HostTensor, int32, int64 } from "../tensor/index.ts";
import { PictureBuffers, textMask } from "./kept-pictures.ts";
import type { KvCache } from "./kv-cache.ts";
import { type BoundProgram, concatenated, type LoadedModel } from "./loaded-model.ts";
import type { RunExclusive } from "./run-exclusive.ts";

/**
 * How many rows a matrix product is given where its results must not depend on the other rows (batch invariance). The
 * CPU's kernels compute rows in pairs, and an odd last row by another routine, whose sums differ in the last bits.
 */
export function evenCount(rows: number): number {
  return rows + (rows % 2);
}

/** Runs prefills and decode steps over the rows of a KV cache; each row has a length of its own. */
export class Decoder {
  readonly #model: LoadedModel;
  readonly #cache: KvCache;
  readonly #exclusively: RunExclusive;
  #bound: BoundDecode | undefined;
  #tables: AngleTables | undefined;
  readonly #pictures: PictureBuffers | undefined;

  constructor(
    model: LoadedModel,
    cache: KvCache,
    { exclusively = (run) => run(), pictures = newPictureBuffers(model) }: DecoderOptions = {},
  ) {
    this.#model = model;
    this.#cache = cache;
    this.#exclusively = exclusively;
    this.#pictures = pictures;
  }

  /**
   * Computes new tokens behind the first `reused` positions, which are the same number for all rows (several rows only
   * from position 0). Returns the logits [vocabulary] after each row's last token, or after every token, row by row.
   *
   * @param visual the visual tokens [positions, hidden] of all spans, in reading order; of pictures beside the text all tokens of each
   * @param reused how many positions are there already
   */
  async prefill(
    fresh: readonly TokenSequence[],
    visual: Float32Array,
    reused: number,
    settings: PrefillSettings = {},
  ): Promise<Float32Array[]> {
    const takesVisual = this.#pictures === undefined && mediaPositions(fresh).length > 0;
    const bound = await this.#model.prefillProgram(takesVisual);
    const { logits } = await this.#prefill(bound, fresh, visual, reused, settings);
    return rowsOf(logits);
  }

  /**
   * As {@link prefill} of one row, but returns how each layer that looks at pictures beside the text shares out its attention: `attention.N`
   * of `PicturesOverCache`.
   */
  async look(fresh: TokenSequence, visual: Float32Array, reused: number): Promise<HostTensor[]> {
    const outputs = await this.#prefill(await this.#model.shareProgram(), [fresh], visual, reused);
    const layers = hyperOf(this.#model.config)?.layers ?? [];
    return layers.map((layer) => outputs[`attention.${layer}`]);
  }

  async #prefill(
    { program, parameters }: BoundProgram,
    fresh: readonly TokenSequence[],
    visual: Float32Array,
    reused: number,
    { evenly = false, angles = 0, everyToken = false }: PrefillSettings = {},
  ): Promise<Readonly<Record<string, HostTensor>>> {
    const { padId, hidden, maxPositions } = this.#model.config.language;
    const longest = Math.max(...fresh.map(({ ids }) => ids.length));
    const width = evenly && reused === 0 ? Math.min(evenCount(longest), maxPositions) : longest;
    if (this.#pictures !== undefined) await this.#keepPictures(fresh, visual, reused);
    const shown = this.#placed(this.#pictures === undefined ? mediaPositions(fresh) : [], visual);
    const { positions } = shown;
    this.#cache.makeRoom(new Array(fresh.length).fill(reused), width);
    const lengths = fresh.map(({ ids }) => reused + ids.length);
    const caches = namedCaches(this.#cache);
    const feeds = {
      ...parameters,
      ...this.#model.kvScales,
      ...caches.past,
      input_ids: inputIds(
        fresh.map(({ ids }) => ids),
        width,
        Math.max(0, padId),
      ),
      logit_positions: logitPositions(fresh, everyToken),
      ...asked(program, {
        ...this.#placeFeeds(reused, lengths, width),
        ...this.#picturesHeld(),
        ...this.#picturesSeen({ count: width, from: fresh.map(() => reused) }),
      }),
      ...this.#anglesFor(angles),
      ...(program.hasInput("visual") && {
        visual: float32(shown.visual, [positions.length, hidden]),
        visual_positions: visualPositions(positions),
      }),
    };
    const outputs = await this.#exclusively(() => program.run(feeds, caches.present));
    this.#cache.setLengths(lengths);
    return outputs;
  }

  /** Makes keys and values of the pictures of new tokens, once, and lets the cache's rows keep them. */
  async #keepPictures(fresh: readonly TokenSequence[], visual: Float32Array, reused: number): Promise<void> {
    const starts = fresh.map(({ spans }) => spans.map(({ start }) => reused + start));
    const kept = await this.#model.pictureKeys(starts.flat(), visual, this.#exclusively);
    for (const [row, { length }] of starts.entries()) {
      this.#cache.setPictures(row, reused, kept.splice(0, length));
    }
  }

  /** Keys and values of the pictures of all rows but some, as programs read them. */
  #picturesHeld(idle?: ReadonlySet<number>): Readonly<Record<string, HostTensor>> {
    if (this.#pictures === undefined) return nothing;
    return this.#pictures.hold(this.#cache.pictures.map((pictures, row) => (idle?.has(row) ? [] : pictures)));
  }

  /** Which pictures and, where these share a softmax with it, what of the text tokens at these positions see. */
  #picturesSeen(tokens: ComputedTokens): Record<string, HostTensor> {
    if (this.#pictures === undefined) return {};
    const isShared = hyperOf(this.#model.config)?.gate === "none";
    const mask = isShared && { text_mask: textMask(tokens, this.#cache.capacity) };
    return { ...this.#pictures.seen(tokens), ...mask };
  }

  /**
   * Visual tokens and their positions. Where layers have products of visual tokens alone these are given an even number of rows,
   * too: an odd last one is named twice.
   */
  #placed(positions: readonly BatchPosition[], visual: Float32Array): PlacedTokens {
    const { language } = this.#model.config;
    const isOdd = positions.length % 2 === 1 && "modalityAdaptive" in language;
    if (!isOdd) return { positions, visual };
    const last = visual.subarray(visual.length - language.hidden);
    return {
      positions: [...positions, positions[positions.length - 1]],
      visual: concatenated([visual, last]),
    };
  }

  /**
   * A decode step: adds one token to every row; returns the logits [vocabulary] after it, which the next step overwrites.
   *
   * @param angles `angleLength` of the rows' sequences, which must be that of their keys
   * @param idle rows whose logits nobody needs: their pictures are not looked at
   */
  async decode(tokens: readonly number[], angles = 0, idle?: ReadonlySet<number>): Promise<Float32Array[]> {
    const lengths = this.#cache.lengths.map((length) => length + 1);
    const longest = Math.max(...lengths);
    this.#cache.makeRoom(this.#cache.lengths, 1);
    const { starts } = this.#cache;
    const held = this.#picturesHeld(idle);
    const seen = this.#picturesSeen({ count: 1, from: this.#cache.lengths });
    const isBound =
      this.#bound?.buffers === this.#cache.buffers &&
      this.#bound.angles === angles &&
      this.#bound.held === held;
    if (!isBound) this.#bound = await this.#bind(angles, held, seen);
    const bound = this.#bound!;
    for (const [name, tensor] of Object.entries(bound.seen)) {
      if (tensor !== seen[name]) (tensor.data as Float32Array).set(seen[name].data as Float32Array);
    }
    for (const [row, token] of tokens.entries()) {
      bound.ids.data[row] = BigInt(token);
      bound.lastPosition.data[row] = lengths[row] - 1;
      bound.positions.data[row] = BigInt(lengths[row] - 1);
      bound.windowLastPosition.data[row] = lengths[row] - 1 - starts[row];
    }
    bound.totalLength.data[0] = longest;
    bound.windowTotalLength.data[0] = Math.max(...lengths.map((length, row) => length - starts[row]));
    await this.#exclusively(() => bound.program.run());
    this.#cache.setLengths(lengths);
    return rowsOf(bound.logits);
  }

  /** Reorders the rows: row i becomes what row `sources[i]` was. There may be fewer rows than before. */
  reorder(sources: readonly number[]): void {
    this.#cache.reorder(sources);
  }

  /**
   * Where new tokens stand: their positions, and rows' lengths with them; in bounded layers these count from the first
   * position that is kept.
   */
  #placeFeeds(reused: number, lengths: readonly number[], width: number): Record<string, HostTensor> {
    const { starts } = this.#cache;
    const rows = lengths.length;
    const positions = lengths.flatMap(() => Array.from({ length: width }, (_, i) => reused + i));
    const last = (first: (row: number) => number) =>
      int32(
        lengths.map((length, row) => length - 1 - first(row)),
        [rows],
      );
    return {
      positions: int64(positions, [rows, width]),
      last_position: last(() => 0),
      total_length: int32([reused + width], [1]),
      window_last_position: last((row) => starts[row]),
      window_total_length: int32([reused + width - Math.min(...starts)], [1]),
    };
  }

  /** The tables of angles that the programs ask for, as far as the cache reaches. */
  #anglesFor(angles: number): ReturnType<typeof angleFeeds> {
    const { capacity } = this.#cache;
    if (this.#tables?.angles !== angles || this.#tables.capacity !== capacity) {
      const feeds = angleFeeds(this.#model.config.language, angles, capacity);
      this.#tables = { angles, capacity, feeds };
    }
    return this.#tables.feeds;
  }

  async #bind(
    angles: number,
    held: Readonly<Record<string, HostTensor>>,
    seen: Readonly<Record<string, HostTensor>>,
  ): Promise<BoundDecode> {
    const { device, config } = this.#model;
    const { program, parameters } = await this.#model.decodeProgram();
    const rows = this.#cache.lengths.length;
    const ids = device.allocate("int64", [rows, 1]);
    const lastPosition = device.allocate("int32", [rows]);
    const totalLength = device.allocate("int32", [1]);
    const positions = device.allocate("int64", [rows, 1]);
    const windowLastPosition = device.allocate("int32", [rows]);
    const windowTotalLength = device.allocate("int32", [1]);
    const { hidden, vocabulary } = config.language;
    const { past, present } = namedCaches(this.#cache);
    // A program that also prefills needs the inputs of a prefill: no visual tokens, and the logits of every row.
    const prefills = program.hasInput("logit_positions");
    const logits = device.allocate("float32", prefills ? [rows, vocabulary] : [rows, 1, vocabulary]);
    const logitPositions = Array.from({ length: rows }, (_, row) => [row, 0]);
    const bound = program.bind(
      {
        ...parameters,
        ...this.#model.kvScales,
        ...past,
        input_ids: ids,
        ...asked(program, {
          positions,
          last_position: lastPosition,
          total_length: totalLength,
          window_last_position: windowLastPosition,
          window_total_length: windowTotalLength,
          ...held,
          ...seen,
        }),
        ...this.#anglesFor(angles),
        ...(prefills && { logit_positions: int64(logitPositions.flat(), [rows, 2]) }),
        ...(program.hasInput("visual") && {
          visual: float32([], [0, hidden]),
          visual_positions: int64([], [0, 2]),
        }),
      },
      { ...present, logits },
    );
    return {
      buffers: this.#cache.buffers,
      angles,
      held,
      seen,
      ids,
      lastPosition,
      totalLength,
      positions,
      windowLastPosition,
      windowTotalLength,
      logits,
      program: bound,
    };
  }
}

const nothing = {};

/** Visual tokens [positions, hidden] and where they go. */
interface PlacedTokens {
  readonly positions: readonly BatchPosition[];
  readonly visual: Float32Array;
}

/** How a decoder works. */
export interface DecoderOptions {
  /** How programs are run; absent: at once. */
  readonly exclusively?: RunExclusive | undefined;
  /** Of {@link newPictureBuffers}, shared with decoders of as many rows; absent: its own. */
  readonly pictures?: PictureBuffers | undefined;
}

/** What programs read of pictures beside the text; undefined for a model whose pictures stand in it. */
export function newPictureBuffers({ config, device }: LoadedModel): PictureBuffers | undefined {
  if (hyperOf(config) === undefined) return undefined;
  return new PictureBuffers(config, (dims) => device.allocate("float32", dims));
}

/** How a prefill is computed. */
export interface PrefillSettings {
  /** Keeps batch invariance, see {@link evenCount}; behind other positions the caller gives an even number. Default false. */
  readonly evenly?: boolean;
  /** `angleLength` of the whole sequences, of which this may be a part; default 0. */
  readonly angles?: number;
  /** Whether the logits after every token are wanted; default false: after the last ones. */
  readonly everyToken?: boolean;
}

/** The rows and positions whose logits are wanted. */
function logitPositions(fresh: readonly TokenSequence[], everyToken: boolean): HostTensor<"int64"> {
  const places = fresh.flatMap(({ ids }, row) => {
    const last = ids.length - 1;
    return everyToken ? ids.map((_, position) => [row, position]) : [[row, last]];
  });
  return int64(places.flat(), [places.length, 2]);
}

/** The tables of angles for one `angleLength`. */
interface AngleTables {
  readonly angles: number;
  readonly capacity: number;
  readonly feeds: ReturnType<typeof angleFeeds>;
}

/** The decode program, bound to the buffers that it reads and writes. */
interface BoundDecode {
  readonly buffers: readonly HostTensor[];
  readonly angles: number;
  /** Keys and values of pictures beside the text. */
  readonly held: Readonly<Record<string, HostTensor>>;
  /** Which of them, and what of the text, a step's tokens see. */
  readonly seen: Readonly<Record<string, HostTensor>>;
  readonly ids: HostTensor<"int64">;
  readonly lastPosition: HostTensor<"int32">;
  readonly totalLength: HostTensor<"int32">;
  readonly positions: HostTensor<"int64">;
  readonly windowLastPosition: HostTensor<"int32">;
  readonly windowTotalLength: HostTensor<"int32">;
  readonly logits: HostTensor<"float32">;
  readonly program: BoundRun;
}

/** Those of some tensors that a program has as inputs: it depends on which kinds of layers a model has. */
function asked(program: Program, tensors: Record<string, HostTensor>): Record<string, HostTensor> {
  return Object.fromEntries(Object.entries(tensors).filter(([name]) => program.hasInput(name)));
}

/** The cache's buffers under their names as inputs and, the very same, as outputs. */
function namedCaches(cache: KvCache): {
  past: Record<string, HostTensor>;
  present: Record<string, HostTensor>;
} {
  const past: Record<string, HostTensor> = {};
  const present: Record<string, HostTensor> = {};
  for (const [i, buffer] of cache.buffers.entries()) {
    const name = `${i % 2 === 0 ? "key" : "value"}.${Math.floor(i / 2)}`;
    past[`past_${name}`] = buffer;
    present[`present_${name}`] = buffer;
  }
  return { past, present };
}

function rowsOf(logits: HostTensor): Float32Array[] {
  const rows = logits.dims[0];
  const values = logits.data as Float32Array;
  const width = values.length / rows;
  return Array.from({ length: rows }, (_, row) => values.subarray(row * width, (row + 1) * width));
}
