import { type FilePiece, writeFileAtomically, writePiecesAtomically } from "../platform/index.ts";
import { elementCount, type HostTensor } from "../tensor/index.ts";
import { CheckpointError } from "./errors.ts";
import { narrowFloats } from "./number-formats.ts";
import { STORED_TYPES, type StoredType } from "./stored-types.ts";
import type { StateDict, TensorEntry, TensorSource } from "./tensor-source.ts";

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
export function* safetensorsPieces(tensors: StateDict, options: WriteOptions = {}): Iterable<Uint8Array> {
  const { floatType = "F32", metadata } = options;
  const ordered = layoutOrder(tensors, floatType);
  yield headerBytes(ordered, floatType, metadata);
  for (const [name, tensor] of ordered) yield dataBytes(name, tensor, floatType);
}

/** A safetensors file as bytes. */
export function safetensorsBytes(tensors: StateDict, options: WriteOptions = {}): Uint8Array {
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
  tensors: StateDict,
  options: WriteOptions = {},
): Promise<void> {
  try {
    await writeFileAtomically(path, safetensorsPieces(tensors, options));
  } catch (error) {
    throw error instanceof CheckpointError
      ? new CheckpointError(path, MUST_FIT, error.problems, USE_WIDER)
      : error;
  }
}

/** Writes a source as a safetensors file atomically, in its number formats; each tensor is read when its turn comes, by name. */
export async function writeSource(path: string, source: TensorSource): Promise<void> {
  const ordered = orderedEntries(source.tensors);
  const { header, positions } = layoutOf(ordered, undefined);
  async function* pieces(): AsyncGenerator<FilePiece> {
    yield [0, header];
    for (const { name, type } of ordered) {
      yield [positions.get(name)!, storedNumbers(name, (await source.read(name)).data, type)];
    }
  }
  await writePiecesAtomically(path, pieces());
}

const MUST_FIT = "values must fit the number format";
const USE_WIDER = "Keep it in a wider number format, F32 or BF16.";

/** The number format a tensor in memory is written in. */
export function storedType(tensor: HostTensor, floatType: FloatType): StoredType {
  const types: Record<string, StoredType> = {
    float32: floatType,
    int64: "I64",
    int32: "I32",
    int8: "I8",
    uint8: "U8",
    bool: "BOOL",
  };
  return types[tensor.dtype];
}

// Wider types first, so that every tensor starts at a multiple of its element's size.
function layoutOrder(tensors: StateDict, floatType: FloatType): [string, HostTensor][] {
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

/**
 * Lays out tensors of which only names, types and shapes are known, so that they can be written piece by piece. Those of one kind, which the
 * last part of their names tells, lie together in the order in which they are given: parts of quantised weights that follow each other are one
 * weight to a program then.
 */
export function safetensorsLayout(entries: readonly TensorEntry[]): SafetensorsLayout {
  const kind = ({ name }: TensorEntry): string => name.slice(name.lastIndexOf(".") + 1);
  const ordered = [...entries].sort((x, y) => widthOf(y) - widthOf(x) || compare(kind(x), kind(y)));
  return layoutOf(ordered, { format: "pt" });
}

const widthOf = ({ type }: TensorEntry): number => STORED_TYPES[type];
const compare = (a: string, b: string): number => (a === b ? 0 : a < b ? -1 : 1);

function orderedEntries(entries: readonly TensorEntry[]): TensorEntry[] {
  return [...entries].sort((x, y) => widthOf(y) - widthOf(x) || compare(x.name, y.name));
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
  requireComplete(name, tensor);
  return storedNumbers(name, tensor.data, storedType(tensor, floatType));
}

/** A tensor has as many values as its sizes say. */
export function requireComplete(name: string, { dims, data }: HostTensor): void {
  const count = elementCount(dims);
  if (data.length === count) return;
  throw new RangeError(`${name}: [${dims.join(", ")}] takes ${count} values, got ${data.length}`);
}

/**
 * Numbers as the bytes of a stored tensor: float32 in half the width where the type says so, all others as they are.
 *
 * @throws CheckpointError naming the tensor and a value that F16 cannot hold
 */
export function storedNumbers(name: string, values: HostTensor["data"], type: StoredType): Uint8Array {
  const isNarrow = values instanceof Float32Array && (type === "F16" || type === "BF16");
  const stored = isNarrow ? narrowFloats(values, type) : values;
  if (stored !== undefined) return new Uint8Array(stored.buffer, stored.byteOffset, stored.byteLength);
  // What is 65520 or more rounds to an infinity.
  const lost = (values as Float32Array).find((value) => Number.isFinite(value) && Math.abs(value) >= 65520);
  const problem = `${lost} in ${name} where F16 ends at 65504`;
  throw new CheckpointError(name, MUST_FIT, [problem], USE_WIDER);
}
