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
  const shards = splitIntoShards(tensors, floatType, maxShardBytes);
  const metadata = { format: "pt" };
  if (shards.length === 1) {
    await writeSafetensors(joinPath(directory, SAFETENSORS.whole), tensors, { floatType, metadata });
    return undefined;
  }
  const weightMap: Record<string, string> = {};
  let total = 0;
  for (const [i, shard] of shards.entries()) {
    const name = `model-${fiveDigits(i + 1)}-of-${fiveDigits(shards.length)}.safetensors`;
    await writeSafetensors(joinPath(directory, name), shard, { floatType, metadata });
    for (const [tensorName, tensor] of shard) {
      weightMap[tensorName] = name;
      total += storedBytes(tensor, floatType);
    }
  }
  const index = { metadata: { total_size: total }, weight_map: weightMap };
  return { index: SAFETENSORS.index, content: `${JSON.stringify(index, null, 2)}\n` };
}

function fiveDigits(value: number): string {
  return String(value).padStart(5, "0");
}

function splitIntoShards(tensors: NamedTensors, floatType: FloatType, maxBytes: number): NamedTensors[] {
  const shards: NamedTensors[] = [new Map()];
  let filled = 0;
  for (const [name, tensor] of tensors) {
    const bytes = storedBytes(tensor, floatType);
    if (filled > 0 && filled + bytes > maxBytes) {
      shards.push(new Map());
      filled = 0;
    }
    shards[shards.length - 1].set(name, tensor);
    filled += bytes;
  }
  return shards;
}
