import { hasWeightDecay } from "../model/index.ts";
import { mostKernelBytes, newKernelMemory } from "../platform/index.ts";
import { elementCount, type HostTensor, type ParameterRole, tensorView } from "../tensor/index.ts";

/** One tensor's place in an arena. */
export interface Slot {
  readonly name: string;
  readonly dims: readonly number[];
  /** First element. */
  readonly start: number;
}

/** Neighbouring tensors that the optimizer treats alike. */
export interface Stretch {
  /** First element. */
  readonly start: number;
  /** One past the last element. */
  readonly end: number;
  readonly decayed: boolean;
  /** Factor on the schedule's learning rate. */
  readonly rateFactor: number;
}

/** Where every trained tensor lies: weights, gradients and moments all have this layout. */
export interface Layout {
  /** Elements in all. */
  readonly length: number;
  /** Elements of a segment: neither a tensor nor a stretch lies in two. */
  readonly segment: number;
  readonly slots: ReadonlyMap<string, Slot>;
  readonly stretches: readonly Stretch[];
}

/** What the optimizer needs to know of a trained tensor. */
export interface TrainedTensor {
  readonly name: string;
  readonly dims: readonly number[];
  readonly role: ParameterRole;
  readonly rateFactor: number;
}

// A cache line; tensors that start on one are read with full-width instructions.
const alignment = 16;
const bytesPerFloat = 4;

/**
 * Lays tensors out one after the other, those alike in learning rate and decay beside each other.
 *
 * @param segment elements that can lie in one memory
 * @throws {RangeError} where a tensor is larger than that
 */
export function layOut(tensors: readonly TrainedTensor[], segment: number): Layout {
  const groups = new Map<string, TrainedTensor[]>();
  for (const tensor of tensors) {
    const key = `${tensor.rateFactor} ${hasWeightDecay(tensor)}`;
    const group = groups.get(key);
    if (group) group.push(tensor);
    else groups.set(key, [tensor]);
  }
  const slots = new Map<string, Slot>();
  const stretches: Stretch[] = [];
  let next = 0;
  for (const group of groups.values()) {
    const alike = { decayed: hasWeightDecay(group[0]), rateFactor: group[0].rateFactor };
    let stretch = { start: -1, end: -1, ...alike };
    for (const { name, dims } of group) {
      const length = Math.ceil(elementCount(dims) / alignment) * alignment;
      if (length > segment) {
        throw new RangeError(
          `training: ${name} must have at most ${segment} elements, got ${length}; freeze it, or train on fewer lanes`,
        );
      }
      if (length > segment - (next % segment)) next = Math.ceil(next / segment) * segment;
      if (next !== stretch.end || next % segment === 0) {
        stretch = { start: next, end: next, ...alike };
        stretches.push(stretch);
      }
      slots.set(name, { name, dims, start: next });
      next += length;
      stretch.end = next;
    }
  }
  return { length: next, segment, slots, stretches };
}

/** Neighbouring elements that a kernel works through in one call. */
export interface Part {
  /** Index of the memory in which they lie. */
  readonly memory: number;
  /** First element. */
  readonly start: number;
  readonly bytes: number;
}

// Small enough to share a model of a few million elements among threads; fixed, so that sums never hang on their number.
const partLength = 1 << 18;

/** A stretch, part by part. */
export function partsOf({ start, end }: Stretch, { segment }: Layout): Part[] {
  return Array.from({ length: Math.ceil((end - start) / partLength) }, (_, i) => {
    const first = start + i * partLength;
    const length = Math.min(partLength, end - first);
    return { memory: Math.floor(first / segment), start: first, bytes: length * bytesPerFloat };
  });
}

/** Elements a segment can have where so many arenas lie side by side in a memory. */
export function segmentFor(arenas: number): number {
  return Math.floor(mostKernelBytes / bytesPerFloat / arenas / alignment) * alignment;
}

/** One number for every element of a layout. */
export interface Arena {
  /** The tensor of a name: a view, not a copy. */
  tensor(name: string): HostTensor<"float32">;
  /** Every tensor by name, as views. */
  tensors(): Map<string, HostTensor>;
  /** Where an element lies, for kernels: the address counts bytes. */
  addressOf(element: number): number;
}

/** Arenas of one layout, in memory that kernels' threads share: a segment of all of them lies in one memory. */
export interface ArenaSet {
  readonly arenas: readonly Arena[];
  readonly memories: readonly WebAssembly.Memory[];
}

/** Zeroed arenas. What nobody writes to takes no room. */
export function newArenas(layout: Layout, count: number): ArenaSet {
  const { length, segment } = layout;
  const sizeOf = (index: number): number => Math.min(segment, length - index * segment);
  const memories = Array.from({ length: Math.ceil(length / segment) }, (_, i) =>
    newKernelMemory(sizeOf(i) * count * bytesPerFloat),
  );
  const arenas = Array.from({ length: count }, (_, place): Arena => {
    const addressOf = (element: number): number =>
      (place * sizeOf(Math.floor(element / segment)) + (element % segment)) * bytesPerFloat;
    const tensor = (name: string): HostTensor<"float32"> => {
      const slot = layout.slots.get(name);
      if (slot === undefined) throw new RangeError(`arena: ${name} is not trained`);
      const { buffer } = memories[Math.floor(slot.start / segment)];
      return tensorView("float32", slot.dims, buffer, addressOf(slot.start));
    };
    return {
      tensor,
      tensors: () => new Map([...layout.slots.keys()].map((name) => [name, tensor(name)])),
      addressOf,
    };
  });
  return { arenas, memories };
}
