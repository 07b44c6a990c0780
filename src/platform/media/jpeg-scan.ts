import { EntropyBits, type HuffmanTable, NO_SYMBOL } from "./jpeg-bits.ts";

/** A component of the frame: its share of each minimum coded unit, and its own size in blocks of 8 × 8. */
export interface JpegComponent {
  readonly id: number;
  readonly across: number;
  readonly down: number;
  readonly blocks: number;
  /** Lower bits of each of the 64 coefficients that did not come yet; -1 where nothing of it came. */
  readonly missing: Int8Array;
  /** Which coefficients of which blocks are not zero so far, two words a block: a progressive picture's refinements need it. */
  nonZero?: Uint32Array;
}

/** What a scan says of itself, and which tables were set before it. */
export interface JpegScan {
  readonly components: readonly {
    readonly component: JpegComponent;
    readonly dc: HuffmanTable | undefined;
    readonly ac: HuffmanTable | undefined;
  }[];
  readonly isProgressive: boolean;
  /** The coefficients it brings, first to last. */
  readonly first: number;
  readonly last: number;
  /** Whether it adds a bit to coefficients that came before. */
  readonly isRefinement: boolean;
  /** Minimum coded units, and how many of them lie between two restarts (0: no restarts). */
  readonly units: number;
  readonly restartInterval: number;
}

/** The entropy-coded data cannot be what the frame says. */
export class JpegScanError extends Error {
  override name = "JpegScanError";
}

/** Reads one block's codes; false where they cannot be. */
type BlockReader = (block: number) => boolean;

/**
 * Reads through a scan's entropy-coded data as a decoder does, and keeps nothing (ITU-T T.81, F.2 and G.2).
 *
 * @param at where its first byte stands
 * @returns where the bytes begin that are no more of it
 * @throws JpegScanError where it ends early, holds codes that no table has, or goes on behind its last block
 */
export function walkScan(bytes: Uint8Array, at: number, scan: JpegScan): number {
  const { units, restartInterval } = scan;
  let start = at;
  for (let unit = 0, restart = 0; ; restart++) {
    const bits = new EntropyBits(bytes, start);
    const readers = unitReaders(bits, scan);
    const end = restartInterval === 0 ? units : Math.min(units, unit + restartInterval);
    for (; unit < end; unit++) {
      for (const read of readers) if (!read(unit)) throw new JpegScanError("codes that no table has");
      if (bits.isOverrun) throw new JpegScanError("picture data that end early");
    }
    const from = bits.position;
    const marker = nextMarker(bytes, from);
    if (isMoreData(bits, scan.isProgressive ? [] : readers, bytes.subarray(from, marker))) {
      throw new JpegScanError("picture data that go on behind the last block");
    }
    if (unit === units) return from;
    start = behindRestart(bytes, marker, restart % 8);
  }
}

/** Where the next marker stands, restarts among them; the length where there is none. */
export function nextMarker(bytes: Uint8Array, from: number): number {
  for (let at = from; at + 1 < bytes.length; at++) {
    if (bytes[at] === 0xff && bytes[at + 1] !== 0 && bytes[at + 1] !== 0xff) return at;
  }
  return bytes.length;
}

function behindRestart(bytes: Uint8Array, marker: number, number: number): number {
  if (bytes[marker + 1] === 0xd0 + number) return marker + 2;
  throw new JpegScanError("a restart marker that is missing or out of order");
}

/**
 * Whether bytes between the last block and the next marker are picture data that lost their place: the last byte is not
 * filled up as it is at an end, or they are further blocks to the very last bit. Anything else (fill bytes, what a
 * camera appends) harms nothing.
 */
function isMoreData(bits: EntropyBits, readers: readonly BlockReader[], rest: Uint8Array): boolean {
  if (rest.every((byte) => byte === rest[0])) return false;
  if (!bits.isFilled) return true;
  while (readers.length > 0 && !bits.isOverrun && readers.every((read) => read(0))) {
    if (bits.isAtEnd) return true;
  }
  return false;
}

/** The readers of a unit's blocks, in order. */
function unitReaders(bits: EntropyBits, scan: JpegScan): BlockReader[] {
  const { components, isProgressive, first, isRefinement } = scan;
  const isAlone = components.length === 1;
  return components.flatMap(({ component, dc, ac }) => {
    const count = isAlone ? 1 : component.across * component.down;
    const needs = (table: HuffmanTable | undefined): HuffmanTable => {
      if (table === undefined) throw new JpegScanError("no Huffman table for its data");
      return table;
    };
    let reader: BlockReader;
    if (!isProgressive) reader = sequentialReader(bits, needs(dc), needs(ac));
    else if (first > 0) reader = coefficientReader(bits, component, needs(ac), scan);
    else if (isRefinement) reader = () => bits.take(1) >= 0;
    else reader = (_) => readMagnitude(bits, needs(dc));
    return Array.from({ length: count }, () => reader);
  });
}

/** A code that says how many bits follow. */
function readMagnitude(bits: EntropyBits, table: HuffmanTable): boolean {
  const size = bits.symbol(table);
  return size !== NO_SYMBOL && size <= 15;
}

function sequentialReader(bits: EntropyBits, dc: HuffmanTable, ac: HuffmanTable): BlockReader {
  return () => readMagnitude(bits, dc) && bits.coefficients(ac);
}

/** Coefficients 1 to 63 of a progressive picture, whose blocks may end many at a time. */
function coefficientReader(
  bits: EntropyBits,
  component: JpegComponent,
  ac: HuffmanTable,
  { first, last, isRefinement }: JpegScan,
): BlockReader {
  component.nonZero ??= new Uint32Array(2 * component.blocks);
  const { nonZero } = component;
  let ended = 0;
  const set = (block: number, k: number): void => {
    nonZero[2 * block + (k >>> 5)] |= 1 << (k & 31);
  };
  /** Passes over so many zeros, and over the correction bit of each coefficient that is none. */
  const pass = (block: number, from: number, zeros: number): number => {
    let left = zeros;
    let k = from;
    for (; k <= last; k++) {
      if ((nonZero[2 * block + (k >>> 5)] & (1 << (k & 31))) !== 0) bits.take(1);
      else if (left-- === 0) break;
    }
    return k;
  };
  return (block) => {
    let k = first;
    while (ended === 0 && k <= last) {
      const symbol = bits.symbol(ac);
      if (symbol === NO_SYMBOL) return false;
      const run = symbol >>> 4;
      const size = symbol & 15;
      if (size === 0 && run < 15) {
        ended = 2 ** run + bits.take(run);
        break;
      }
      if (isRefinement && size > 1) return false;
      k = isRefinement ? pass(block, k, run) : k + run;
      if (size > 0 && k > last) return false;
      if (size > 0) set(block, k);
      k++;
    }
    if (ended > 0) {
      if (isRefinement && (nonZero[2 * block] | nonZero[2 * block + 1]) !== 0) pass(block, k, 64);
      ended--;
    }
    return true;
  };
}
