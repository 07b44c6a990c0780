import {
  type KernelCall,
  maxKernelBytes,
  newKernelMemory,
  startThreadPool,
  type ThreadPool,
} from "../platform/index.ts";
import { elementCount, type HostTensor, tensorView } from "../tensor/index.ts";
import type { BlockWeight, HalfWeight, NarrowWeight, NarrowWeights } from "./narrow-weights.ts";
import { widenKernels } from "./widen-kernels.ts";

// A cache line.
const alignment = 64;
const aligned = (bytes: number): number => Math.ceil(bytes / alignment) * alignment;

/** Numbers of a call of a kernel: enough to be worth a call, few enough to be divided among threads. */
const numbersPerCall = 2 ** 18;

/** Narrow weights that one program reads, in the single precision that they are widened to. */
export interface WidenedSet {
  /** Where the program finds them; what lies there is theirs only from `widen` on to that of another set. */
  readonly tensors: ReadonlyMap<string, HostTensor>;
  /** Writes them there. */
  widen(): Promise<void>;
}

/** Room for the narrow weights of one program at a time. */
export interface Widening {
  /** Sets of narrow weights, each by their names; all of them share a piece of memory. */
  setsOf(names: readonly (readonly string[])[]): WidenedSet[];
  dispose(): void;
}

/** The piece of memory that sets share, with the threads whose kernels write it. */
interface Room {
  readonly memory: WebAssembly.Memory;
  readonly bytes: number;
  readonly threads: ThreadPool;
}

/** @param threads how many of them widen */
export function createWidening(weights: NarrowWeights, threads: number): Widening {
  const rooms: Room[] = [];
  let shown: WidenedSet | undefined;
  const roomFor = (bytes: number): Room => {
    const last = rooms.at(-1);
    if (last !== undefined && last.bytes >= bytes) return last;
    requireAddressable(bytes);
    const memory = newKernelMemory(bytes);
    const room = { memory, bytes, threads: startThreadPool(widenKernels, [memory], threads) };
    rooms.push(room);
    return room;
  };
  const setIn = (room: Room, placed: readonly PlacedWeight[]): WidenedSet => {
    const { buffer } = room.memory;
    const set: WidenedSet = {
      tensors: new Map(
        placed.map(({ name, weight, wide }) => [name, tensorView("float32", weight.dims, buffer, wide)]),
      ),
      widen: async () => {
        if (shown === set) return;
        shown = undefined;
        for (const one of placed) copyIn(one, buffer);
        await room.threads.run(placed.flatMap(callsOf));
        shown = set;
      },
    };
    return set;
  };
  return {
    setsOf: (lists) => {
      const sets = lists.map((names) => place(names.map((name) => [name, weights.get(name)!] as const)));
      const room = roomFor(Math.max(1, ...sets.map(({ bytes }) => bytes)));
      return sets.map((placed) => setIn(room, placed.weights));
    },
    dispose: () => {
      for (const { threads } of rooms) threads.dispose();
    },
  };
}

function requireAddressable(bytes: number): void {
  if (bytes <= maxKernelBytes) return;
  const gibibytes = (bytes / 2 ** 30).toFixed(1);
  throw new RangeError(
    `training: the frozen weights that one layer reads must take at most 4 GiB in single precision, got ${gibibytes}; use a base model in float32`,
  );
}

/** A weight with the addresses of its numbers, wide and narrow. */
interface PlacedWeight {
  readonly name: string;
  readonly weight: NarrowWeight;
  readonly wide: number;
  /** Of each of its narrow parts. */
  readonly narrow: readonly number[];
}

function place(weights: readonly (readonly [string, NarrowWeight])[]): {
  weights: PlacedWeight[];
  bytes: number;
} {
  let next = 0;
  const room = (bytes: number): number => {
    const start = next;
    next += aligned(bytes);
    return start;
  };
  const placed = weights.map(([name, weight]): PlacedWeight => {
    const wide = room(4 * elementCount(weight.dims));
    return { name, weight, wide, narrow: partsOf(weight).map((part) => room(part.byteLength)) };
  });
  return { weights: placed, bytes: next };
}

function partsOf(weight: NarrowWeight): readonly Uint8Array[] {
  const parts =
    weight.kind === "blocks"
      ? [weight.blocks.packed, weight.blocks.scales, weight.blocks.zeroPoints]
      : [weight.bits];
  return parts.map(({ buffer, byteOffset, byteLength }) => new Uint8Array(buffer, byteOffset, byteLength));
}

function copyIn({ weight, narrow }: PlacedWeight, buffer: ArrayBufferLike): void {
  const bytes = new Uint8Array(buffer);
  for (const [i, part] of partsOf(weight).entries()) bytes.set(part, narrow[i]);
}

function callsOf({ weight, wide, narrow }: PlacedWeight): KernelCall[] {
  return weight.kind === "blocks" ? blockCalls(weight, wide, narrow) : halfCalls(weight, wide, narrow[0]);
}

/** So many pieces of consecutive numbers, and where each begins. */
function pieces(count: number, atOnce: number): { readonly start: number; readonly length: number }[] {
  return Array.from({ length: Math.ceil(count / atOnce) }, (_, i) => {
    return { start: i * atOnce, length: Math.min(atOnce, count - i * atOnce) };
  });
}

function halfCalls({ kind, dims }: HalfWeight, wide: number, narrow: number): KernelCall[] {
  const kernel = kind === "F16" ? "half" : "bfloat";
  return pieces(elementCount(dims), numbersPerCall).map(({ start, length }) => {
    // What lies behind a weight up to the next cache line is nobody's.
    const bytes = 16 * Math.ceil(length / 4);
    return { memory: 0, kernel, numbers: [narrow + 2 * start, wide + 4 * start, bytes] };
  });
}

function blockCalls(
  { dims: [rows, ...rest], blocks: { bits, blockSize } }: BlockWeight,
  wide: number,
  [packed, scales, zeroPoints]: readonly number[],
): KernelCall[] {
  const width = elementCount(rest);
  const blocks = Math.ceil(width / blockSize);
  const rowBytes = (blocks * blockSize * bits) / 8;
  return pieces(rows, Math.max(1, Math.floor(numbersPerCall / width))).map(({ start, length }) => {
    const addresses = [packed + start * rowBytes, scales + 4 * start * blocks, zeroPoints + start * blocks];
    const numbers = [...addresses, wide + 4 * start * width, length, width, blockSize, bits];
    return { memory: 0, kernel: "blocks", numbers };
  });
}
