import { inputIds, mediaPositions, type TokenSequence, visualPositions } from "../model/index.ts";
import type { BoundRun } from "../runtime/index.ts";
import { float32, type HostTensor, int32, int64 } from "../tensor/index.ts";
import type { KvCache } from "./kv-cache.ts";
import type { LoadedModel } from "./loaded-model.ts";

/** Runs something while nobody else uses the device. */
export type RunExclusive = <T>(run: () => Promise<T>) => Promise<T>;

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

  /** @param exclusively how decode steps are run; absent: at once */
  constructor(model: LoadedModel, cache: KvCache, exclusively: RunExclusive = (run) => run()) {
    this.#model = model;
    this.#cache = cache;
    this.#exclusively = exclusively;
  }

  /**
   * Computes new tokens behind the first `reused` positions, which are the same number for all rows (several rows only
   * from position 0). Returns the logits [vocabulary] after each row's last token.
   *
   * @param visual the visual tokens [positions, hidden] of all spans, in reading order
   * @param evenly keeps batch invariance, see {@link evenCount}; behind other positions the caller gives an even number
   */
  async prefill(
    fresh: readonly TokenSequence[],
    visual: Float32Array,
    reused: number,
    evenly = false,
  ): Promise<Float32Array[]> {
    const { padId, hidden, maxPositions } = this.#model.config.language;
    const longest = Math.max(...fresh.map(({ ids }) => ids.length));
    const width = evenly && reused === 0 ? Math.min(evenCount(longest), maxPositions) : longest;
    const positions = mediaPositions(fresh);
    this.#cache.reserve(reused + width);
    const { program, parameters } = await this.#model.prefillProgram(positions.length > 0);
    const lengths = fresh.map(({ ids }) => reused + ids.length);
    const caches = namedCaches(this.#cache);
    const { logits } = await program.run(
      {
        ...parameters,
        ...caches.past,
        input_ids: inputIds(
          fresh.map(({ ids }) => ids),
          width,
          Math.max(0, padId),
        ),
        logit_positions: int64(
          fresh.flatMap(({ ids }, row) => [row, ids.length - 1]),
          [fresh.length, 2],
        ),
        last_position: int32(
          lengths.map((length) => length - 1),
          [lengths.length],
        ),
        total_length: int32([reused + width], [1]),
        ...(program.hasInput("visual") && {
          visual: float32(visual, [positions.length, hidden]),
          visual_positions: visualPositions(positions),
        }),
      },
      caches.present,
    );
    this.#cache.setLengths(lengths);
    return rowsOf(logits);
  }

  /** A decode step: adds one token to every row; returns the logits [vocabulary] after it, which the next step overwrites. */
  async decode(tokens: readonly number[]): Promise<Float32Array[]> {
    const lengths = this.#cache.lengths.map((length) => length + 1);
    const longest = Math.max(...lengths);
    this.#cache.reserve(longest);
    if (this.#bound?.buffers !== this.#cache.buffers) this.#bound = await this.#bind();
    const bound = this.#bound;
    for (const [row, token] of tokens.entries()) {
      bound.ids.data[row] = BigInt(token);
      bound.lastPosition.data[row] = lengths[row] - 1;
    }
    bound.totalLength.data[0] = longest;
    await this.#exclusively(() => bound.program.run());
    this.#cache.setLengths(lengths);
    return rowsOf(bound.logits);
  }

  /** Reorders the rows: row i becomes what row `sources[i]` was. There may be fewer rows than before. */
  reorder(sources: readonly number[]): void {
    this.#cache.reorder(sources);
  }

  async #bind(): Promise<BoundDecode> {
    const { device, config } = this.#model;
    const { program, parameters } = await this.#model.decodeProgram();
    const rows = this.#cache.lengths.length;
    const ids = device.allocate("int64", [rows, 1]);
    const lastPosition = device.allocate("int32", [rows]);
    const totalLength = device.allocate("int32", [1]);
    const { hidden, vocabulary } = config.language;
    const { past, present } = namedCaches(this.#cache);
    // A program that also prefills needs the inputs of a prefill: no visual tokens, and the logits of every row.
    const prefills = program.hasInput("logit_positions");
    const logits = device.allocate("float32", prefills ? [rows, vocabulary] : [rows, 1, vocabulary]);
    const positions = Array.from({ length: rows }, (_, row) => [row, 0]);
    const bound = program.bind(
      {
        ...parameters,
        ...past,
        input_ids: ids,
        last_position: lastPosition,
        total_length: totalLength,
        ...(prefills && { logit_positions: int64(positions.flat(), [rows, 2]) }),
        ...(program.hasInput("visual") && {
          visual: float32([], [0, hidden]),
          visual_positions: int64([], [0, 2]),
        }),
      },
      { ...present, logits },
    );
    return { buffers: this.#cache.buffers, ids, lastPosition, totalLength, logits, program: bound };
  }
}

/** The decode program, bound to the buffers that it reads and writes. */
interface BoundDecode {
  readonly buffers: readonly HostTensor[];
  readonly ids: HostTensor<"int64">;
  readonly lastPosition: HostTensor<"int32">;
  readonly totalLength: HostTensor<"int32">;
  readonly logits: HostTensor<"float32">;
  readonly program: BoundRun;
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
