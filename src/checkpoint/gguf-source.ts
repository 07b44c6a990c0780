import { type Architecture, type GgufTensor, ggmlTypes, isNorm, isQueryOrKey } from "../gguf/index.ts";
import type { OpenFile } from "../platform/index.ts";
import { allocate, elementCount, type HostTensor, type QuantizedFormat } from "../tensor/index.ts";
import { type BlockType, blockCodes, isBlockType, newScales, numbersOf, packNumbers } from "./gguf-blocks.ts";
import { tensorFrom } from "./stored-types.ts";
import { dimsOfRows, type RowRange, type TensorEntry } from "./tensor-source.ts";

/** A tensor of a GGUF file under the name that it has in a checkpoint of Hugging Face's. */
export interface PlacedTensor extends GgufTensor {
  /** The published name. */
  readonly published: string;
  readonly file: OpenFile;
}

/** How the tensors of a GGUF file become those of a checkpoint. */
export interface GgufReadingRules {
  readonly architecture: Architecture;
  readonly headDim: number;
  /** The format in which a matrix is kept in blocks; undefined: it is widened. By its published name. */
  readonly formatOf: (name: string) => QuantizedFormat | undefined;
}

/** Reads rows of one tensor of a checkpoint. */
export interface ReadableTensor {
  readonly entry: TensorEntry;
  readonly read: (rows: RowRange | undefined) => Promise<HostTensor>;
}

/** Numbers that are widened or rearranged at once, so that a tensor's form in the file is never whole in memory. */
const numbersAtOnce = 2 ** 20;

/** What a tensor of a GGUF file is in a checkpoint: itself, or the parts of a quantised weight. */
export function readableTensors(tensor: PlacedTensor, rules: GgufReadingRules): ReadableTensor[] {
  const { published: name, dims, type } = tensor;
  const rows = rowReader(tensor, rules);
  const format = rules.formatOf(name);
  if (!isBlockType(type)) return [plainTensor(tensor, rules, rows)];
  if (format === undefined) {
    const entry: TensorEntry = { name, type: "F32", dims };
    return [
      {
        entry,
        read: (range) => inPieces(entry, range, rows, (bytes, into) => widen(type, bytes, into)),
      },
    ];
  }
  return quantizedParts(tensor, { type, format, rows });
}

/** Some rows of a tensor. */
interface Piece {
  readonly from: number;
  readonly to: number;
  /** Theirs, until the next piece is asked for. */
  readonly bytes: Uint8Array;
}

/** Rows in the order of the published tensor, a few at a time. */
type RowReader = (range: RowRange) => AsyncGenerator<Piece>;

function rowReader(tensor: PlacedTensor, rules: GgufReadingRules): RowReader {
  const { file, offset, bytes: whole, dims, published } = tensor;
  const width = whole / dims[0];
  const read = async (bytes: Uint8Array, row: number): Promise<Uint8Array> => {
    await file.read(bytes, offset + row * width);
    return bytes;
  };
  const isInterleaved = rules.architecture.interleaved === true && isQueryOrKey(published);
  const rows = isInterleaved ? deinterleaved(read, width, tensor, rules.headDim) : read;
  const step = Math.max(1, Math.floor(numbersAtOnce / elementCount(dims.slice(1))));
  return async function* ([first, last]) {
    const room = (): Uint8Array => new Uint8Array(Math.min(step, last - first) * width);
    const rooms = last - first > step ? [room(), room()] : [room()];
    const piece = async (from: number, into: Uint8Array): Promise<Piece> => {
      const to = Math.min(last, from + step);
      return { from, to, bytes: await rows(into.subarray(0, (to - from) * width), from) };
    };
    // The next piece is read while this one is worked on.
    let next = first < last ? piece(first, rooms[0]) : undefined;
    try {
      for (let from = first, i = 1; from < last; from += step, i++) {
        const current = await next!;
        next = from + step < last ? piece(from + step, rooms[i % 2]) : undefined;
        yield current;
      }
    } finally {
      await next?.catch(() => undefined);
    }
  };
}

/** Fills bytes with the rows from one on. */
type ReadRows = (bytes: Uint8Array, row: number) => Promise<Uint8Array>;

/** Rows of a head lie anywhere in it. */
function deinterleaved(read: ReadRows, width: number, { dims }: PlacedTensor, headDim: number): ReadRows {
  const half = headDim / 2;
  return async (bytes, from) => {
    const to = from + bytes.length / width;
    const first = Math.floor(from / headDim) * headDim;
    const last = Math.min(dims[0], Math.ceil(to / headDim) * headDim);
    const heads = await read(new Uint8Array((last - first) * width), first);
    for (let row = from; row < to; row++) {
      const within = row % headDim;
      const origin = row - within + 2 * (within % half) + Math.floor(within / half) - first;
      bytes.set(heads.subarray(origin * width, (origin + 1) * width), (row - from) * width);
    }
    return bytes;
  };
}

function plainTensor(
  tensor: PlacedTensor,
  { architecture }: GgufReadingRules,
  rows: RowReader,
): ReadableTensor {
  const { published: name, dims, file, offset, bytes } = tensor;
  const type = tensor.type as "F32" | "F16" | "BF16";
  const lessOne = architecture.normsPlusOne === true && isNorm(name);
  const moved = lessOne || (architecture.interleaved === true && isQueryOrKey(name));
  const place = moved ? {} : { place: { path: file.path, offset, bytes } };
  const entry: TensorEntry = { name, type: lessOne ? "F32" : type, dims, ...place };
  const fill = (from: Uint8Array, into: Float32Array): void => {
    into.set(tensorFrom(type, [into.length], from).data as Float32Array);
    if (lessOne) for (let i = 0; i < into.length; i++) into[i] -= 1;
  };
  return { entry, read: (range) => inPieces(entry, range, rows, fill) };
}

/** Some rows as float32, made of a few of them at a time. */
async function inPieces(
  entry: TensorEntry,
  range: RowRange | undefined,
  rows: RowReader,
  fill: (bytes: Uint8Array, into: Float32Array) => void,
): Promise<HostTensor> {
  const dims = range ? dimsOfRows(entry, range) : entry.dims;
  const result = allocate("float32", dims);
  const all: RowRange = range ?? [0, dims[0]];
  const width = elementCount(dims.slice(1));
  for await (const { from, to, bytes } of rows(all)) {
    fill(bytes, result.data.subarray((from - all[0]) * width, (to - all[0]) * width));
  }
  return result;
}

function widen(type: BlockType, bytes: Uint8Array, into: Float32Array): void {
  const code = blockCodes[type];
  const { numbers, bytes: size } = ggmlTypes[type];
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const q = numbersOf(type, bytes, into.length);
  const block = newScales();
  const { scales, offsets } = block;
  const { run } = code;
  for (let at = 0, to = 0; at < bytes.length; at += size) {
    code.scales(view, at, block);
    for (let i = 0; i < numbers; i++, to++) {
      const r = Math.floor(i / run);
      const value = scales[r] * q[to];
      into[to] = code.offsets ? value + offsets[r] : value;
    }
  }
}

interface QuantizedReading {
  readonly type: BlockType;
  readonly format: QuantizedFormat;
  readonly rows: RowReader;
}

/** A quantised matrix in the layout of `QuantizedWeight`: the same whole numbers with the same scales. */
function quantizedParts(tensor: PlacedTensor, reading: QuantizedReading): ReadableTensor[] {
  const { published: name, dims } = tensor;
  const { bits, blockSize, offsets } = reading.format;
  const blocks = dims[1] / blockSize;
  const entries: Record<string, TensorEntry> = {
    packed: { name: `${name}.packed`, type: "U8", dims: [dims[0], blocks, (blockSize * bits) / 8] },
    scales: { name: `${name}.scales`, type: "F32", dims: [dims[0], blocks] },
    ...(offsets && { offsets: { name: `${name}.offsets`, type: "F32", dims: [dims[0], blocks] } }),
  };
  return Object.entries(entries).map(([part, entry]) => ({
    entry,
    read: async (range) => {
      const dimsRead = range ? dimsOfRows(entry, range) : entry.dims;
      const all: RowRange = range ?? [0, dims[0]];
      const width = elementCount(entry.dims.slice(1));
      const result = allocate(entry.type === "U8" ? "uint8" : "float32", dimsRead);
      for await (const { from, to, bytes } of reading.rows(all)) {
        const into = result.data.subarray((from - all[0]) * width, (to - all[0]) * width);
        repack(bytes, reading, { [part]: into });
      }
      return result;
    },
  }));
}

/** Where parts of a quantised weight are written to; those that are absent are left out. */
interface Parts {
  readonly packed?: Uint8Array;
  readonly scales?: Float32Array;
  readonly offsets?: Float32Array;
}

function repack(bytes: Uint8Array, reading: QuantizedReading, parts: Parts): void {
  if (parts.packed) keepNumbers(reading, bytes, parts.packed);
  else copyScales(reading, bytes, parts);
}

/** Numbers are kept as q − middle + 2^(bits − 1): products that round activations err least where weights lie around zero. */
function keepNumbers({ type, format }: QuantizedReading, bytes: Uint8Array, into: Uint8Array): void {
  const { bits, middle } = blockCodes[type];
  if (format.bits === bits) {
    packNumbers(type, bytes, into);
    return;
  }
  const shift = 2 ** (format.bits - 1) - middle;
  const q = numbersOf(type, bytes, into.length);
  for (let i = 0; i < into.length; i++) into[i] = q[i] + shift;
}

function copyScales({ type }: QuantizedReading, bytes: Uint8Array, parts: Parts): void {
  const code = blockCodes[type];
  const { numbers, bytes: size } = ggmlTypes[type];
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const block = newScales();
  const runs = numbers / code.run;
  for (let at = 0, to = 0; at < bytes.length; at += size, to += runs) {
    code.scales(view, at, block);
    for (let run = 0; run < runs; run++) {
      const scale = block.scales[run];
      if (parts.scales) parts.scales[to + run] = scale;
      if (parts.offsets) parts.offsets[to + run] = block.offsets[run] + scale * code.middle;
    }
  }
}
