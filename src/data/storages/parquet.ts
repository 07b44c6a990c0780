import type { AsyncBuffer, Compressors, FileMetaData } from "hyparquet";
import { type Compression, decompress, openFile } from "../../platform/index.ts";
import { LruCache } from "../../primitives/index.ts";
import { DataError, type RowGroup } from "../example.ts";
import { windowBytes } from "../order.ts";
import { type FoundRecord, type RecordValue, storedText } from "../record.ts";

/** Rows are read in groups of at most so many bytes, as they are before they are compressed. */
const groupBytes = windowBytes;

/** A group that was read, of one of the files that share the memory for them. */
interface KeptGroup {
  readonly rows: Promise<RecordValue[]>;
  readonly bytes: number;
}

type GroupCache = LruCache<RowGroup, KeptGroup>;

/** Reads Parquet files, which share the memory for groups of rows: two windows of the order in which rows are learned. */
export function parquetReader(): (path: string) => AsyncGenerator<FoundRecord> {
  const kept: GroupCache = new LruCache({ limit: 2 * windowBytes, weightOf: ({ bytes }) => bytes });
  return (path) => recordsOf(new ParquetTable(path, kept));
}

/** The rows of a Parquet file. */
export const parquetRecords = (path: string): AsyncGenerator<FoundRecord> => parquetReader()(path);

/** A picture stays in the file and is read again, with its group of rows, when it is needed. */
async function* recordsOf(table: ParquetTable): AsyncGenerator<FoundRecord> {
  for (const group of await table.groups()) {
    for (let row = group.start; row < group.end; row++) {
      const value = await table.row(group, row);
      const again = (): Promise<RecordValue> => table.row(group, row);
      yield { line: row + 1, unit: "row", stored: storedText(value), value, group, again };
    }
  }
}

class ParquetTable {
  readonly #path: string;
  #metadata: Promise<FileMetaData> | undefined;
  readonly #kept: GroupCache;

  constructor(path: string, kept: GroupCache) {
    this.#path = path;
    this.#kept = kept;
  }

  async groups(): Promise<readonly RowGroup[]> {
    const { parquetMetadataAsync } = await import("hyparquet");
    this.#metadata ??= this.#reading((file) => parquetMetadataAsync(file));
    const { row_groups: stored } = await this.#metadata;
    const groups: RowGroup[] = [];
    let first = 0;
    for (const { num_rows, total_byte_size } of stored) {
      const rows = Number(num_rows);
      const bytesEach = Math.max(1, Number(total_byte_size)) / rows;
      const step = Math.max(1, Math.min(rows, Math.floor(groupBytes / bytesEach)));
      for (let from = 0; from < rows; from += step) {
        const count = Math.min(step, rows - from);
        groups.push({ start: first + from, end: first + from + count, bytes: count * bytesEach });
      }
      first += rows;
    }
    return groups;
  }

  async row(group: RowGroup, index: number): Promise<RecordValue> {
    const { start, end, bytes } = group;
    const found = this.#kept.get(group) ?? { rows: this.#rows(start, end), bytes };
    this.#kept.set(group, found);
    return (await found.rows)[index - start];
  }

  async #rows(rowStart: number, rowEnd: number): Promise<RecordValue[]> {
    const metadata = await this.#metadata;
    if (metadata === undefined) throw new DataError(`${this.#path}: must be read from its beginning`);
    const { parquetReadObjects } = await import("hyparquet");
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
