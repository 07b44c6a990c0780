import type { OpenFile } from "../platform/index.ts";
import { elementCount } from "../tensor/index.ts";
import { CheckpointError } from "./errors.ts";
import { openFormat } from "./open-format.ts";
import {
  MAX_HEADER_BYTES,
  parseHeader,
  type SafetensorsHeader,
  type StoredTensor,
} from "./safetensors-header.ts";
import { bytesAt, readTensor, STORED_TYPES, tensorFrom } from "./stored-types.ts";
import {
  dimsOfRows,
  entriesByName,
  entryOf,
  readAll,
  type StateDict,
  type TensorSource,
} from "./tensor-source.ts";

export interface SafetensorsContent {
  tensors: StateDict;
  metadata: Record<string, string>;
}

/** An opened safetensors file. */
export interface SafetensorsFile extends TensorSource {
  readonly tensors: readonly StoredTensor[];
  readonly metadata: Readonly<Record<string, string>>;
}

const DAMAGED = "The file is damaged or no safetensors file; fetch or write it again.";

function malformed(where: string, problems: readonly string[]): CheckpointError {
  return new CheckpointError(where, "must be a safetensors file", problems, DAMAGED);
}

/**
 * Reads every tensor of a safetensors file.
 *
 * F16, BF16 and F64 are widened (F64: rounded) to float32, I16 widened to int32; F32, I64, I32, I8, U8 and
 * BOOL stay. From bytes, aligned tensors that stay are views and share the bytes' memory.
 *
 * @param source a path, or the file's bytes
 * @throws CheckpointError naming the file and every violation of the format
 */
export async function readSafetensors(source: string | Uint8Array): Promise<StateDict> {
  if (typeof source !== "string") return parseSafetensors(source).tensors;
  return readAll(await openSafetensors(source));
}

/** As {@link readSafetensors}, from bytes, with the metadata; `where` names them in errors. */
export function parseSafetensors(bytes: Uint8Array, where = "safetensors bytes"): SafetensorsContent {
  const start = dataStart(bytes.subarray(0, 8), bytes.byteLength, where);
  const header = checkedHeader(bytes.subarray(8, start), bytes.byteLength - start, where);
  const data = bytes.subarray(start);
  const tensors: StateDict = new Map();
  for (const stored of header.tensors) {
    const bytes = data.subarray(stored.begin, stored.end);
    tensors.set(stored.name, tensorFrom(stored.type, stored.dims, bytes));
  }
  return { tensors, metadata: header.metadata };
}

/** Opens a safetensors file and checks its header; the caller closes it. */
export async function openSafetensors(path: string): Promise<SafetensorsFile> {
  return openFormat("a safetensors file", path, safetensorsSource);
}

/** As {@link openSafetensors}, over an opened file. */
export async function safetensorsSource(file: OpenFile): Promise<SafetensorsFile> {
  const prefix = await bytesAt(file, 0, Math.min(8, file.size));
  const start = dataStart(prefix, file.size, file.path);
  const header = checkedHeader(await bytesAt(file, 8, start - 8), file.size - start, file.path);
  const byName = entriesByName(header);
  const placed = ({ begin, end }: StoredTensor) => ({
    place: { path: file.path, offset: start + begin, bytes: end - begin },
  });
  return {
    path: file.path,
    tensors: header.tensors.map((tensor) => ({ ...tensor, ...placed(tensor) })),
    metadata: header.metadata,
    read: async (name, rows) => {
      const stored = entryOf(byName, name, file.path);
      const dims = rows ? dimsOfRows(stored, rows) : stored.dims;
      const skipped = rows ? rows[0] * elementCount(dims.slice(1)) * STORED_TYPES[stored.type] : 0;
      return readTensor(file, start + stored.begin + skipped, stored.type, dims);
    },
    close: () => file.close(),
  };
}

/** Where the data begins, from the first eight bytes: the header's length as a little-endian u64. */
function dataStart(prefix: Uint8Array, size: number, where: string): number {
  if (size < 8 || prefix.byteLength < 8) {
    throw malformed(where, [size === 0 ? "an empty file" : `${size} bytes only (was it cut short?)`]);
  }
  const length = new DataView(prefix.buffer, prefix.byteOffset, 8).getBigUint64(0, true);
  if (length > MAX_HEADER_BYTES) {
    throw malformed(where, [`a header of ${length} bytes (at most ${MAX_HEADER_BYTES} are allowed)`]);
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
