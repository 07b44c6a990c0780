import { type OpenFile, openFile, writeFileAtomically } from "../platform/index.ts";
import { allocate, elementCount, type HostTensor, tensorView } from "../tensor/index.ts";
import { CheckpointError } from "./errors.ts";
import { narrowToBfloat16, narrowToHalf, widenBfloat16, widenHalf } from "./number-formats.ts";
import {
  LONGEST_HEADER,
  parseHeader,
  type SafetensorsHeader,
  STORED_TYPES,
  type StoredTensor,
  type StoredType,
} from "./safetensors-header.ts";

/** Tensors by their published names. */
export type NamedTensors = Map<string, HostTensor>;

/** The number format floating-point tensors are written in. */
export type FloatType = "F32" | "F16" | "BF16";

export interface SafetensorsContent {
  tensors: NamedTensors;
  metadata: Record<string, string>;
}

/** A safetensors file whose tensors are read one at a time, so that memory holds only what is asked for. */
export interface SafetensorsFile {
  readonly path: string;
  readonly tensors: readonly StoredTensor[];
  readonly metadata: Readonly<Record<string, string>>;
  /** Reads one tensor, widened as {@link readSafetensors} says. */
  read(name: string): Promise<HostTensor>;
  close(): Promise<void>;
}

interface ByteSource {
  readonly size: number;
  read(into: Uint8Array, position: number): Promise<void>;
}

const DAMAGED = "The file is damaged or no safetensors file; fetch or write it again.";

function malformed(where: string, problems: readonly string[]): CheckpointError {
  return new CheckpointError(where, "must be a safetensors file", problems, DAMAGED);
}

/**
 * Reads every tensor of a safetensors file.
 *
 * F16, BF16 and F64 are widened (F64: rounded) to float32, I8, I16 and U8 widened to int32; F32, I64, I32 and
 * BOOL stay. From bytes, aligned F32, I64, I32 and BOOL tensors are views and share the bytes' memory.
 *
 * @param source a path, or the file's bytes
 * @throws CheckpointError naming the file and every violation of the format
 */
export async function readSafetensors(source: string | Uint8Array): Promise<NamedTensors> {
  if (typeof source !== "string") return parseSafetensors(source).tensors;
  const file = await openSafetensors(source);
  try {
    const tensors: NamedTensors = new Map();
    for (const { name } of file.tensors) tensors.set(name, await file.read(name));
    return tensors;
  } finally {
    await file.close();
  }
}

/** As {@link readSafetensors}, from bytes, with the metadata; `where` names them in errors. */
export function parseSafetensors(bytes: Uint8Array, where = "safetensors bytes"): SafetensorsContent {
  const start = dataStart(bytes.subarray(0, 8), bytes.byteLength, where);
  const header = checkedHeader(bytes.subarray(8, start), bytes.byteLength - start, where);
  const data = bytes.subarray(start);
  const tensors: NamedTensors = new Map();
  for (const stored of header.tensors) {
    tensors.set(stored.name, tensorFrom(stored, data.subarray(stored.begin, stored.end)));
  }
  return { tensors, metadata: header.metadata };
}

/** Opens a safetensors file and checks its header; the caller closes it. */
export async function openSafetensors(path: string): Promise<SafetensorsFile> {
  const file = await openFile(path);
  try {
    return await openedSafetensors(file);
  } catch (error) {
    await file.close();
    throw error;
  }
}

async function openedSafetensors(file: OpenFile): Promise<SafetensorsFile> {
  const prefix = await bytesAt(file, 0, Math.min(8, file.size));
  const start = dataStart(prefix, file.size, file.path);
  const header = checkedHeader(await bytesAt(file, 8, start - 8), file.size - start, file.path);
  const byName = new Map(header.tensors.map((tensor) => [tensor.name, tensor]));
  return {
    path: file.path,
    tensors: header.tensors,
    metadata: header.metadata,
    read: async (name) => {
      const stored = byName.get(name);
      if (!stored) throw new RangeError(`${file.path}: holds no tensor ${JSON.stringify(name)}`);
      return tensorFrom(stored, await bytesAt(file, start + stored.begin, stored.end - stored.begin));
    },
    close: () => file.close(),
  };
}

async function bytesAt(source: ByteSource, position: number, length: number): Promise<Uint8Array> {
  const bytes = new Uint8Array(new ArrayBuffer(length));
  await source.read(bytes, position);
  return bytes;
}

/** Where the data begins, from the first eight bytes: the header's length as a little-endian u64. */
function dataStart(prefix: Uint8Array, size: number, where: string): number {
  if (size < 8 || prefix.byteLength < 8) {
    throw malformed(where, [size === 0 ? "an empty file" : `${size} bytes only (was it cut short?)`]);
  }
  const length = new DataView(prefix.buffer, prefix.byteOffset, 8).getBigUint64(0, true);
  if (length > LONGEST_HEADER) {
    throw malformed(where, [`a header of ${length} bytes (at most ${LONGEST_HEADER} are allowed)`]);
  }
  if (8 + Number(length) > size) {
    throw malformed(where, [`a header of ${length} bytes in a file of ${size} (was it cut short?)`]);
  }
  return 8 + Number(length);
}

function checkedHeader(bytes: Uint8Array, dataLength: number, where: string): SafetensorsHeader {
  let text: string;
  try {
    text = new TextDecoder("utf-8", { fatal: true }).decode(bytes);
  } catch {
    throw malformed(where, ["a header that is no UTF-8 text"]);
  }
  const { header, problems } = parseHeader(text, dataLength);
  if (problems.length > 0) throw malformed(where, problems);
  return header;
}

/** The bytes as a tensor: shared where type and alignment allow, converted or copied otherwise. */
function tensorFrom(stored: StoredTensor, bytes: Uint8Array): HostTensor {
  const { dims } = stored;
  switch (stored.type) {
    case "F32":
      return sharedOrCopied("float32", 4, dims, bytes);
    case "I64":
      return sharedOrCopied("int64", 8, dims, bytes);
    case "I32":
      return sharedOrCopied("int32", 4, dims, bytes);
    case "BOOL":
      return sharedOrCopied("bool", 1, dims, bytes);
    case "F16":
    case "BF16": {
      const tensor = allocate("float32", dims);
      const source = aligned(bytes, 2);
      const halves = new Uint16Array(source.buffer, source.byteOffset, tensor.data.length);
      (stored.type === "F16" ? widenHalf : widenBfloat16)(halves, tensor.data);
      return tensor;
    }
    case "F64": {
      const tensor = allocate("float32", dims);
      const source = aligned(bytes, 8);
      tensor.data.set(new Float64Array(source.buffer, source.byteOffset, tensor.data.length));
      return tensor;
    }
    case "I8":
    case "I16":
    case "U8":
      return widenedInteger(stored.type, dims, bytes);
  }
}

function sharedOrCopied(
  dtype: "float32" | "int64" | "int32" | "bool",
  alignment: number,
  dims: readonly number[],
  bytes: Uint8Array,
): HostTensor {
  const source = aligned(bytes, alignment);
  return tensorView(dtype, dims, source.buffer as ArrayBuffer, source.byteOffset);
}

function widenedInteger(type: "I8" | "I16" | "U8", dims: readonly number[], bytes: Uint8Array): HostTensor {
  const tensor = allocate("int32", dims);
  const source = aligned(bytes, STORED_TYPES[type]);
  const view = (Constructor: typeof Int8Array | typeof Int16Array | typeof Uint8Array) =>
    new Constructor(source.buffer as ArrayBuffer, source.byteOffset, tensor.data.length);
  tensor.data.set(view({ I8: Int8Array, I16: Int16Array, U8: Uint8Array }[type]));
  return tensor;
}

function aligned(bytes: Uint8Array, alignment: number): Uint8Array {
  return bytes.byteOffset % alignment === 0 ? bytes : bytes.slice();
}

export interface WriteOptions {
  /** The format of float32 tensors in the file (default F32). */
  floatType?: FloatType;
  metadata?: Record<string, string>;
}

/**
 * A safetensors file as a sequence of byte pieces, so that a large one is never in memory twice.
 *
 * @throws CheckpointError where a value does not fit `floatType` (F16 ends at 65,504), naming the tensors
 */
export function* safetensorsPieces(tensors: NamedTensors, options: WriteOptions = {}): Iterable<Uint8Array> {
  const { floatType = "F32", metadata } = options;
  const ordered = layoutOrder(tensors, floatType);
  yield headerBytes(ordered, floatType, metadata);
  for (const [name, tensor] of ordered) yield dataBytes(name, tensor, floatType);
}

/** A safetensors file as bytes. */
export function safetensorsBytes(tensors: NamedTensors, options: WriteOptions = {}): Uint8Array {
  const pieces = [...safetensorsPieces(tensors, options)];
  const bytes = new Uint8Array(pieces.reduce((sum, piece) => sum + piece.byteLength, 0));
  let position = 0;
  for (const piece of pieces) {
    bytes.set(piece, position);
    position += piece.byteLength;
  }
  return bytes;
}

/** Writes a safetensors file atomically. */
export async function writeSafetensors(
  path: string,
  tensors: NamedTensors,
  options: WriteOptions = {},
): Promise<void> {
  try {
    await writeFileAtomically(path, safetensorsPieces(tensors, options));
  } catch (error) {
    throw error instanceof CheckpointError
      ? new CheckpointError(path, MUST_FIT, error.problems, USE_F32)
      : error;
  }
}

const MUST_FIT = "values must fit the number format";
const USE_F32 = "Write it as BF16 or F32.";

/** Bytes a tensor takes in a file. */
export function storedBytes(tensor: HostTensor, floatType: FloatType): number {
  return elementCount(tensor.dims) * STORED_TYPES[storedType(tensor, floatType)];
}

function storedType(tensor: HostTensor, floatType: FloatType): StoredType {
  const types = { float32: floatType, int64: "I64", int32: "I32", bool: "BOOL" } as const;
  return types[tensor.dtype];
}

// Wider types first, so that every tensor starts at a multiple of its element's size.
function layoutOrder(tensors: NamedTensors, floatType: FloatType): [string, HostTensor][] {
  const width = (tensor: HostTensor) => STORED_TYPES[storedType(tensor, floatType)];
  return [...tensors].sort(([a, x], [b, y]) => width(y) - width(x) || (a < b ? -1 : 1));
}

function headerBytes(
  ordered: readonly [string, HostTensor][],
  floatType: FloatType,
  metadata: Record<string, string> | undefined,
): Uint8Array {
  const entries: [string, unknown][] = metadata ? [["__metadata__", metadata]] : [];
  let position = 0;
  for (const [name, tensor] of ordered) {
    const end = position + storedBytes(tensor, floatType);
    const dtype = storedType(tensor, floatType);
    entries.push([name, { dtype, shape: tensor.dims, data_offsets: [position, end] }]);
    position = end;
  }
  const json = new TextEncoder().encode(JSON.stringify(Object.fromEntries(entries)));
  const length = Math.ceil(json.byteLength / 8) * 8;
  const bytes = new Uint8Array(8 + length).fill(0x20);
  new DataView(bytes.buffer).setBigUint64(0, BigInt(length), true);
  bytes.set(json, 8);
  return bytes;
}

function dataBytes(name: string, tensor: HostTensor, floatType: FloatType): Uint8Array {
  if (tensor.data.length !== elementCount(tensor.dims)) {
    throw new RangeError(
      `${name}: [${tensor.dims.join(", ")}] takes ${elementCount(tensor.dims)} values, got ${tensor.data.length}`,
    );
  }
  if (!(tensor.data instanceof Float32Array) || floatType === "F32") {
    return new Uint8Array(tensor.data.buffer, tensor.data.byteOffset, tensor.data.byteLength);
  }
  const narrow = new Uint16Array(tensor.data.length);
  if (floatType === "BF16") narrowToBfloat16(tensor.data, narrow);
  else {
    narrowToHalf(tensor.data, narrow);
    requireFit(name, tensor.data, narrow);
  }
  return new Uint8Array(narrow.buffer);
}

function requireFit(name: string, values: Float32Array, halves: Uint16Array): void {
  const lost = halves.findIndex((bits, i) => (bits & 0x7fff) === 0x7c00 && Number.isFinite(values[i]));
  if (lost >= 0) {
    throw new CheckpointError(
      name,
      MUST_FIT,
      [`${values[lost]} in ${name} where F16 ends at 65504`],
      USE_F32,
    );
  }
}
