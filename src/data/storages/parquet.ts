import {
  type AsyncBuffer,
  type Compressors,
  type FileMetaData,
  parquetMetadataAsync,
  parquetReadObjects,
} from "hyparquet";
import { type Compression, decompress, openFile } from "../../platform/index.ts";
import { LruCache } from "../../primitives/index.ts";
import { DataError } from "../example.ts";
import { type FoundRecord, type RecordValue, storedText } from "../record.ts";

/** Rows are read in groups of at most so many bytes, as they are before they are compressed. */
const groupBytes = 2 ** 27;
/** Groups in memory: of training in a random order few come again soon. */
const groupsKept = 2;

/** Rows that are read together. */
interface Group {
  readonly start: number;
  readonly end: number;
}

/** The rows of a Parquet file. A picture stays in the file and is read again, with its group of rows, when it is needed. */
export async function* parquetRecords(path: string): AsyncGenerator<FoundRecord> {
  const table = new ParquetTable(path);
  for (const group of await table.groups()) {
    for (let row = group.start; row < group.end; row++) {
      const value = await table.row(row);
      yield { line: row + 1, unit: "row", stored: storedText(value), value, again: () => table.row(row) };
    }
  }
}

class ParquetTable {
  readonly #path: string;
  #metadata: Promise<FileMetaData> | undefined;
  #groups: readonly Group[] | undefined;
  readonly #read = new LruCache<number, Promise<RecordValue[]>>({ limit: groupsKept, weightOf: () => 1 });

  constructor(path: string) {
    this.#path = path;
  }

  async groups(): Promise<readonly Group[]> {
    if (this.#groups !== undefined) return this.#groups;
    this.#metadata ??= this.#reading((file) => parquetMetadataAsync(file));
    const { row_groups: stored } = await this.#metadata;
    const groups: Group[] = [];
    let first = 0;
    for (const { num_rows, total_byte_size } of stored) {
      const rows = Number(num_rows);
      const step = Math.max(
        1,
        Math.min(rows, Math.floor((rows * groupBytes) / Math.max(1, Number(total_byte_size)))),
      );
      for (let start = 0; start < rows; start += step)
        groups.push({ start: first + start, end: first + Math.min(rows, start + step) });
      first += rows;
    }
    this.#groups = groups;
    return groups;
  }

  async row(index: number): Promise<RecordValue> {
    const groups = await this.groups();
    const at = groups.findIndex(({ end }) => index < end);
    const { start, end } = groups[at];
    let rows = this.#read.get(at);
    if (rows === undefined) {
      rows = this.#rows(start, end);
      this.#read.set(at, rows);
    }
    return (await rows)[index - start];
  }

  async #rows(rowStart: number, rowEnd: number): Promise<RecordValue[]> {
    const metadata = await this.#metadata;
    if (metadata === undefined) throw new DataError(`${this.#path}: must be read from its beginning`);
    return this.#reading((file) =>
      parquetReadObjects({
        file,
        metadata,
        rowStart,
        rowEnd,
        compressors,
        utf8: false,
        geoparquet: false,
        useOffsetIndex: true,
      }),
    );
  }

  async #reading<T>(read: (file: AsyncBuffer) => Promise<T>): Promise<T> {
    const file = await openFile(this.#path);
    try {
      return await read({
        byteLength: file.size,
        slice: async (start, end = file.size) => {
          const bytes = new Uint8Array(end - start);
          await file.read(bytes, start);
          return bytes.buffer;
        },
      });
    } catch (error) {
      if (error instanceof DataError) throw error;
      const got = error instanceof Error ? error.message : String(error);
      throw new DataError(`${this.#path}: must be a whole Parquet file, got ${got}`, { cause: error });
    } finally {
      await file.close();
    }
  }
}

const decompressor =
  (compression: Compression) =>
  (bytes: Uint8Array): Uint8Array => {
    const plain = decompress(bytes, compression);
    if (plain !== undefined) return plain;
    throw new DataError(
      "pages compressed by Zstandard, which Node reads from version 22.15 on; write the file with snappy",
    );
  };

/** hyparquet has Snappy itself. */
const compressors: Compressors = {
  GZIP: decompressor("gzip"),
  BROTLI: decompressor("brotli"),
  ZSTD: decompressor("zstd"),
};
