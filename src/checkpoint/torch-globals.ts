import type { StoredType } from "./stored-types.ts";
import { Callable, OrderedDict, PickleError } from "./unpickler.ts";

/** A class of storages: the number format of their elements, or `"bytes"` where the tensors say it. */
export class StorageClass {
  readonly type: StoredType | "bytes";

  constructor(type: StoredType | "bytes") {
    this.type = type;
  }
}

/** A number format as a value, such as `torch.float32`. */
export class NumberFormat {
  readonly type: StoredType;

  constructor(type: StoredType) {
    this.type = type;
  }
}

/** A piece of memory that tensors look at. Nothing of it is checked yet. */
export class TorchStorage {
  readonly type: StoredType | "bytes";
  readonly key: string;
  /** Number of elements, as the pickle says. */
  readonly length: unknown;
  /** A legacy storage can be a part of another: from this element on. */
  readonly start: unknown;

  constructor(type: StoredType | "bytes", key: string, length: unknown, start: unknown = 0) {
    this.type = type;
    this.key = key;
    this.length = length;
    this.start = start;
  }
}

/** A tensor as the pickle describes it. Nothing of it is checked yet: its name, for messages, comes later. */
export class TorchTensor {
  readonly storage: unknown;
  readonly offset: unknown;
  readonly dims: unknown;
  readonly strides: unknown;
  /** Where the storage does not say the number format. */
  readonly format: unknown;

  constructor(storage: unknown, offset: unknown, dims: unknown, strides: unknown, format?: unknown) {
    this.storage = storage;
    this.offset = offset;
    this.dims = dims;
    this.strides = strides;
    this.format = format;
  }
}

const STORAGES = {
  Double: "F64",
  Float: "F32",
  Half: "F16",
  BFloat16: "BF16",
  Long: "I64",
  Int: "I32",
  Short: "I16",
  Char: "I8",
  Byte: "U8",
  Bool: "BOOL",
} as const;

const FORMATS = {
  float64: "F64",
  double: "F64",
  float32: "F32",
  float: "F32",
  float16: "F16",
  half: "F16",
  bfloat16: "BF16",
  int64: "I64",
  long: "I64",
  int32: "I32",
  int: "I32",
  int16: "I16",
  short: "I16",
  int8: "I8",
  uint8: "U8",
  bool: "BOOL",
} as const;

const callables: Record<string, Callable["call"]> = {
  // Python 3 makes it empty and sets its items afterwards.
  "collections.OrderedDict": (parameters) => {
    if (parameters.length === 0) return new OrderedDict();
    throw new PickleError("collections.OrderedDict of a list, as Python 2 writes it");
  },
  "torch._utils._rebuild_tensor": ([storage, offset, dims, strides]) =>
    new TorchTensor(storage, offset, dims, strides),
  "torch._utils._rebuild_tensor_v2": ([storage, offset, dims, strides]) =>
    new TorchTensor(storage, offset, dims, strides),
  "torch._utils._rebuild_tensor_v3": ([storage, offset, dims, strides, , , format]) =>
    new TorchTensor(storage, offset, dims, strides, format),
  "torch._utils._rebuild_parameter": ([tensor]) => tensor,
  "torch._utils._rebuild_parameter_with_state": ([tensor]) => tensor,
  // A tensor with attributes of its own: how it is made, and with what.
  "torch._tensor._rebuild_from_type_v2": ([callable, , parameters]) => {
    // Not of itself, or a list that holds itself would never end.
    const rebuilds = callable instanceof Callable && callable.name.startsWith("torch._utils.");
    if (rebuilds && Array.isArray(parameters)) return callable.call(parameters);
    throw new PickleError("torch._tensor._rebuild_from_type_v2 of what rebuilds no tensor");
  },
  "torch.Size": ([dims]) => dims,
  "torch.device": ([device]) => device,
};

/** Every global that a file may name; all others are refused. */
const GLOBALS: ReadonlyMap<string, unknown> = new Map<string, unknown>([
  ...Object.entries(callables).map(([name, call]): [string, unknown] => [name, new Callable(name, call)]),
  ...Object.entries(STORAGES).flatMap(([name, type]): [string, unknown][] => [
    [`torch.${name}Storage`, new StorageClass(type)],
    [`torch.cuda.${name}Storage`, new StorageClass(type)],
  ]),
  ...Object.entries(FORMATS).map(([name, type]): [string, unknown] => [
    `torch.${name}`,
    new NumberFormat(type),
  ]),
  ["torch.UntypedStorage", new StorageClass("bytes")],
  ["torch.storage.UntypedStorage", new StorageClass("bytes")],
  ["torch.Tensor", null],
  ["torch.nn.parameter.Parameter", null],
]);

/** The meaning of a global in a PyTorch file; PickleError with its name where it is not allowed. */
export function torchGlobal(name: string): unknown {
  if (GLOBALS.has(name)) return GLOBALS.get(name);
  throw new PickleError(`the global ${JSON.stringify(name.slice(0, 200))}, which is not allowed`);
}

/** The storage that a persistent id names: `("storage", class, key, location, length)`, in legacy files with a view. */
export function torchStorage(id: unknown): TorchStorage {
  const [kind, storage, key, , length, view] = Array.isArray(id) ? id : [];
  if (kind !== "storage" || !(storage instanceof StorageClass) || typeof key !== "string") {
    const what = typeof kind === "string" ? JSON.stringify(kind.slice(0, 40)) : "something else";
    throw new PickleError(`a persistent id of ${what} where a storage's must be`);
  }
  if (view === undefined || view === null) return new TorchStorage(storage.type, key, length);
  const [, start, viewLength] = Array.isArray(view) ? view : [];
  return new TorchStorage(storage.type, key, viewLength, start);
}
