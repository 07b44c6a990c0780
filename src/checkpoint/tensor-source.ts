import { elementCount, type HostTensor } from "../tensor/index.ts";
import type { StoredType } from "./stored-types.ts";

/** Tensors by the names that published checkpoints give them, as PyTorch's `state_dict`. */
export type StateDict = Map<string, HostTensor>;

/** Name, format, shape and place of a stored tensor, known without reading its numbers. */
export interface TensorEntry {
  readonly name: string;
  /** The number format in the file; {@link TensorSource.read} widens it. */
  readonly type: StoredType;
  readonly dims: readonly number[];
  /** The bytes of its numbers, in formats that store them row-major and contiguous (safetensors). */
  readonly place?: FilePlace;
}

/** A range of bytes of a file. */
export interface FilePlace {
  readonly path: string;
  readonly offset: number;
  readonly bytes: number;
}

/** Indices of a tensor's first dimension: from the first up to, not including, the second. */
export type RowRange = readonly [from: number, to: number];

/**
 * Stored tensors that are read one at a time, so that memory holds only what is asked for: a safetensors file, a
 * PyTorch file, or all files of a checkpoint.
 */
export interface TensorSource {
  /** The file or directory, for messages. */
  readonly path: string;
  readonly tensors: readonly TensorEntry[];
  /**
   * Reads one tensor, row-major. F16, BF16 and F64 become float32 (F64 rounded), I16 int32; F32, I64, I32, I8, U8
   * and BOOL stay.
   *
   * @param rows `[from, to)` of the first dimension, where only a part of a large tensor is wanted
   * @throws RangeError where there is no tensor of this name, or no such rows
   */
  read(name: string, rows?: RowRange): Promise<HostTensor>;
  close(): Promise<void>;
}

/** Reads every tensor of a source, and closes it. */
export async function readAll(source: TensorSource): Promise<StateDict> {
  try {
    const tensors: StateDict = new Map();
    for (const { name } of source.tensors) tensors.set(name, await source.read(name));
    return tensors;
  } finally {
    await source.close();
  }
}

/** What is known of each tensor, by its name. */
export function entriesByName<Entry extends TensorEntry>({
  tensors,
}: {
  tensors: readonly Entry[];
}): Map<string, Entry> {
  return new Map(tensors.map((tensor) => [tensor.name, tensor]));
}

/** The entry of a name; the error names the source. */
export function entryOf<Entry>(entries: ReadonlyMap<string, Entry>, name: string, path: string): Entry {
  const entry = entries.get(name);
  if (entry === undefined) throw new RangeError(`${path}: holds no tensor ${JSON.stringify(name)}`);
  return entry;
}

/** The sizes of some rows of a tensor; the error names it. */
export function dimsOfRows({ name, dims }: TensorEntry, [from, to]: RowRange): number[] {
  if (dims.length > 0 && 0 <= from && from <= to && to <= dims[0]) return [to - from, ...dims.slice(1)];
  throw new RangeError(`${name} [${dims.join(", ")}]: must have the rows ${from} to ${to}`);
}

/** Some rows of a tensor in memory, as a view; all of it where none are named. */
export function rowsOf<Tensor extends HostTensor>(tensor: Tensor, rows: RowRange | undefined): Tensor {
  if (rows === undefined) return tensor;
  const dims = [rows[1] - rows[0], ...tensor.dims.slice(1)];
  const width = elementCount(dims.slice(1));
  return { ...tensor, dims, data: tensor.data.subarray(rows[0] * width, rows[1] * width) };
}
