import { writeFileAtomically } from "../platform/index.ts";
import { elementCount, type HostTensor } from "../tensor/index.ts";
import { CheckpointError } from "./errors.ts";
import { narrowToBfloat16, narrowToHalf } from "./number-formats.ts";
import { STORED_TYPES, type StoredType } from "./stored-types.ts";
import type { NamedTensors, TensorEntry } from "./tensor-source.ts";

/** The number format floating-point tensors are written in. */
export type FloatType = "F32" | "F16" | "BF16";

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
  const types: Record<string, StoredType> = {
    float32: floatType,
    int64: "I64",
    int32: "I32",
    uint8: "U8",
    bool: "BOOL",
  };
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
  const entries = ordered.map(([name, tensor]) => ({
    name,
    type: storedType(tensor, floatType),
    dims: tensor.dims,
  }));
  return layoutOf(entries, metadata).header;
}

/** Bytes of a stored tensor. */
export function entryBytes({ type, dims }: Pick<TensorEntry, "type" | "dims">): number {
  return elementCount(dims) * STORED_TYPES[type];
}

/** A safetensors file before its numbers are known. */
export interface SafetensorsLayout {
  /** The file's beginning. */
  readonly header: Uint8Array;
  /** Where in the file each tensor's first byte belongs. */
  readonly positions: ReadonlyMap<string, number>;
  readonly size: number;
}

/** Lays out tensors of which only names, types and shapes are known, so that they can be written piece by piece. */
export function safetensorsLayout(entries: readonly TensorEntry[]): SafetensorsLayout {
  const width = ({ type }: TensorEntry): number => STORED_TYPES[type];
  const ordered = [...entries].sort((x, y) => width(y) - width(x) || (x.name < y.name ? -1 : 1));
  return layoutOf(ordered, { format: "pt" });
}

function layoutOf(
  ordered: readonly TensorEntry[],
  metadata: Record<string, string> | undefined,
): SafetensorsLayout {
  const described: [string, unknown][] = metadata ? [["__metadata__", metadata]] : [];
  const begins = new Map<string, number>();
  let position = 0;
  for (const entry of ordered) {
    const end = position + entryBytes(entry);
    begins.set(entry.name, position);
    described.push([entry.name, { dtype: entry.type, shape: entry.dims, data_offsets: [position, end] }]);
    position = end;
  }
  const json = new TextEncoder().encode(JSON.stringify(Object.fromEntries(described)));
  const length = Math.ceil(json.byteLength / 8) * 8;
  const header = new Uint8Array(8 + length).fill(0x20);
  new DataView(header.buffer).setBigUint64(0, BigInt(length), true);
  header.set(json, 8);
  const positions = new Map([...begins].map(([name, begin]) => [name, header.byteLength + begin]));
  return { header, positions, size: header.byteLength + position };
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
