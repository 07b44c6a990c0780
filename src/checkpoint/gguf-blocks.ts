import { type GgmlTypeName, ggmlTypes } from "../gguf/index.ts";
import { ggufBlockKernels } from "./gguf-block-kernels.ts";
import { widenedHalf } from "./number-formats.ts";

/** Number formats of GGUF files that have blocks. */
export type BlockType = Exclude<GgmlTypeName, "F32" | "F16" | "BF16">;

export function isBlockType(type: GgmlTypeName): type is BlockType {
  return type in blockCodes;
}

/** See gguf-blocks.wat. */
type KernelName = "halves16" | "halves32" | "bytes32" | "fives16" | "fives32" | "sixes";
type Kernel = (at: number, blocks: number, size: number, offset: number, to: number) => void;
type Kernels = Readonly<Record<KernelName, Kernel>> & { readonly memory: WebAssembly.Memory };

/** Numbers that a kernel packs at once, which the processor's cache holds, and where it writes them. */
const kernelNumbers = 2 ** 16;
const kernelResults = 2 ** 17;

let instance: Kernels | undefined;

function kernels(): Kernels {
  const bytes = (): Uint8Array<ArrayBuffer> =>
    Uint8Array.from(atob(ggufBlockKernels), (character) => character.charCodeAt(0));
  instance ??= new WebAssembly.Instance(new WebAssembly.Module(bytes())).exports as unknown as Kernels;
  return instance;
}

/** What scales a block's numbers: `scale · q + offset`, a scale (and an offset) for each run of them. */
export interface BlockScales {
  readonly scales: Float32Array;
  readonly offsets: Float32Array;
}

/** How a quantised number format of GGUF files is read. */
export interface BlockCode {
  /** Numbers that share a scale. */
  readonly run: 16 | 32;
  /** Bits that hold every q. */
  readonly bits: 4 | 8;
  /** Whether runs have offsets. */
  readonly offsets: boolean;
  /** The middle of what q can be: 0, or, where q begins at zero (beside offsets), half of its range. */
  readonly middle: 0 | 8 | 16;
  /** The kernel that packs its whole numbers, and where in a block the bytes of these begin. */
  readonly kernel: readonly [name: KernelName, offset: number];
  /** Scales and offsets of the block that begins at a byte. */
  scales(view: DataView, at: number, into: BlockScales): void;
}

/** Room for the scales of the largest block. */
export function newScales(): BlockScales {
  return { scales: new Float32Array(16), offsets: new Float32Array(16) };
}

// Layouts and formulas are those of `ggml-common.h` and `ggml-quants.c`.

/** The one scale of a block. */
function oneScale(view: DataView, at: number, { scales }: BlockScales): void {
  scales[0] = halfAt(view, at);
}

/** The one scale of a block, and what is added. */
function scaleAndOffset(view: DataView, at: number, { scales, offsets }: BlockScales): void {
  scales[0] = halfAt(view, at);
  offsets[0] = halfAt(view, at + 2);
}

/** The eight scales and minima of 6 bits in 12 bytes of a Q4_K or Q5_K block; minima are subtracted. */
function scalesOfK(view: DataView, at: number, { scales, offsets }: BlockScales): void {
  const scale = halfAt(view, at);
  const minimum = halfAt(view, at + 2);
  for (let i = 0; i < 4; i++) {
    const [low, middle, high] = [4, 8, 12].map((part) => view.getUint8(at + part + i));
    scales[i] = scale * (low & 63);
    offsets[i] = -minimum * (middle & 63);
    scales[i + 4] = scale * ((high & 15) | ((low >> 6) << 4));
    offsets[i + 4] = -minimum * ((high >> 4) | ((middle >> 6) << 4));
  }
}

export const blockCodes: Readonly<Record<BlockType, BlockCode>> = {
  Q4_0: {
    run: 32,
    bits: 4,
    offsets: false,
    middle: 0,
    kernel: ["halves16", 2],
    scales: oneScale,
  },
  Q4_1: {
    run: 32,
    bits: 4,
    offsets: true,
    middle: 8,
    kernel: ["halves16", 4],
    scales: scaleAndOffset,
  },
  Q5_0: {
    run: 32,
    bits: 8,
    offsets: false,
    middle: 0,
    kernel: ["fives16", 2],
    scales: oneScale,
  },
  Q5_1: {
    run: 32,
    bits: 8,
    offsets: true,
    middle: 16,
    kernel: ["fives16", 4],
    scales: scaleAndOffset,
  },
  Q8_0: {
    run: 32,
    bits: 8,
    offsets: false,
    middle: 0,
    kernel: ["bytes32", 2],
    scales: oneScale,
  },
  Q4_K: {
    run: 32,
    bits: 4,
    offsets: true,
    middle: 8,
    kernel: ["halves32", 16],
    scales: scalesOfK,
  },
  Q5_K: {
    run: 32,
    bits: 8,
    offsets: true,
    middle: 16,
    kernel: ["fives32", 16],
    scales: scalesOfK,
  },
  Q6_K: {
    run: 16,
    bits: 8,
    offsets: false,
    middle: 0,
    kernel: ["sixes", 0],
    scales(view, at, { scales }) {
      const scale = halfAt(view, at + 208);
      for (let i = 0; i < 16; i++) scales[i] = scale * view.getInt8(at + 192 + i);
    },
  },
};

/**
 * Packs the whole numbers of the blocks in `bytes` as q − middle + 2^(bits − 1): a byte each, or two in a byte, the first one in its
 * lower half.
 */
export function packNumbers(type: BlockType, bytes: Uint8Array, into: Uint8Array): void {
  const { bits, kernel } = blockCodes[type];
  const { numbers, bytes: size } = ggmlTypes[type];
  const { memory, ...run } = kernels();
  const [name, offset] = kernel;
  const count = bytes.length / size;
  const most = kernelNumbers / numbers;
  const packed = (numbers * bits) / 8;
  const work = new Uint8Array(memory.buffer);
  for (let block = 0; block < count; block += most) {
    const some = Math.min(most, count - block);
    work.set(bytes.subarray(block * size, (block + some) * size));
    run[name](0, some, size, offset, kernelResults);
    into.set(work.subarray(kernelResults, kernelResults + some * packed), block * packed);
  }
}

/** The whole numbers q of so many numbers in blocks. */
export function numbersOf(type: BlockType, bytes: Uint8Array, count: number): Int16Array {
  const { bits, middle } = blockCodes[type];
  const packed = new Uint8Array((count * bits) / 8);
  packNumbers(type, bytes, packed);
  const shift = middle - 2 ** (bits - 1);
  const q = new Int16Array(count);
  for (let i = 0; i < count; i++) {
    q[i] = (bits === 8 ? packed[i] : (packed[i >> 1] >> (4 * (i & 1))) & 15) + shift;
  }
  return q;
}

function halfAt(view: DataView, at: number): number {
  return widenedHalf(view.getUint16(at, true));
}
