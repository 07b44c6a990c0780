import { hasWeightDecay } from "../model/index.ts";
import { maxKernelBytes, newKernelMemory } from "../platform/index.ts";
import { elementCount, type HostTensor, type ParameterRole, tensorView } from "../tensor/index.ts";

/** Where one parameter's tensor lies in a flat buffer. */
export interface View {
  readonly name: string;
  readonly dims: readonly number[];
  /** Index of its first element. */
  readonly start: number;
  /** Its place among the trained parameters in the order in which the model declares them. */
  readonly place: number;
}

/** Neighbouring parameters that the optimizer updates with the same hyperparameters. */
export interface ParameterGroup {
  /** First element. */
  readonly start: number;
  /** One past the last element. */
  readonly end: number;
  /** Whether weight decay acts on them. */
  readonly decayed: boolean;
  /** Factor on the schedule's learning rate. */
  readonly learningRateMultiplier: number;
}

/** Where every trained parameter lies: weights, gradients and optimizer state all have this layout. */
export interface Layout {
  /** Elements in all. */
  readonly length: number;
  /** Elements of a segment, which lies in one WebAssembly memory: no tensor and no parameter group crosses its end. */
  readonly segmentLength: number;
  readonly views: ReadonlyMap<string, View>;
  readonly groups: readonly ParameterGroup[];
}

/** What the optimizer needs to know of a trained parameter. */
export interface TrainedTensor {
  readonly name: string;
  readonly dims: readonly number[];
  /** What the model declares it to be, which decides about weight decay. */
  readonly role: ParameterRole;
  readonly learningRateMultiplier: number;
}

// A cache line; tensors that start on one are read with full-width instructions.
const alignment = 16;
const bytesPerFloat = 4;

/**
 * Lays tensors out one after the other, those with the same learning rate and decay beside each other.
 *
 * @param segmentLength elements that can lie in one memory
 * @throws {RangeError} where a tensor is larger than that
 */
export function layOut(tensors: readonly TrainedTensor[], segmentLength: number): Layout {
  const alike = new Map<string, TrainedTensor[]>();
  for (const tensor of tensors) {
    const key = `${tensor.learningRateMultiplier} ${hasWeightDecay(tensor)}`;
    const known = alike.get(key);
    if (known) known.push(tensor);
    else alike.set(key, [tensor]);
  }
  const views = new Map<string, View>();
  const groups: ParameterGroup[] = [];
  const places = new Map(tensors.map(({ name }, place) => [name, place]));
  let next = 0;
  for (const members of alike.values()) {
    const [{ learningRateMultiplier }] = members;
    const settings = { decayed: hasWeightDecay(members[0]), learningRateMultiplier };
    let group = { start: -1, end: -1, ...settings };
    for (const { name, dims } of members) {
      const length = Math.ceil(elementCount(dims) / alignment) * alignment;
      if (length > segmentLength) {
        throw new RangeError(
          `training: ${name} must have at most ${segmentLength} elements to be updated, got ${length}; train a stage that freezes it or a LoRA, on fewer replicas, or with an optimizer that keeps less (lion, sgd)`,
        );
      }
      if (length > segmentLength - (next % segmentLength)) {
        next = Math.ceil(next / segmentLength) * segmentLength;
      }
      if (next !== group.end || next % segmentLength === 0) {
        group = { start: next, end: next, ...settings };
        groups.push(group);
      }
      views.set(name, { name, dims, start: next, place: places.get(name)! });
      next += length;
      group.end = next;
    }
  }
  return { length: next, segmentLength, views, groups };
}

/** Neighbouring elements that a kernel works through in one call. */
export interface Chunk {
  /** Index of the memory in which they lie. */
  readonly memory: number;
  /** First element. */
  readonly start: number;
  readonly bytes: number;
}

// Small enough to divide a model of a few million elements among threads; fixed, so that sums do not depend on their number.
const chunkLength = 1 << 18;

/** A parameter group, chunk by chunk. */
export function chunksOf({ start, end }: ParameterGroup, { segmentLength }: Layout): Chunk[] {
  return Array.from({ length: Math.ceil((end - start) / chunkLength) }, (_, i) => {
    const first = start + i * chunkLength;
    const length = Math.min(chunkLength, end - first);
    return { memory: Math.floor(first / segmentLength), start: first, bytes: length * bytesPerFloat };
  });
}

/** How many memories hold flat buffers of so many bytes together; a tensor that does not fit into the rest of one takes another. */
export function kernelMemories(bytes: number): number {
  return Math.max(1, Math.ceil(bytes / maxKernelBytes));
}

/** Bytes of a memory that are kept free for what other processes send, as many however many there are: layouts are alike. */
export const mostScratchBytes = 32 * 2 ** 20;

/** Elements a segment can have where so many buffers lie side by side in a memory. */
export function segmentLengthFor(buffers: number): number {
  return Math.floor((maxKernelBytes - mostScratchBytes) / bytesPerFloat / buffers / alignment) * alignment;
}

/** One float32 for every element of a layout, in one piece of memory a segment: all tensors of a kind together. */
export interface FlatBuffer {
  /** The tensor of a name: a view, not a copy. */
  tensor(name: string): HostTensor<"float32">;
  /** Every tensor by name, as views. */
  tensors(): Map<string, HostTensor>;
  /** Where an element lies, for kernels: the address counts bytes. */
  addressOf(element: number): number;
  /** The bytes of neighbouring elements: a view, not a copy. */
  bytes(chunk: Chunk): Uint8Array;
}

/** Memory beside the buffers, as much in every memory. */
export interface Scratch {
  /** Its beginning in a memory. */
  addressOf(memory: number): number;
  /** Bytes of it: a view. */
  bytes(memory: number, offset: number, length: number): Uint8Array;
}

/** Flat buffers of one layout, in memory that the kernels' threads share: a segment of all of them lies in one memory. */
export interface FlatBufferSet {
  readonly buffers: readonly FlatBuffer[];
  readonly scratch: Scratch;
  readonly memories: readonly WebAssembly.Memory[];
}

/** Zeroed flat buffers. The system gives memory only to what is written. */
export function allocateFlatBuffers(layout: Layout, count: number, scratchBytes = 0): FlatBufferSet {
  const { length, segmentLength } = layout;
  const sizeOf = (index: number): number => Math.min(segmentLength, length - index * segmentLength);
  const scratchAt = (memory: number): number => sizeOf(memory) * count * bytesPerFloat;
  const memories = Array.from({ length: Math.ceil(length / segmentLength) }, (_, i) =>
    newKernelMemory(scratchAt(i) + scratchBytes),
  );
  const buffers = Array.from({ length: count }, (_, index): FlatBuffer => {
    const addressOf = (element: number): number =>
      (index * sizeOf(Math.floor(element / segmentLength)) + (element % segmentLength)) * bytesPerFloat;
    const tensor = (name: string): HostTensor<"float32"> => {
      const view = layout.views.get(name);
      if (view === undefined) throw new RangeError(`flat buffer: ${name} is not trained`);
      const { buffer } = memories[Math.floor(view.start / segmentLength)];
      return tensorView("float32", view.dims, buffer, addressOf(view.start));
    };
    return {
      tensor,
      tensors: () => new Map([...layout.views.keys()].map((name) => [name, tensor(name)])),
      addressOf,
      bytes: ({ memory, start, bytes }) => new Uint8Array(memories[memory].buffer, addressOf(start), bytes),
    };
  });
  const scratch: Scratch = {
    addressOf: scratchAt,
    bytes: (memory, offset, bytes) =>
      new Uint8Array(memories[memory].buffer, scratchAt(memory) + offset, bytes),
  };
  return { buffers, scratch, memories };
}
