import type { GgmlTypeName } from "../gguf/index.ts";
import { widenedHalf } from "./number-formats.ts";

/** Numbers of a stored block as whole numbers with a scale (and an offset) for each run of them: `scale · q + offset`. */
export interface DecodedBlock {
  readonly q: Int16Array;
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
  /** The whole numbers of the block that begins at a byte. */
  numbers(bytes: Uint8Array, at: number, q: DecodedBlock["q"]): void;
  /** The block's numbers as they are kept, q − middle + 2^(bits − 1), packed; where that is quicker than by way of `numbers`. */
  packed?(bytes: Uint8Array, at: number, into: Uint8Array, to: number): void;
  /** Its scales and offsets. */
  scales(view: DataView, at: number, into: DecodedBlock): void;
}

/** An empty block of the largest size. */
export function newBlock(): DecodedBlock {
  return { q: new Int16Array(256), scales: new Float32Array(16), offsets: new Float32Array(16) };
}

// Layouts and formulas are those of `ggml-common.h` and `ggml-quants.c`.

/** 32 numbers whose four low bits lie in 16 bytes, the first half of them in the lower bits. */
function halves(bytes: Uint8Array, at: number, q: DecodedBlock["q"], shift: number): void {
  for (let i = 0; i < 16; i++) {
    const both = bytes[at + i];
    q[i] = (both & 15) - shift;
    q[i + 16] = (both >> 4) - shift;
  }
}

/** Bytes whose low halves are as many numbers, and whose high halves are those behind them, as pairs of neighbours. */
function pairs(bytes: Uint8Array, at: number, length: 16 | 32, into: Uint8Array, to: number): void {
  const half = length / 2;
  for (let i = 0; i < half; i++) {
    const first = bytes[at + 2 * i];
    const second = bytes[at + 2 * i + 1];
    into[to + i] = (first & 15) | ((second & 15) << 4);
    into[to + half + i] = (first >> 4) | (second & 240);
  }
}

/** As {@link halves}, with a fifth bit of each number from the four bytes in front of them. */
function halvesAndFifth(bytes: Uint8Array, at: number, q: DecodedBlock["q"], shift: number): void {
  halves(bytes, at + 4, q, shift);
  for (let i = 0; i < 32; i++) q[i] += ((bytes[at + (i >> 3)] >> (i & 7)) & 1) << 4;
}

/** The one scale of a block. */
function oneScale(view: DataView, at: number, { scales }: DecodedBlock): void {
  scales[0] = halfAt(view, at);
}

/** The one scale of a block, and what is added. */
function scaleAndOffset(view: DataView, at: number, { scales, offsets }: DecodedBlock): void {
  scales[0] = halfAt(view, at);
  offsets[0] = halfAt(view, at + 2);
}

/** The eight scales and minima of 6 bits in 12 bytes of a Q4_K or Q5_K block; minima are subtracted. */
function scalesOfK(view: DataView, at: number, { scales, offsets }: DecodedBlock): void {
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

export const blockCodes: Readonly<Record<Exclude<GgmlTypeName, "F32" | "F16" | "BF16">, BlockCode>> = {
  Q4_0: {
    run: 32,
    bits: 4,
    offsets: false,
    middle: 0,
    packed: (bytes, at, into, to) => pairs(bytes, at + 2, 16, into, to),
    numbers: (bytes, at, q) => halves(bytes, at + 2, q, 8),
    scales: oneScale,
  },
  Q4_1: {
    run: 32,
    bits: 4,
    offsets: true,
    middle: 8,
    packed: (bytes, at, into, to) => pairs(bytes, at + 4, 16, into, to),
    numbers: (bytes, at, q) => halves(bytes, at + 4, q, 0),
    scales: scaleAndOffset,
  },
  Q5_0: {
    run: 32,
    bits: 8,
    offsets: false,
    middle: 0,
    numbers: (bytes, at, q) => halvesAndFifth(bytes, at + 2, q, 16),
    scales: oneScale,
  },
  Q5_1: {
    run: 32,
    bits: 8,
    offsets: true,
    middle: 16,
    numbers: (bytes, at, q) => halvesAndFifth(bytes, at + 4, q, 0),
    scales: scaleAndOffset,
  },
  Q8_0: {
    run: 32,
    bits: 8,
    offsets: false,
    middle: 0,
    packed(bytes, at, into, to) {
      for (let i = 0; i < 32; i++) into[to + i] = bytes[at + 2 + i] ^ 128;
    },
    numbers(bytes, at, q) {
      for (let i = 0; i < 32; i++) q[i] = (bytes[at + 2 + i] << 24) >> 24;
    },
    scales: oneScale,
  },
  Q4_K: {
    run: 32,
    bits: 4,
    offsets: true,
    middle: 8,
    packed(bytes, at, into, to) {
      for (let i = 0; i < 128; i += 32) pairs(bytes, at + 16 + i, 32, into, to + i);
    },
    numbers(bytes, at, q) {
      for (let i = 0; i < 128; i++) {
        const both = bytes[at + 16 + i];
        const to = 64 * (i >> 5) + (i & 31);
        q[to] = both & 15;
        q[to + 32] = both >> 4;
      }
    },
    scales: scalesOfK,
  },
  Q5_K: {
    run: 32,
    bits: 8,
    offsets: true,
    middle: 16,
    numbers(bytes, at, q) {
      for (let i = 0; i < 128; i++) {
        const pair = i >> 5;
        const both = bytes[at + 48 + i];
        const fifths = bytes[at + 16 + (i & 31)] >> (2 * pair);
        const to = 64 * pair + (i & 31);
        q[to] = (both & 15) | ((fifths & 1) << 4);
        q[to + 32] = (both >> 4) | ((fifths & 2) << 3);
      }
    },
    scales: scalesOfK,
  },
  Q6_K: {
    run: 16,
    bits: 8,
    offsets: false,
    middle: 0,
    numbers(bytes, at, q) {
      for (let half = 0; half < 2; half++) {
        for (let i = 0; i < 32; i++) {
          const one = bytes[at + 64 * half + i];
          const other = bytes[at + 64 * half + 32 + i];
          const high = bytes[at + 128 + 32 * half + i];
          const to = 128 * half + i;
          q[to] = ((one & 15) | ((high & 3) << 4)) - 32;
          q[to + 32] = ((other & 15) | (((high >> 2) & 3) << 4)) - 32;
          q[to + 64] = ((one >> 4) | (((high >> 4) & 3) << 4)) - 32;
          q[to + 96] = ((other >> 4) | ((high >> 6) << 4)) - 32;
        }
      }
    },
    scales(view, at, { scales }) {
      const scale = halfAt(view, at + 208);
      for (let i = 0; i < 16; i++) scales[i] = scale * view.getInt8(at + 192 + i);
    },
  },
};

function halfAt(view: DataView, at: number): number {
  return widenedHalf(view.getUint16(at, true));
}
