import type { OpenFile } from "../platform/index.ts";
import { allocate, type DType, elementCount, type HostTensor, tensorView } from "../tensor/index.ts";
import { widenBfloat16, widenHalf } from "./number-formats.ts";

/** Bytes an element takes in a file, for the number formats that are read; named as safetensors names them. */
export const STORED_TYPES = {
  F64: 8,
  F32: 4,
  F16: 2,
  BF16: 2,
  I64: 8,
  I32: 4,
  I16: 2,
  I8: 1,
  U8: 1,
  BOOL: 1,
} as const;

export type StoredType = keyof typeof STORED_TYPES;

/** What each number format is in memory. */
const HOST_TYPES = {
  F64: "float32",
  F32: "float32",
  F16: "float32",
  BF16: "float32",
  I64: "int64",
  I32: "int32",
  I16: "int32",
  I8: "int8",
  U8: "uint8",
  BOOL: "bool",
} as const satisfies Record<StoredType, DType>;

/** Widened tensors are read in pieces of this many elements, so that the file's form of them is never whole. */
const ELEMENTS_AT_ONCE = 4 * 1024 * 1024;

/** Reads `length` bytes of a file into memory of their own. */
export async function bytesAt(file: OpenFile, position: number, length: number): Promise<Uint8Array> {
  const bytes = new Uint8Array(new ArrayBuffer(length));
  await file.read(bytes, position);
  return bytes;
}

/** A row-major tensor that begins at a position of a file. */
export async function readTensor(
  file: OpenFile,
  position: number,
  type: StoredType,
  dims: readonly number[],
): Promise<HostTensor> {
  const [count, width] = [elementCount(dims), STORED_TYPES[type]];
  if (!isWidened(type)) return tensorFrom(type, dims, await bytesAt(file, position, count * width));
  const tensor = allocate(HOST_TYPES[type], dims);
  const piece = new Uint8Array(Math.min(count, ELEMENTS_AT_ONCE) * width);
  for (let done = 0; done < count; done += ELEMENTS_AT_ONCE) {
    const bytes = piece.subarray(0, Math.min(count - done, ELEMENTS_AT_ONCE) * width);
    await file.read(bytes, position + done * width);
    widen(type, bytes, tensor, done);
  }
  return tensor;
}

/** Bytes as a row-major tensor: shared where type and alignment allow, converted or copied otherwise. */
export function tensorFrom(type: StoredType, dims: readonly number[], bytes: Uint8Array): HostTensor {
  const dtype = HOST_TYPES[type];
  if (!isWidened(type)) {
    const source = aligned(bytes, STORED_TYPES[type]);
    return tensorView(dtype, dims, source.buffer as ArrayBuffer, source.byteOffset);
  }
  const tensor = allocate(dtype, dims);
  widen(type, bytes, tensor, 0);
  return tensor;
}

function isWidened(type: StoredType): boolean {
  return !["F32", "I64", "I32", "I8", "U8", "BOOL"].includes(type);
}

const widenedViews = {
  F64: Float64Array,
  F16: Uint16Array,
  BF16: Uint16Array,
  I16: Int16Array,
} as const;

/** Writes the elements in `bytes` to `into`, from element `at` on. */
function widen(type: StoredType, bytes: Uint8Array, into: HostTensor, at: number): void {
  const count = bytes.byteLength / STORED_TYPES[type];
  const source = aligned(bytes, STORED_TYPES[type]);
  const view = widenedViews[type as keyof typeof widenedViews];
  const values = new view(source.buffer as ArrayBuffer, source.byteOffset, count);
  const target = into.data.subarray(at, at + count);
  if (values instanceof Uint16Array) {
    (type === "F16" ? widenHalf : widenBfloat16)(values, target as Float32Array);
  } else {
    (target as Float32Array | Int32Array).set(values);
  }
}

function aligned(bytes: Uint8Array, alignment: number): Uint8Array {
  // Not slice(): that of Node's Buffer copies nothing.
  return bytes.byteOffset % alignment === 0 ? bytes : new Uint8Array(bytes);
}
