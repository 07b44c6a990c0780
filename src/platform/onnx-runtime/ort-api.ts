import { hasLargeStacks, type Koffi, loadKoffi } from "../koffi.ts";
import { OnnxRuntimeError } from "./binding.ts";
import { lowerMallocThreshold } from "./malloc-threshold.ts";
import { disableTelemetry } from "./telemetry.ts";

/** An address in native memory; 0n is C's null. */
export type Pointer = bigint;

/** What crosses the border: addresses, strings, numbers, and arrays that stay where they are. */
export type NativeArgument =
  | Pointer
  | string
  | number
  | Uint8Array
  | BigInt64Array
  | BigUint64Array
  | Int32Array;
export type NativeResult = Pointer | string | number | null;

export interface NativeFunction {
  (...values: NativeArgument[]): NativeResult;
  async(...values: [...NativeArgument[], (error: Error | null, result: NativeResult) => void]): void;
}

interface Declaration {
  /** Place in the function table `OrtApi` of onnxruntime_c_api.h; the table only ever grows at its end. */
  readonly index: number;
  /** `status` is an `OrtStatus*`, null on success. */
  readonly result: "status" | "void" | "str" | "void *";
  readonly parameters: readonly ("void *" | "str" | "int" | "size_t" | "int64_t")[];
}

const status = "status" as const;
const pointer = "void *" as const;

/** The part of ONNX Runtime's C API in use. */
const declarations = {
  GetErrorMessage: { index: 2, result: "str", parameters: [pointer] },
  CreateEnv: { index: 3, result: status, parameters: ["int", "str", pointer] },
  DisableTelemetryEvents: { index: 6, result: status, parameters: [pointer] },
  CreateSessionFromArray: {
    index: 8,
    result: status,
    parameters: [pointer, pointer, "size_t", pointer, pointer],
  },
  Run: {
    index: 9,
    result: status,
    parameters: [pointer, pointer, pointer, pointer, "size_t", pointer, "size_t", pointer],
  },
  CreateSessionOptions: { index: 10, result: status, parameters: [pointer] },
  DisableMemPattern: { index: 17, result: status, parameters: [pointer] },
  DisableCpuMemArena: { index: 19, result: status, parameters: [pointer] },
  SetSessionLogSeverityLevel: { index: 22, result: status, parameters: [pointer, "int"] },
  SetSessionGraphOptimizationLevel: { index: 23, result: status, parameters: [pointer, "int"] },
  SetIntraOpNumThreads: { index: 24, result: status, parameters: [pointer, "int"] },
  SessionGetInputCount: { index: 30, result: status, parameters: [pointer, pointer] },
  SessionGetOutputCount: { index: 31, result: status, parameters: [pointer, pointer] },
  SessionGetInputTypeInfo: { index: 33, result: status, parameters: [pointer, "size_t", pointer] },
  SessionGetOutputTypeInfo: { index: 34, result: status, parameters: [pointer, "size_t", pointer] },
  SessionGetInputName: { index: 36, result: status, parameters: [pointer, "size_t", pointer, pointer] },
  SessionGetOutputName: { index: 37, result: status, parameters: [pointer, "size_t", pointer, pointer] },
  CreateTensorWithDataAsOrtValue: {
    index: 49,
    result: status,
    parameters: [pointer, pointer, "size_t", pointer, "size_t", "int", pointer],
  },
  GetTensorMutableData: { index: 51, result: status, parameters: [pointer, pointer] },
  CastTypeInfoToTensorInfo: { index: 55, result: status, parameters: [pointer, pointer] },
  GetTensorElementType: { index: 60, result: status, parameters: [pointer, pointer] },
  GetDimensionsCount: { index: 61, result: status, parameters: [pointer, pointer] },
  GetDimensions: { index: 62, result: status, parameters: [pointer, pointer, "size_t"] },
  GetSymbolicDimensions: { index: 63, result: status, parameters: [pointer, pointer, "size_t"] },
  GetTensorTypeAndShape: { index: 65, result: status, parameters: [pointer, pointer] },
  CreateCpuMemoryInfo: { index: 69, result: status, parameters: ["int", "int", pointer] },
  AllocatorFree: { index: 76, result: status, parameters: [pointer, pointer] },
  GetAllocatorWithDefaultOptions: { index: 78, result: status, parameters: [pointer] },
  ReleaseStatus: { index: 93, result: "void", parameters: [pointer] },
  ReleaseSession: { index: 95, result: "void", parameters: [pointer] },
  ReleaseValue: { index: 96, result: "void", parameters: [pointer] },
  ReleaseTypeInfo: { index: 98, result: "void", parameters: [pointer] },
  ReleaseTensorTypeAndShapeInfo: { index: 99, result: "void", parameters: [pointer] },
  ReleaseSessionOptions: { index: 100, result: "void", parameters: [pointer] },
  AddFreeDimensionOverrideByName: { index: 124, result: status, parameters: [pointer, "str", "int64_t"] },
  AddSessionConfigEntry: { index: 130, result: status, parameters: [pointer, "str", "str"] },
  SessionOptionsAppendExecutionProvider_CUDA_V2: {
    index: 204,
    result: status,
    parameters: [pointer, pointer],
  },
  CreateCUDAProviderOptions: { index: 205, result: status, parameters: [pointer] },
  UpdateCUDAProviderOptions: {
    index: 206,
    result: status,
    parameters: [pointer, pointer, pointer, "size_t"],
  },
  ReleaseCUDAProviderOptions: { index: 208, result: "void", parameters: [pointer] },
  AddExternalInitializers: {
    index: 210,
    result: status,
    parameters: [pointer, pointer, pointer, "size_t"],
  },
  SessionOptionsAppendExecutionProvider: {
    index: 216,
    result: status,
    parameters: [pointer, "str", pointer, pointer, "size_t"],
  },
} as const satisfies Record<string, Declaration>;

type FunctionName = keyof typeof declarations;

/** Version of the function table to ask for; every function above is in it. */
const apiVersion = 17;

/** ONNX Runtime's function table. It lives as long as the process: code of an unloaded library cannot run. */
export class OrtApi {
  readonly koffi: Koffi;
  readonly version: string;
  /** The functions as they are; a status they return is for `check`. */
  readonly native: Readonly<Record<FunctionName, NativeFunction>>;

  readonly #inUse = new Set<object>();

  constructor(koffi: Koffi, libraryPath: string) {
    this.koffi = koffi;
    const library = koffi.load(libraryPath);
    keepForever.push(library);
    const base: Pointer = library.func("OrtGetApiBase", "void *", [])();
    const [getApi, getVersion]: Pointer[] = koffi.decode(base, koffi.array("void *", 2));
    this.version = koffi.call(getVersion, koffi.proto("str", []));
    const table: Pointer | null = koffi.call(getApi, koffi.proto("void *", ["uint32_t"]), apiVersion);
    if (table === null) {
      throw new OnnxRuntimeError(
        `${libraryPath}: must offer version ${apiVersion} of the C API, got ONNX Runtime ${this.version}`,
      );
    }
    const functions = Object.entries<Declaration>(declarations).map(
      ([name, { index, result, parameters }]) => {
        const address: Pointer = koffi.decode(table, index * 8, "void *");
        const type = koffi.proto(result === "status" ? "void *" : result, [...parameters]);
        return [name, koffi.decode(address, type)];
      },
    );
    this.native = Object.fromEntries(functions);
  }

  /** Calls a function that returns a status, and throws what the status says. `where` begins the error. */
  call(where: string, name: FunctionName, ...values: NativeArgument[]): void {
    this.check(where, this.native[name](...values));
  }

  /**
   * The same on another thread: the event loop stays free. Native code reads and writes the memory behind
   * `values` meanwhile, so whatever holds that memory is given as `kept` and referenced until the end.
   */
  async callAsync(
    where: string,
    name: FunctionName,
    kept: object,
    ...values: NativeArgument[]
  ): Promise<void> {
    const hold = [kept];
    this.#inUse.add(hold);
    try {
      const status = await new Promise<NativeResult>((resolve, reject) => {
        this.native[name].async(...values, (error, result) => {
          if (error === null) resolve(result);
          else reject(error);
        });
      });
      this.check(where, status);
    } finally {
      this.#inUse.delete(hold);
    }
  }

  /** Calls a function whose last argument is where it stores one pointer-sized result, and returns that. */
  create(where: string, name: FunctionName, ...values: NativeArgument[]): Pointer {
    const slot = pointerArray(1);
    this.call(where, name, ...values, slot);
    return slot[0];
  }

  /** Throws the error of a status and releases it; a null status is success. */
  check(where: string, status: NativeResult): void {
    if (typeof status !== "bigint" || status === 0n) return;
    const message = this.native.GetErrorMessage(status);
    this.native.ReleaseStatus(status);
    throw new OnnxRuntimeError(`${where}: ${message}`);
  }

  /** Where an array's elements lie. Only for memory that stays put and is kept referenced meanwhile. */
  address(array: NodeJS.TypedArray): Pointer {
    // Reading `buffer` moves a small array off the garbage-collected heap, where it could be moved later.
    if (array.buffer.byteLength === 0) return 0n;
    return this.koffi.address(array);
  }

  /** A C string at an address. */
  text(address: Pointer): string {
    return this.koffi.decode.string(address);
  }
}

const keepForever: unknown[] = [];

/** Room for native code to read or write this many addresses. */
export function pointerArray(length: number): BigUint64Array {
  return new BigUint64Array(new ArrayBuffer(8 * Math.max(1, length)));
}

/** An array of C strings: the address of each, and behind the addresses, in the same buffer, their bytes. */
export function nameArray(api: OrtApi, names: readonly string[]): BigUint64Array {
  const encoded = names.map((name) => new TextEncoder().encode(`${name}\0`));
  const total = encoded.reduce((sum, part) => sum + part.length, 0);
  const buffer = new ArrayBuffer(8 * names.length + Math.max(1, total));
  const pointers = new BigUint64Array(buffer, 0, names.length);
  const bytes = new Uint8Array(buffer);
  const start = api.address(bytes);
  let offset = 8 * names.length;
  for (const [index, part] of encoded.entries()) {
    bytes.set(part, offset);
    pointers[index] = start + BigInt(offset);
    offset += part.length;
  }
  return pointers;
}

const apis = new Map<string, OrtApi>();

/** The function table of a library file, loaded once. Throws where koffi or the library cannot be loaded. */
export async function loadOrtApi(libraryPath: string): Promise<OrtApi> {
  const koffi = await loadKoffi();
  let api = apis.get(libraryPath);
  if (api === undefined) {
    requireLargeStacks(koffi);
    disableTelemetry(koffi);
    lowerMallocThreshold(koffi);
    api = new OrtApi(koffi, libraryPath);
    apis.set(libraryPath, api);
  }
  return api;
}

function requireLargeStacks(koffi: Koffi): void {
  if (hasLargeStacks(koffi)) return;
  throw new OnnxRuntimeError(
    "koffi's stacks must be enlarged before its first library is loaded; open the device before other code loads one",
  );
}
