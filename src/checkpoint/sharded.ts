import { joinPath } from "../platform/index.ts";
import { type FloatType, storedBytes, writeSafetensors } from "./safetensors-write.ts";
import type { NamedTensors } from "./tensor-source.ts";
import { SAFETENSORS } from "./weights.ts";

/** Writes weights as `model.safetensors`, or, where they exceed `maxShardBytes`, as numbered files and an index. */
export async function weightFiles(
  directory: string,
  tensors: NamedTensors,
  floatType: FloatType,
  maxShardBytes: number,
): Promise<{ index: string; content: string } | undefined> {
  const shards = splitIntoShards(
    [...tensors],
    ([, tensor]) => storedBytes(tensor, floatType),
    maxShardBytes,
  ).map((shard): NamedTensors => new Map(shard));
  const metadata = { format: "pt" };
  if (shards.length === 1) {
    await writeSafetensors(joinPath(directory, SAFETENSORS.whole), tensors, { floatType, metadata });
    return undefined;
  }
  const weightMap: Record<string, string> = {};
  let total = 0;
  for (const [i, shard] of shards.entries()) {
    const name = shardName(i, shards.length);
    await writeSafetensors(joinPath(directory, name), shard, { floatType, metadata });
    for (const [tensorName, tensor] of shard) {
      weightMap[tensorName] = name;
      total += storedBytes(tensor, floatType);
    }
  }
  return shardIndex(weightMap, total);
}

/** The index of weights that lie in several files: its name and content. */
export function shardIndex(
  weightMap: Readonly<Record<string, string>>,
  totalBytes: number,
): { index: string; content: string } {
  const index = { metadata: { total_size: totalBytes }, weight_map: weightMap };
  return { index: SAFETENSORS.index, content: `${JSON.stringify(index, null, 2)}\n` };
}

/** What the i-th of so many files of weights is called. */
export function shardName(i: number, count: number): string {
  if (count === 1) return SAFETENSORS.whole;
  const fiveDigits = (value: number): string => String(value).padStart(5, "0");
  return `model-${fiveDigits(i + 1)}-of-${fiveDigits(count)}.safetensors`;
}

/** Cuts a list into parts of at most `maxBytes`; what is larger is a part by itself. */
export function splitIntoShards<Item>(
  items: readonly Item[],
  bytesOf: (item: Item) => number,
  maxBytes: number,
): Item[][] {
  const shards: Item[][] = [[]];
  let filled = 0;
  for (const item of items) {
    const bytes = bytesOf(item);
    if (filled > 0 && filled + bytes > maxBytes) {
      shards.push([]);
      filled = 0;
    }
    shards[shards.length - 1].push(item);
    filled += bytes;
  }
  return shards;
}
