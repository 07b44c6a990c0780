import { allocate, elementCount, type HostTensor, tensorView } from "../tensor/index.ts";

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
  readonly slots: ReadonlyMap<string, Slot>;
  readonly stretches: readonly Stretch[];
}

/** What the optimizer needs to know of a trained tensor. */
export interface TrainedTensor {
  readonly name: string;
  readonly dims: readonly number[];
  readonly rateFactor: number;
}

// A cache line; tensors that start on one are read with full-width instructions.
const alignment = 16;

const neverDecayed = /(^|\.)(query_tokens|vit_eos|cls_token|position_embedding)$/;

/** Whether weight decay acts on a tensor: on matrices, not on vectors, learned tokens and positions. */
export function isDecayed(name: string, dims: readonly number[]): boolean {
  return dims.length >= 2 && !neverDecayed.test(name);
}

/** Lays tensors out one after the other, those alike in learning rate and decay beside each other. */
export function layOut(tensors: readonly TrainedTensor[]): Layout {
  const groups = new Map<string, TrainedTensor[]>();
  for (const tensor of tensors) {
    const key = `${tensor.rateFactor} ${isDecayed(tensor.name, tensor.dims)}`;
    const group = groups.get(key);
    if (group) group.push(tensor);
    else groups.set(key, [tensor]);
  }
  const slots = new Map<string, Slot>();
  const stretches: Stretch[] = [];
  let next = 0;
  for (const group of groups.values()) {
    const start = next;
    for (const { name, dims } of group) {
      slots.set(name, { name, dims, start: next });
      next += Math.ceil(elementCount(dims) / alignment) * alignment;
    }
    const [{ name, dims, rateFactor }] = group;
    stretches.push({ start, end: next, decayed: isDecayed(name, dims), rateFactor });
  }
  return { length: next, slots, stretches };
}

/** One number for every element of a layout, in one block of memory. */
export interface Arena {
  readonly all: HostTensor<"float32">;
  /** The tensor of a name: a view, not a copy. */
  tensor(name: string): HostTensor<"float32">;
  /** Elements start ≤ index < end as a vector: a view, not a copy. */
  part(start: number, end: number): HostTensor<"float32">;
  /** Every tensor by name, as views. */
  tensors(): Map<string, HostTensor>;
}

/** A zeroed arena. */
export function newArena(layout: Layout): Arena {
  const all = allocate("float32", [layout.length]);
  const buffer = all.data.buffer as ArrayBuffer;
  const view = (dims: readonly number[], start: number): HostTensor<"float32"> =>
    tensorView("float32", dims, buffer, start * 4);
  const tensor = (name: string): HostTensor<"float32"> => {
    const slot = layout.slots.get(name);
    if (slot === undefined) throw new RangeError(`arena: ${name} is not trained`);
    return view(slot.dims, slot.start);
  };
  return {
    all,
    tensor,
    part: (start, end) => view([end - start], start),
    tensors: () => new Map([...layout.slots.keys()].map((name) => [name, tensor(name)])),
  };
}
