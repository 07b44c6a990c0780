import { isDropoutMask } from "../model/index.ts";
import { seedOf } from "../primitives/index.ts";
import { allocate, type HostTensor, staticSizes, type Tensor } from "../tensor/index.ts";

/** What dropout masks are a function of, as a counter-based random generator has it: the same key gives the same masks. */
export interface DropoutKey {
  /** Probability that an element is dropped. */
  readonly rate: number;
  readonly seed: number;
  /** Updates before this one. */
  readonly step: number;
  /** Index of the micro-batch's first row among the rows of the update. */
  readonly firstRow: number;
}

/** Dropout masks of a graph, by the names of its inputs. */
export type DropoutMasks = ReadonlyMap<string, HostTensor<"float32">>;

/** Allocates the masks that a graph has among its inputs. */
export function allocateMasks(inputs: ReadonlyMap<string, Tensor>): DropoutMasks {
  const masks = [...inputs].filter(([name]) => isDropoutMask(name));
  return new Map(masks.map(([name, { shape }]) => [name, allocate("float32", staticSizes(shape, name))]));
}

/**
 * Samples masks in place: each element is 0 with the probability `rate`, otherwise 1 / (1 − rate) (Srivastava et al. 2014,
 * scaled as PyTorch and PEFT scale it). A mask depends on seed, step, layer and row alone: not on what was sampled before nor,
 * where it has whole rows [rows, tokens, width], on how an update is cut into micro-batches or how far its rows are padded.
 */
export function sampleMasks(masks: DropoutMasks, { rate, seed, step, firstRow }: DropoutKey): void {
  for (const [name, { dims, data }] of masks) {
    data.fill(1 / (1 - rate));
    // The mask of a layer that is computed for the labels alone, [labels, width], does not tell rows apart.
    const rows = dims.length === 3 ? dims[0] : 1;
    const length = data.length / rows;
    for (let row = 0; row < rows; row++) {
      const key = seedOf(name, seed, step, firstRow + row);
      drop(data.subarray(row * length, (row + 1) * length), rate, key);
    }
  }
}

/** Zeroes elements with the probability `rate`. The distance between two of them is geometric, so that only these are sampled. */
function drop(values: Float32Array, rate: number, key: number): void {
  const logOfKept = Math.log(1 - rate);
  let counter = 0;
  const keptInARow = (): number => Math.floor(Math.log((hash(counter++, key) + 0.5) / 2 ** 32) / logOfKept);
  for (let i = keptInARow(); i < values.length; i += 1 + keptInARow()) values[i] = 0;
}

/** MurmurHash3 (Appleby 2011) of one 32-bit word: different keys give streams that share no runs. */
function hash(word: number, key: number): number {
  let mixed = Math.imul(word, 0xcc9e2d51);
  mixed = key ^ Math.imul((mixed << 15) | (mixed >>> 17), 0x1b873593);
  // 5 and the constant end the word, 4 is its length in bytes.
  mixed = (Math.imul((mixed << 13) | (mixed >>> 19), 5) + 0xe6546b64) ^ 4;
  mixed = Math.imul(mixed ^ (mixed >>> 16), 0x85ebca6b);
  mixed = Math.imul(mixed ^ (mixed >>> 13), 0xc2b2ae35);
  return (mixed ^ (mixed >>> 16)) >>> 0;
}
