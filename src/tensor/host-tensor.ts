/** Element types a tensor can have; uint8 holds packed weights, int8 keys and values in few bits. */
export type DType = "float32" | "int64" | "int32" | "int8" | "uint8" | "bool";

/** The typed array that carries each element type; booleans are one byte each. */
export interface HostArrays {
  float32: Float32Array;
  int64: BigInt64Array;
  int32: Int32Array;
  int8: Int8Array;
  uint8: Uint8Array;
  bool: Uint8Array;
}

/** Numbers in JavaScript's memory, row-major, with their type and sizes. */
export interface HostTensor<T extends DType = DType> {
  readonly dtype: T;
  readonly dims: readonly number[];
  readonly data: HostArrays[T];
}

const bytesPerElement: Record<DType, number> = { float32: 4, int64: 8, int32: 4, int8: 1, uint8: 1, bool: 1 };

/** Number of elements of a tensor with these sizes. */
export function elementCount(dims: readonly number[]): number {
  return dims.reduce((count, size) => count * size, 1);
}

/**
 * A zeroed tensor. Its memory is an ArrayBuffer of its own, so its address stays put while native code
 * holds it (small typed arrays made directly can live on the garbage-collected heap).
 */
export function allocate<T extends DType>(dtype: T, dims: readonly number[]): HostTensor<T> {
  const buffer = new ArrayBuffer(Math.max(1, elementCount(dims)) * bytesPerElement[dtype]);
  return { dtype, dims, data: viewOf(dtype, buffer, 0, elementCount(dims)) };
}

/** A tensor over part of a buffer: what is written to one is seen in the other. `offset` counts bytes. */
export function tensorView<T extends DType>(
  dtype: T,
  dims: readonly number[],
  buffer: ArrayBufferLike,
  offset: number,
): HostTensor<T> {
  return { dtype, dims, data: viewOf(dtype, buffer, offset, elementCount(dims)) };
}

function viewOf<T extends DType>(
  dtype: T,
  buffer: ArrayBufferLike,
  offset: number,
  length: number,
): HostArrays[T] {
  const constructors: { [K in DType]: new (b: ArrayBufferLike, o: number, n: number) => HostArrays[K] } = {
    float32: Float32Array,
    int64: BigInt64Array,
    int32: Int32Array,
    int8: Int8Array,
    uint8: Uint8Array,
    bool: Uint8Array,
  };
  return new constructors[dtype](buffer, offset, length);
}

/** A float32 tensor with a copy of these values. */
export function float32(values: ArrayLike<number>, dims: readonly number[]): HostTensor<"float32"> {
  const tensor = allocate("float32", dims);
  requireCount("float32", values.length, dims);
  tensor.data.set(values);
  return tensor;
}

/** An int64 tensor with a copy of these whole numbers. */
export function int64(values: ArrayLike<number>, dims: readonly number[]): HostTensor<"int64"> {
  const tensor = allocate("int64", dims);
  requireCount("int64", values.length, dims);
  for (let i = 0; i < values.length; i++) tensor.data[i] = BigInt(values[i]);
  return tensor;
}

/** An int32 tensor with a copy of these whole numbers. */
export function int32(values: ArrayLike<number>, dims: readonly number[]): HostTensor<"int32"> {
  const tensor = allocate("int32", dims);
  requireCount("int32", values.length, dims);
  tensor.data.set(values);
  return tensor;
}

function requireCount(where: string, got: number, dims: readonly number[]): void {
  if (got !== elementCount(dims)) {
    throw new RangeError(
      `${where}: sizes [${dims.join(", ")}] hold ${elementCount(dims)} elements, got ${got}`,
    );
  }
}
