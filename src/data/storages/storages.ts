import { directoryEntries, joinPath, openFile, pathKind } from "../../platform/index.ts";
import type { ReadSettings } from "../read-settings.ts";
import type { FoundRecord, RecordValue } from "../record.ts";
import { markLength } from "../row-lines.ts";
import { cocoRecords, isCoco } from "./coco.ts";
import { delimitedRecords, tabParser } from "./delimited.ts";
import { folderRecords } from "./folder.ts";
import { lineRecords, listRecords, recordOf } from "./json.ts";
import { beginsAsList } from "./json-items.ts";
import { parquetReader, parquetRecords } from "./parquet.ts";
import { isTar } from "./tar.ts";
import { webdatasetRecords } from "./webdataset.ts";

type RecordStorage = (path: string, settings?: ReadSettings) => AsyncIterable<FoundRecord>;

/**
 * How records are stored. A further way is a file that reads it, a row here, what tells it in {@link storageAt}, and its name in the
 * table of formats.
 */
export const storages = {
  lines: lineRecords,
  list: listRecords,
  coco: cocoRecords,
  tsv: delimitedRecords,
  webdataset: webdatasetRecords,
  parquet: parquetRecords,
  folder: folderRecords,
} as const satisfies Readonly<Record<string, RecordStorage>>;

export type StorageName = keyof typeof storages;

const headBytes = 4096;

/** How a file or directory stores its records, by what it holds; a table by its name. */
export async function storageAt(path: string): Promise<StorageName> {
  if ((await pathKind(path)) === "directory") {
    const [shard] = await shardsOf(path);
    if (shard === undefined) return "folder";
    return shard.endsWith(".tar") ? "webdataset" : "parquet";
  }
  const head = await readHead(path);
  const start = new TextDecoder("latin1").decode(head.subarray(markLength(head)));
  if (start.startsWith("PAR1")) return "parquet";
  if (isTar(head)) return "webdataset";
  if (/\.[tc]sv$/i.test(path)) return "tsv";
  if (isCoco(start)) return "coco";
  return beginsAsList(start) ? "list" : "lines";
}

async function readHead(path: string): Promise<Uint8Array> {
  const file = await openFile(path);
  try {
    const bytes = new Uint8Array(Math.min(file.size, headBytes));
    await file.read(bytes, 0);
    return bytes;
  } finally {
    await file.close();
  }
}

/** The files of a data set that is stored in several: shards of one kind, tar archives where there are both. */
async function shardsOf(directory: string): Promise<string[]> {
  const names = await directoryEntries(directory);
  const archives = names.filter((name) => name.endsWith(".tar"));
  return archives.length > 0 ? archives : names.filter((name) => name.endsWith(".parquet"));
}

/** What reads a file; all shards that it reads share the memory for groups of rows. */
function readerOf(storage: StorageName): RecordStorage {
  return storage === "parquet" ? parquetReader() : storages[storage];
}

/** The records of a file, or of all shards of a directory. */
export async function* recordsAt(path: string, settings: ReadSettings = {}): AsyncGenerator<FoundRecord> {
  const storage = await storageAt(path);
  if (storage === "folder" || (await pathKind(path)) !== "directory") {
    yield* readerOf(storage)(path, settings);
    return;
  }
  let line = 0;
  const read = readerOf(storage);
  for (const shard of await shardsOf(path)) {
    for await (const record of read(joinPath(path, shard), settings)) {
      yield { ...record, line: ++line, label: `${shard}:${record.label ?? record.line}` };
    }
  }
}

/** What reads a record from its own text; undefined where the file has no such text of each in one piece. */
export async function recordParser(
  path: string,
  settings: ReadSettings = {},
): Promise<((text: string) => RecordValue | string) | undefined> {
  const storage = await storageAt(path);
  if (storage === "lines" || storage === "list") return recordOf;
  return storage === "tsv" && !/\.csv$/i.test(path) ? tabParser(path, settings) : undefined;
}
