import type { OpenFile } from "../platform/index.ts";
import { elementCount } from "../tensor/index.ts";
import { ByteReader, CutError } from "./byte-reader.ts";
import { type GgmlTypeName, ggmlBytes, ggmlTypeOf, ggmlTypes, ggmlTypeTitle } from "./ggml-types.ts";
import { Metadata, type MetadataValue } from "./metadata.ts";

/** A tensor of a GGUF file. */
export interface GgufTensor {
  readonly name: string;
  readonly type: GgmlTypeName;
  /** Row-major, the outermost first: the other way round than in the file. */
  readonly dims: readonly number[];
  /** Where its numbers begin in the file, and how many bytes they take. */
  readonly offset: number;
  readonly bytes: number;
}

/** What a GGUF file says before its numbers. */
export interface GgufHeader {
  readonly metadata: Metadata;
  readonly tensors: readonly GgufTensor[];
}

/** A header, or everything that is wrong with it. */
export type GgufReading = { readonly header: GgufHeader } | { readonly problems: readonly string[] };

const magic = 0x46554747;
/** Version 1 counted in 32 bits, and no program has written it for years. */
const versions: readonly number[] = [2, 3];
/** Dimensions that a tensor of this format has at most. */
const mostDimensions = 4;
/** Lists in lists, at most. */
const mostNesting = 3;
const defaultAlignment = 32;
/** The bytes that a tensor's or an entry's description takes at least. */
const leastBytes = 12;

/** What cannot be read any further. */
class MalformedError extends Error {
  override name = "MalformedError";
}

/**
 * Reads the header of a GGUF file (versions 2 and 3, little-endian), a megabyte at a time.
 *
 * @returns the header, or every violation of the format: tensors of formats that are not read, of other sizes than their
 *   format allows, beyond the end of the file, overlapping, with one name twice
 */
export async function readGgufHeader(file: OpenFile): Promise<GgufReading> {
  try {
    return await read(new ByteReader(file), file.size);
  } catch (error) {
    if (!(error instanceof CutError) && !(error instanceof MalformedError)) throw error;
    return { problems: [`a header with ${error.message}`] };
  }
}

async function read(reader: ByteReader, fileSize: number): Promise<GgufReading> {
  await reader.need(24);
  if (reader.uint32() !== magic) throw new MalformedError("other first letters than GGUF");
  requireVersion(reader.uint32());
  const [tensorCount, entryCount] = [reader.uint64(), reader.uint64()];
  if ((tensorCount + entryCount) * leastBytes > fileSize) {
    throw new MalformedError(`${entryCount} entries and ${tensorCount} tensors in ${fileSize} bytes`);
  }
  const problems: string[] = [];
  const metadata = new Metadata(await readEntries(reader, entryCount, problems));
  const stored: StoredTensor[] = [];
  for (let i = 0; i < tensorCount; i++) stored.push(await readTensor(reader));
  const alignment = metadata.number("general.alignment", (key, problem) =>
    problems.push(`${key}: ${problem}`),
  );
  const step = alignment ?? defaultAlignment;
  if (!Number.isInteger(step) || step <= 0 || step % 8 !== 0) {
    throw new MalformedError(`general.alignment ${step}`);
  }
  const start = step * Math.ceil(reader.position / step);
  problems.push(...twice(stored.map(({ name }) => name)));
  const tensors = stored.flatMap((one) => {
    const tensor = tensorOf(one, { start, fileSize, step });
    if (typeof tensor !== "string") return tensor;
    problems.push(`${quote(one.name)} with ${tensor}`);
    return [];
  });
  // With an unreadable tensor the layout cannot be judged.
  if (problems.length === 0) problems.push(...overlaps(tensors));
  return problems.length > 0 ? { problems } : { header: { metadata, tensors } };
}

function requireVersion(version: number): void {
  if (versions.includes(version)) return;
  const isTurned = (version & 0xffff) === 0;
  const got = isTurned
    ? "numbers in big-endian order: write it on a little-endian machine"
    : `version ${version}`;
  throw new MalformedError(`${got} (read are versions ${versions.join(" and ")})`);
}

async function readEntries(
  reader: ByteReader,
  count: number,
  problems: string[],
): Promise<Map<string, MetadataValue>> {
  const entries = new Map<string, MetadataValue>();
  for (let i = 0; i < count; i++) {
    const key = await readText(reader);
    await reader.need(4);
    const value = await readValue(reader, reader.uint32(), key);
    if (entries.has(key)) problems.push(`the key ${quote(key)} more than once`);
    entries.set(key, value);
  }
  return entries;
}

async function readText(reader: ByteReader): Promise<string> {
  if (!reader.has(8)) await reader.need(8);
  const length = reader.uint64();
  if (!reader.has(length)) await reader.need(length);
  return reader.text(length);
}

type Scalar =
  | "uint8"
  | "int8"
  | "uint16"
  | "int16"
  | "uint32"
  | "int32"
  | "float32"
  | "uint64"
  | "int64"
  | "float64";

/** Scalars by their ids in the file, with their bytes. */
const scalars: Readonly<Record<number, readonly [Scalar, bytes: number]>> = {
  0: ["uint8", 1],
  1: ["int8", 1],
  2: ["uint16", 2],
  3: ["int16", 2],
  4: ["uint32", 4],
  5: ["int32", 4],
  6: ["float32", 4],
  10: ["uint64", 8],
  11: ["int64", 8],
  12: ["float64", 8],
};
const booleanId = 7;
const textId = 8;
const listId = 9;

async function readValue(reader: ByteReader, type: number, key: string, depth = 0): Promise<MetadataValue> {
  if (type === textId) return readText(reader);
  if (type === listId) return readList(reader, key, depth + 1);
  const [scalar, bytes] = scalars[type] ?? (type === booleanId ? (["uint8", 1] as const) : []);
  if (scalar === undefined) throw new MalformedError(`a value of the unknown type ${type} of ${quote(key)}`);
  if (!reader.has(bytes)) await reader.need(bytes);
  const value = reader[scalar]();
  return type === booleanId ? value !== 0 : value;
}

async function readList(reader: ByteReader, key: string, depth: number): Promise<MetadataValue[]> {
  if (depth > mostNesting) throw new MalformedError(`lists in lists beyond ${mostNesting} of ${quote(key)}`);
  await reader.need(12);
  const type = reader.uint32();
  const count = reader.uint64();
  if (count > reader.left)
    throw new MalformedError(`a list of ${count} values of ${quote(key)}, beyond the file`);
  const values: MetadataValue[] = [];
  // Not one by one through a function that waits: vocabularies have hundreds of thousands.
  if (type === textId) {
    for (let i = 0; i < count; i++) {
      if (!reader.has(8)) await reader.need(8);
      const length = reader.uint64();
      if (!reader.has(length)) await reader.need(length);
      values.push(reader.text(length));
    }
    return values;
  }
  for (let i = 0; i < count; i++) values.push(await readValue(reader, type, key, depth));
  return values;
}

/** A tensor as a header describes it. */
interface StoredTensor {
  readonly name: string;
  readonly dims: readonly number[];
  readonly type: number;
  readonly offset: number;
}

async function readTensor(reader: ByteReader): Promise<StoredTensor> {
  const name = await readText(reader);
  await reader.need(4);
  const dimensions = reader.uint32();
  if (dimensions > mostDimensions) throw new MalformedError(`${dimensions} dimensions of ${quote(name)}`);
  await reader.need(8 * dimensions + 12);
  const dims = Array.from({ length: dimensions }, () => reader.uint64()).reverse();
  return { name, dims, type: reader.uint32(), offset: reader.uint64() };
}

/** Where the numbers of a file's tensors lie. */
interface DataPlace {
  readonly start: number;
  readonly fileSize: number;
  readonly step: number;
}

/** A tensor's place, or what is wrong with it. */
function tensorOf(
  { name, dims, type: id, offset }: StoredTensor,
  { start, fileSize, step }: DataPlace,
): GgufTensor | string {
  const type = ggmlTypeOf(id);
  if (type === undefined) {
    return `numbers of type ${ggmlTypeTitle(id)} (read are ${Object.keys(ggmlTypes).join(", ")})`;
  }
  const count = elementCount(dims);
  if (dims.length === 0 || count === 0 || !Number.isSafeInteger(count))
    return `the shape [${dims.join(", ")}]`;
  const width = dims[dims.length - 1];
  if (width % ggmlTypes[type].numbers !== 0) {
    return `rows of ${width} numbers, where ${type} has blocks of ${ggmlTypes[type].numbers}`;
  }
  if (offset % step !== 0) return `an offset of ${offset} bytes, which is no multiple of ${step}`;
  const bytes = ggmlBytes(type, count);
  const end = start + offset + bytes;
  if (end > fileSize) return `data up to byte ${end} where the file has ${fileSize} (was it cut short?)`;
  return { name, type, dims, offset: start + offset, bytes };
}

function twice(names: readonly string[]): string[] {
  const seen = new Set<string>();
  return names.flatMap((name) => {
    if (seen.has(name)) return [`the name ${quote(name)} more than once`];
    seen.add(name);
    return [];
  });
}

function overlaps(tensors: readonly GgufTensor[]): string[] {
  const ordered = tensors.toSorted((a, b) => a.offset - b.offset);
  return ordered.flatMap(({ name, offset }, i) => {
    const before = ordered[i - 1];
    const overlaps = before !== undefined && before.offset + before.bytes > offset;
    return overlaps ? [`${quote(name)} overlapping ${quote(before.name)}`] : [];
  });
}

function quote(name: string): string {
  return JSON.stringify(name.length > 120 ? `${name.slice(0, 120)}…` : name);
}
