import {
  allocateTensor,
  elementTypeCode,
  elementTypeOf,
  OnnxRuntimeError,
  type OnnxTensor,
} from "./binding.ts";
import { type OrtApi, type Pointer, pointerArray } from "./ort-api.ts";

/** `OrtDeviceAllocator` and `OrtMemTypeDefault` of the C API. */
const deviceAllocator = 0;
const defaultMemory = 0;

interface CachedValue {
  readonly pointer: Pointer;
  readonly data: OnnxTensor["data"];
}

/**
 * ONNX Runtime's values over JavaScript's own memory: no copy, one value a tensor, released after the tensor
 * has been collected. A caller that hands a value to native code keeps its tensor referenced until that is done.
 */
export class OrtValues {
  readonly #api: OrtApi;
  readonly #memory: Pointer;
  readonly #cache = new WeakMap<OnnxTensor, CachedValue>();
  readonly #releaser: FinalizationRegistry<Pointer>;

  constructor(api: OrtApi) {
    this.#api = api;
    this.#memory = api.create("memory information", "CreateCpuMemoryInfo", deviceAllocator, defaultMemory);
    this.#releaser = new FinalizationRegistry((pointer) => {
      api.native.ReleaseValue(pointer);
    });
  }

  /** The value that shares the tensor's memory. */
  of(tensor: OnnxTensor): Pointer {
    const cached = this.#cache.get(tensor);
    if (cached !== undefined && cached.data === tensor.data && isAttached(tensor)) return cached.pointer;
    return this.#create(tensor);
  }

  /** A new tensor with a copy of a value that ONNX Runtime made; the value is released. */
  take(where: string, pointer: Pointer): OnnxTensor {
    const api = this.#api;
    try {
      const info = api.create(where, "GetTensorTypeAndShape", pointer);
      const code = new Int32Array(new ArrayBuffer(4));
      let dims: number[];
      try {
        api.call(where, "GetTensorElementType", info, code);
        dims = readDims(api, where, info);
      } finally {
        api.native.ReleaseTensorTypeAndShapeInfo(info);
      }
      const tensor = allocateTensor(elementTypeOf(code[0], where), dims);
      const address = api.create(where, "GetTensorMutableData", pointer);
      const { buffer, byteOffset, byteLength } = tensor.data;
      if (byteLength > 0) {
        new Uint8Array(buffer, byteOffset, byteLength).set(
          new Uint8Array(api.koffi.view(address, byteLength)),
        );
      }
      return tensor;
    } finally {
      api.native.ReleaseValue(pointer);
    }
  }

  #create(tensor: OnnxTensor): Pointer {
    const { dtype, dims, data } = tensor;
    const where = `tensor ${dtype} [${dims.join(", ")}]`;
    const count = dims.reduce((product, size) => product * size, 1);
    if (data.length !== count) {
      const state =
        data.buffer.byteLength === 0 && count > 0 ? " (its buffer was transferred elsewhere)" : "";
      throw new OnnxRuntimeError(
        `${where}: its data must hold ${count} elements, got ${data.length}${state}`,
      );
    }
    const sizes = new BigInt64Array(new ArrayBuffer(8 * Math.max(1, dims.length)));
    for (const [axis, size] of dims.entries()) sizes[axis] = BigInt(size);
    const pointer = this.#api.create(
      where,
      "CreateTensorWithDataAsOrtValue",
      this.#memory,
      this.#api.address(data),
      data.byteLength,
      sizes,
      dims.length,
      elementTypeCode(dtype),
    );
    this.#cache.set(tensor, { pointer, data });
    this.#releaser.register(tensor, pointer);
    return pointer;
  }
}

/** Whether the tensor's memory is still its own: a transferred buffer leaves an empty array behind. */
export function isAttached(tensor: OnnxTensor): boolean {
  return tensor.data.length > 0 || tensor.dims.includes(0);
}

/** Sizes of an `OrtTensorTypeAndShapeInfo`; -1 where they are symbolic. */
export function readDims(api: OrtApi, where: string, info: Pointer): number[] {
  const count = pointerArray(1);
  api.call(where, "GetDimensionsCount", info, count);
  const rank = Number(count[0]);
  const sizes = new BigInt64Array(new ArrayBuffer(8 * Math.max(1, rank)));
  api.call(where, "GetDimensions", info, sizes, rank);
  return Array.from(sizes.subarray(0, rank), Number);
}
