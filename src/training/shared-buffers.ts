import { allocate, type DType, elementCount, type HostTensor, tensorView } from "../tensor/index.ts";

/** A value that lives from the step that computes it to the last one that reads it, both included. */
export interface Lifetime {
  readonly dtype: DType;
  readonly dims: readonly number[];
  readonly first: number;
  readonly last: number;
}

/** A tensor for each value; values that do not live at the same time share memory where they are equally large. */
export function shareBuffers<Name>(values: ReadonlyMap<Name, Lifetime>): Map<Name, HostTensor> {
  const tensors = new Map<Name, HostTensor>();
  const rooms: { readonly size: string; readonly tensor: HostTensor; free: number }[] = [];
  for (const [name, { dtype, dims, first, last }] of [...values].sort(([, a], [, b]) => a.first - b.first)) {
    const size = `${dtype} ${elementCount(dims)}`;
    let room = rooms.find((one) => one.size === size && one.free <= first);
    if (room === undefined) {
      room = { size, tensor: allocate(dtype, dims), free: 0 };
      rooms.push(room);
    }
    room.free = last + 1;
    tensors.set(name, tensorView(dtype, dims, room.tensor.data.buffer, 0));
  }
  return tensors;
}
