import {
  CheckpointError,
  entryBytes,
  narrowFloats,
  safetensorsLayout,
  shardIndex,
  shardName,
  splitIntoShards,
  type TensorEntry,
  type TensorSource,
} from "../checkpoint/index.ts";
import { type FilePiece, joinPath, writeFileAtomically, writePiecesAtomically } from "../platform/index.ts";
import { elementCount } from "../tensor/index.ts";

export interface WriteSettings {
  /** Largest file of weights. Default 5 GB. */
  readonly maxShardBytes?: number | undefined;
  /** Told how many bytes of all are written. */
  readonly onProgress?: ((bytes: number, totalBytes: number, name: string) => void) | undefined;
  readonly signal?: AbortSignal | undefined;
}

/** Numbers read at once: memory holds a few times this. */
const ELEMENTS_AT_ONCE = 4 * 2 ** 20;

/**
 * Writes the weights of a source as safetensors files of a directory, piece by piece; half-width formats stay.
 *
 * @returns what was written
 */
export async function writeWeights(
  source: TensorSource,
  directory: string,
  settings: WriteSettings,
): Promise<{ readonly entries: readonly TensorEntry[]; readonly files: number }> {
  const { maxShardBytes = 5e9 } = settings;
  const entries = source.tensors.map(({ name, dims, type }): TensorEntry => {
    return { name, dims, type: type === "F16" || type === "BF16" ? type : "F32" };
  });
  const total = entries.reduce((sum, entry) => sum + entryBytes(entry), 0);
  const shards = splitIntoShards(entries, entryBytes, maxShardBytes);
  const weightMap: Record<string, string> = {};
  let done = 0;
  const tell = (bytes: number, name: string): void => {
    settings.signal?.throwIfAborted();
    done += bytes;
    settings.onProgress?.(done, total, name);
  };
  for (const [i, shard] of shards.entries()) {
    const file = shardName(i, shards.length);
    for (const { name } of shard) weightMap[name] = file;
    await writePiecesAtomically(joinPath(directory, file), pieces(source, shard, tell));
  }
  if (shards.length > 1) {
    const { index, content } = shardIndex(weightMap, total);
    await writeFileAtomically(joinPath(directory, index), content);
  }
  return { entries, files: shards.length };
}

async function* pieces(
  source: TensorSource,
  entries: readonly TensorEntry[],
  tell: (bytes: number, name: string) => void,
): AsyncGenerator<FilePiece> {
  const { header, positions } = safetensorsLayout(entries);
  yield [0, header];
  for (const entry of entries) {
    const [rows = 1] = entry.dims;
    const width = elementCount(entry.dims) / rows;
    const step = Math.max(1, Math.floor(ELEMENTS_AT_ONCE / width));
    for (let from = 0; from < rows; from += step) {
      const to = Math.min(from + step, rows);
      const { data } = await source.read(entry.name, to - from === rows ? undefined : [from, to]);
      const bytes = bytesOf(entry, data as Float32Array);
      yield [positions.get(entry.name)! + (from * entryBytes(entry)) / rows, bytes];
      tell(bytes.byteLength, entry.name);
    }
  }
}

function bytesOf({ name, type }: TensorEntry, values: Float32Array): Uint8Array {
  const stored = type === "F16" || type === "BF16" ? narrowFloats(values, type) : values;
  if (stored !== undefined) return new Uint8Array(stored.buffer, stored.byteOffset, stored.byteLength);
  throw new CheckpointError(name, "must fit the number format", ["numbers beyond 65504"], "Fetch it again.");
}
