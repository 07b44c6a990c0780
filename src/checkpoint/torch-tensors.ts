import type { OpenFile } from "../platform/index.ts";
import { allocate, elementCount, type HostTensor } from "../tensor/index.ts";
import { readTensor, STORED_TYPES, type StoredType } from "./stored-types.ts";
import { dimsOfRows, type RowRange, type TensorEntry } from "./tensor-source.ts";
import { NumberFormat, TorchStorage, TorchTensor } from "./torch-globals.ts";

/** Where a file keeps a storage. */
export interface StoredBytes {
  readonly position: number;
  readonly size: number;
  /** Why it cannot be read. */
  readonly problem?: string | undefined;
}

/** A tensor of a PyTorch file: elements of a storage at regular distances. */
export interface TorchEntry extends TensorEntry {
  /** Of its first element, in the file. */
  readonly position: number;
  /** Elements from one index to the next, an entry a dimension. */
  readonly strides: readonly number[];
}

/** Deeper than anything that holds tensors by name. */
const MAX_DEPTH = 16;
const MAX_VALUES = 200_000;
/** PyTorch's own limit. */
const MAX_DIMENSIONS = 64;

/**
 * The tensors among a file's values by name: the keys that lead to them, joined by dots. Keys that all tensors
 * share are left out, so that `{"state_dict": {…}, "epoch": 3}` has the names of its state_dict.
 *
 * @returns a text that says what is wrong where the values nest too deep or are too many
 */
export function tensorsByName(value: unknown): [string, TorchTensor][] | string {
  const found: { path: readonly string[]; tensor: TorchTensor }[] = [];
  let visited = 0;
  const visit = (current: unknown, path: readonly string[]): boolean => {
    if (++visited > MAX_VALUES || path.length > MAX_DEPTH) return false;
    if (current instanceof TorchTensor) found.push({ path, tensor: current });
    const items = current instanceof Map || Array.isArray(current) ? current.entries() : [];
    for (const [key, item] of items) if (!visit(item, [...path, String(key)])) return false;
    return true;
  };
  if (!visit(value, [])) {
    return `values nested deeper than ${MAX_DEPTH} levels, or more than ${MAX_VALUES} of them`;
  }
  const shared = sharedLevels(found.map(({ path }) => path));
  return found.map(({ path, tensor }) => [path.slice(shared).join("."), tensor]);
}

/** How many keys all paths begin with, their last ones aside. */
function sharedLevels(paths: readonly (readonly string[])[]): number {
  let level = 0;
  while (
    paths.length > 0 &&
    paths.every((path) => path.length > level + 1 && path[level] === paths[0][level])
  )
    level++;
  return level;
}

/**
 * Checks what a pickle says of a tensor against the storage it looks at.
 *
 * @returns a text that says what is wrong
 */
export function describeTensor(
  name: string,
  tensor: TorchTensor,
  locate: (key: string) => StoredBytes | undefined,
): TorchEntry | string {
  const { storage, offset, dims, strides } = tensor;
  if (!(storage instanceof TorchStorage)) return "no storage";
  const type = typeOf(tensor, storage);
  if (type === undefined) return "no number format";
  if (!isCounts(dims)) return `the shape ${show(dims)}`;
  if (!isCounts(strides) || strides.length !== dims.length) return `the strides ${show(strides)}`;
  if (!isCount(offset)) return `the offset ${show(offset)}`;
  if (!isCount(storage.length)) return `a storage of ${show(storage.length)} elements`;
  if (!isCount(storage.start)) return `a part of a storage from element ${show(storage.start)} on`;
  if (!Number.isSafeInteger(elementCount(dims))) return `${show(dims)}, more elements than can be counted`;
  const stored = locate(storage.key);
  if (!stored) return `storage ${JSON.stringify(storage.key)}, which the file has not`;
  if (stored.problem) return `storage ${JSON.stringify(storage.key)}: ${stored.problem}`;
  const problem = rangeProblem(storage, stored, STORED_TYPES[type], offset + spanOf(dims, strides));
  if (problem) return problem;
  const width = STORED_TYPES[type];
  const position = stored.position + storage.start * widthOf(storage, width) + offset * width;
  return { name, type, dims, strides, position };
}

function typeOf({ format }: TorchTensor, { type }: TorchStorage): StoredType | undefined {
  if (type !== "bytes") return type;
  return format instanceof NumberFormat ? format.type : undefined;
}

function widthOf(storage: TorchStorage, width: number): number {
  return storage.type === "bytes" ? 1 : width;
}

/** Whether the storage's bytes are there, and reach to the tensor's last element. */
function rangeProblem(
  storage: TorchStorage,
  stored: StoredBytes,
  width: number,
  elements: number,
): string | undefined {
  const unit = widthOf(storage, width);
  const [start, length] = [Number(storage.start), Number(storage.length)];
  if ((start + length) * unit > stored.size) {
    return `storage ${JSON.stringify(storage.key)} of ${stored.size} bytes where ${start + length} elements of ${unit} must be (was it cut short?)`;
  }
  if (elements * width > length * unit) {
    return `elements up to ${elements} of a storage that has ${Math.floor((length * unit) / width)}`;
  }
  return undefined;
}

/** How many elements of the storage lie between a view's first and last element, both included. */
function spanOf(dims: readonly number[], strides: readonly number[]): number {
  if (dims.includes(0)) return 0;
  return dims.reduce((span, size, i) => span + (size - 1) * strides[i], 1);
}

function isCount(value: unknown): value is number {
  return Number.isSafeInteger(value) && (value as number) >= 0;
}

function isCounts(value: unknown): value is number[] {
  return Array.isArray(value) && value.length <= MAX_DIMENSIONS && value.every(isCount);
}

function show(value: unknown): string {
  if (Array.isArray(value)) return `[${value.slice(0, 16).map(show).join(", ")}]`;
  return typeof value === "object" && value !== null ? "(no number)" : String(value);
}

/** Reads a tensor or some rows of it, row-major whatever its strides are. */
export async function readTorchTensor(
  file: OpenFile,
  entry: TorchEntry,
  rows?: RowRange,
): Promise<HostTensor> {
  const { type, strides } = entry;
  const dims = rows ? dimsOfRows(entry, rows) : entry.dims;
  const position = entry.position + (rows ? rows[0] * strides[0] * STORED_TYPES[type] : 0);
  if (isRowMajor(dims, strides)) return readTensor(file, position, type, dims);
  const flat = await readTensor(file, position, type, [spanOf(dims, strides)]);
  return gathered(flat, dims, strides);
}

function isRowMajor(dims: readonly number[], strides: readonly number[]): boolean {
  let step = 1;
  for (let axis = dims.length - 1; axis >= 0; axis--) {
    if (dims[axis] !== 1 && strides[axis] !== step) return dims.includes(0);
    step *= dims[axis];
  }
  return true;
}

/** Elements at regular distances, side by side. */
function gathered(flat: HostTensor, dims: readonly number[], strides: readonly number[]): HostTensor {
  const tensor = allocate(flat.dtype, dims);
  // Elements are moved, not computed with, so bigints pass through as well.
  const [from, to] = [flat.data, tensor.data] as [Float32Array, Float32Array];
  const index = dims.map(() => 0);
  let source = 0;
  for (let target = 0; target < to.length; target++) {
    to[target] = from[source];
    for (let axis = dims.length - 1; axis >= 0; axis--) {
      source += strides[axis];
      if (++index[axis] < dims[axis]) break;
      source -= dims[axis] * strides[axis];
      index[axis] = 0;
    }
  }
  return tensor;
}
