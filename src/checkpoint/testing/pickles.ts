/** A pickle written by hand: operations of protocol 2 as bytes. */
export const pickle = {
  proto: [0x80, 2],
  stop: [0x2e],
  mark: [0x28],
  none: [0x4e],
  emptyDict: [0x7d],
  emptyTuple: [0x29],
  tuple: [0x74],
  reduce: [0x52],
  build: [0x62],
  persistent: [0x51],
  setItem: [0x73],
  setItems: [0x75],
  global: (module: string, name: string): number[] => [0x63, ...ascii(`${module}\n${name}\n`)],
  text: (value: string): number[] => {
    const bytes = [...new TextEncoder().encode(value)];
    return [0x58, ...littleEndian(bytes.length, 4), ...bytes];
  },
  /** A whole number of up to 64 bits, with sign. */
  integer: (value: bigint | number): number[] => [0x8a, 9, ...littleEndian(value, 9)],
};

function ascii(value: string): number[] {
  return [...new TextEncoder().encode(value)];
}

function littleEndian(value: bigint | number, width: number): number[] {
  return Array.from({ length: width }, (_, i) => Number((BigInt(value) >> BigInt(8 * i)) & 0xffn));
}

const tupleOf = (...items: number[][]): number[] => [...pickle.mark, ...items.flat(), ...pickle.tuple];
const integers = (values: readonly (bigint | number)[]): number[] => tupleOf(...values.map(pickle.integer));

/** What a pickle says of a tensor. */
export interface PickledTensor {
  readonly dims: readonly (bigint | number)[];
  readonly strides: readonly (bigint | number)[];
  readonly offset?: bigint | number;
  /** Elements of its storage, as the pickle says. */
  readonly length: bigint | number;
  readonly key?: string;
  readonly storageClass?: string;
}

/** The operations that leave a tensor on the stack. */
export function tensorOperations(tensor: PickledTensor): number[] {
  const { dims, strides, offset = 0, length, key = "0", storageClass = "FloatStorage" } = tensor;
  const storage = tupleOf(
    pickle.text("storage"),
    pickle.global("torch", storageClass),
    pickle.text(key),
    pickle.text("cpu"),
    pickle.integer(length),
  );
  const parameters = tupleOf(
    [...storage, ...pickle.persistent],
    pickle.integer(offset),
    integers(dims),
    integers(strides),
  );
  return [...pickle.global("torch._utils", "_rebuild_tensor_v2"), ...parameters, ...pickle.reduce];
}

/** A whole pickle: a dict of what the operations leave. */
export function dictPickle(items: Readonly<Record<string, number[]>>): Uint8Array {
  const pairs = Object.entries(items).flatMap(([name, value]) => [...pickle.text(name), ...value]);
  return Uint8Array.from([
    ...pickle.proto,
    ...pickle.emptyDict,
    ...pickle.mark,
    ...pairs,
    ...pickle.setItems,
    ...pickle.stop,
  ]);
}

/** An entry as a zip archive's directory describes it; what is absent follows from `data`. */
export interface ArchiveEntry {
  readonly name: string;
  readonly data: Uint8Array;
  readonly method?: number;
  /** Of the local header, in place of the true one. */
  readonly position?: number;
  readonly size?: number;
}

/** A zip archive, with whatever lies its directory is told to tell. */
export function archive(entries: readonly ArchiveEntry[]): Uint8Array {
  const parts: Uint8Array[] = [];
  const directory: number[] = [];
  let at = 0;
  for (const { name, data, method = 0, position = at, size = data.length } of entries) {
    const nameBytes = ascii(name);
    const shared = [
      ...[...littleEndian(0, 2), ...littleEndian(method, 2), ...littleEndian(0, 8)],
      ...[...littleEndian(size, 4), ...littleEndian(size, 4)],
      ...[...littleEndian(nameBytes.length, 2), ...littleEndian(0, 2)],
    ];
    directory.push(
      ...[0x50, 0x4b, 1, 2, ...littleEndian(20, 2), ...littleEndian(20, 2), ...shared],
      ...[...littleEndian(0, 10), ...littleEndian(position, 4), ...nameBytes],
    );
    parts.push(Uint8Array.from([0x50, 0x4b, 3, 4, ...littleEndian(20, 2), ...shared, ...nameBytes]), data);
    at += 30 + nameBytes.length + data.length;
  }
  const end = [
    ...[0x50, 0x4b, 5, 6, 0, 0, 0, 0],
    ...[...littleEndian(entries.length, 2), ...littleEndian(entries.length, 2)],
    ...[...littleEndian(directory.length, 4), ...littleEndian(at, 4), 0, 0],
  ];
  return joined([...parts, Uint8Array.from(directory), Uint8Array.from(end)]);
}

function joined(parts: readonly Uint8Array[]): Uint8Array {
  const bytes = new Uint8Array(parts.reduce((length, part) => length + part.length, 0));
  let at = 0;
  for (const part of parts) {
    bytes.set(part, at);
    at += part.length;
  }
  return bytes;
}

/** A file in memory, as the platform opens one. */
export function fileOf(
  bytes: Uint8Array,
  path = "file.bin",
): {
  readonly path: string;
  readonly size: number;
  read(into: Uint8Array, position: number): Promise<void>;
  close(): Promise<void>;
} {
  return {
    path,
    size: bytes.byteLength,
    read: async (into, position) => {
      if (position < 0 || position + into.byteLength > bytes.byteLength) {
        throw new RangeError(`${path}: read from ${position} to ${position + into.byteLength}`);
      }
      into.set(bytes.subarray(position, position + into.byteLength));
    },
    close: async () => {},
  };
}
