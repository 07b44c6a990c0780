import {
  type FilePiece,
  joinPath,
  type OptionRules,
  option,
  pathKind,
  writeFileAtomically,
  writePiecesAtomically,
} from "../platform/index.ts";
import { elementCount } from "../tensor/index.ts";
import { entryBytes, safetensorsLayout } from "./safetensors-write.ts";
import type { RowRange, TensorEntry } from "./tensor-source.ts";
import { indexFile, safetensors, shardFile, wholeFile } from "./weight-formats.ts";

/**
 * A stored tensor and the tensors that are written from it, all in one file: some rows at a time, as many rows each, or `isWhole`.
 */
export interface PlannedTensor {
  readonly source: TensorEntry;
  readonly outputs: readonly TensorEntry[];
  /** Whether all rows are asked for at once; the outputs may have others then. */
  readonly isWhole?: boolean;
}

/** Options of writing weights. */
export interface ShardSettings {
  /** Largest file of weights. Default 5 GB. */
  readonly maxShardBytes?: number | undefined;
  /** Called with the bytes of the sources that are done, and the file that is being written. */
  readonly onProgress?: ((bytes: number, totalBytes: number, file: string) => void) | undefined;
  /** Aborts the writing; complete files stay. */
  readonly signal?: AbortSignal | undefined;
}

/** The rules for these options. */
export const shardRules: OptionRules<ShardSettings> = {
  maxShardBytes: option.count,
  onProgress: option.callback,
  signal: option.signal,
};

/** A report of what was written. */
export interface WrittenShards {
  /** Bytes of the numbers. */
  readonly bytes: number;
  readonly files: number;
  /** How many of the files were there already. */
  readonly reusedFiles: number;
}

/**
 * The bytes of some rows of a planned tensor, for each of its outputs; of all of them where no rows are named.
 */
export type MakeRows<Planned> = (
  planned: Planned,
  rows: RowRange | undefined,
) => Promise<readonly Uint8Array[]> | readonly Uint8Array[];

/** Elements of a source that are converted at once: memory holds a few times this. */
const ELEMENTS_AT_ONCE = 4 * 2 ** 20;

const LARGEST_FILE = 5e9;

/**
 * Writes tensors as `model.safetensors`, or, where that would exceed `maxShardBytes`, as numbered files and their index.
 * They are never in memory as a whole: `makeRows` is asked for some rows at a time. Each file appears when it is complete,
 * the index last.
 *
 * @param settings `goOn`: files that are there are those of an earlier call with the same plan, and stay
 * @throws what `makeRows` throws, FileError, the signal's reason
 */
export async function writeShards<Planned extends PlannedTensor>(
  directory: string,
  plan: readonly Planned[],
  makeRows: MakeRows<Planned>,
  settings: ShardSettings & { readonly goOn?: boolean } = {},
): Promise<WrittenShards> {
  const shards = planShards(plan, settings.maxShardBytes);
  const progress = new Progress(plan, settings);
  const weightMap: Record<string, string> = {};
  let reusedFiles = 0;
  for (const [i, shard] of shards.entries()) {
    const file = shardName(i, shards.length);
    for (const { name } of outputsOf(shard)) weightMap[name] = file;
    const path = joinPath(directory, file);
    if (settings.goOn && (await pathKind(path)) === "file") {
      reusedFiles++;
      progress.skip(shard);
    } else {
      await writePiecesAtomically(path, shardPieces(shard, makeRows, file, progress));
    }
  }
  const bytes = bytesOf(outputsOf(plan));
  if (shards.length > 1) await writeIndex(directory, weightMap, bytes);
  return { bytes, files: shards.length, reusedFiles };
}

/** Splits a plan into shards of at most `maxShardBytes` each; a tensor that is larger gets a shard of its own. */
export function planShards<Planned extends PlannedTensor>(
  plan: readonly Planned[],
  maxShardBytes = LARGEST_FILE,
): Planned[][] {
  const shards: Planned[][] = [[]];
  let filled = 0;
  for (const planned of plan) {
    const bytes = bytesOf(planned.outputs);
    if (filled > 0 && filled + bytes > maxShardBytes) {
      shards.push([]);
      filled = 0;
    }
    shards[shards.length - 1].push(planned);
    filled += bytes;
  }
  return shards;
}

/** The name of the i-th of so many files of weights. */
export function shardName(i: number, count: number): string {
  return count === 1 ? wholeFile(safetensors) : shardFile(safetensors, i, count);
}

const outputsOf = (plan: readonly PlannedTensor[]): TensorEntry[] => plan.flatMap(({ outputs }) => outputs);

const bytesOf = (entries: readonly TensorEntry[]): number =>
  entries.reduce((sum, entry) => sum + entryBytes(entry), 0);

/** Which of several files holds which tensor. */
function writeIndex(
  directory: string,
  weightMap: Readonly<Record<string, string>>,
  totalBytes: number,
): Promise<void> {
  const index = { metadata: { total_size: totalBytes }, weight_map: weightMap };
  return writeFileAtomically(
    joinPath(directory, indexFile(safetensors)),
    `${JSON.stringify(index, null, 2)}\n`,
  );
}

/** Counts the bytes that are done, and reports them. */
class Progress {
  #done = 0;
  readonly #total: number;
  readonly #settings: ShardSettings;

  constructor(plan: readonly PlannedTensor[], settings: ShardSettings) {
    this.#total = bytesOf(plan.map(({ source }) => source));
    this.#settings = settings;
  }

  /** Counts a shard that an earlier call has written. */
  skip(shard: readonly PlannedTensor[]): void {
    this.#done += bytesOf(shard.map(({ source }) => source));
  }

  /** Throws where the signal is aborted. */
  check(): void {
    this.#settings.signal?.throwIfAborted();
  }

  add(bytes: number, file: string): void {
    this.#done += bytes;
    this.#settings.onProgress?.(this.#done, this.#total, file);
  }
}

async function* shardPieces<Planned extends PlannedTensor>(
  shard: readonly Planned[],
  makeRows: MakeRows<Planned>,
  file: string,
  progress: Progress,
): AsyncGenerator<FilePiece> {
  const { header, positions } = safetensorsLayout(outputsOf(shard));
  yield [0, header];
  for (const planned of shard) {
    const [rows = 1] = planned.source.dims;
    const width = elementCount(planned.source.dims) / rows;
    const step = planned.isWhole ? rows : Math.max(1, Math.floor(ELEMENTS_AT_ONCE / width));
    for (let from = 0; from < rows; from += step) {
      progress.check();
      const to = Math.min(from + step, rows);
      const parts = await makeRows(planned, to - from === rows ? undefined : [from, to]);
      for (const [i, entry] of planned.outputs.entries()) {
        yield [positions.get(entry.name)! + from * (entryBytes(entry) / rows), parts[i]];
      }
      progress.add((entryBytes(planned.source) / rows) * (to - from), file);
    }
  }
}
