import { joinPath, pathKind, readJson } from "../platform/index.ts";
import { CheckpointError } from "./errors.ts";
import {
  type FloatType,
  type NamedTensors,
  openSafetensors,
  type SafetensorsFile,
  storedBytes,
  writeSafetensors,
} from "./safetensors.ts";

const WHOLE = "model.safetensors";
const INDEX = "model.safetensors.index.json";
const FETCH = "Fetch the missing files, or save the checkpoint again.";

/**
 * Buffers that older library versions stored beside the weights. They follow from the config, and some files
 * hold them rounded too coarsely to use.
 */
export function isDerivedBuffer(name: string): boolean {
  return name.endsWith("rotary_emb.inv_freq");
}

/**
 * Reads the weights of a checkpoint directory: `model.safetensors`, or the files that
 * `model.safetensors.index.json` names. Derived buffers are left out.
 *
 * @throws CheckpointError naming every missing file, and every tensor that index and files disagree about
 */
export async function readWeights(directory: string): Promise<NamedTensors> {
  const tensors: NamedTensors = new Map();
  for (const file of await openWeights(directory)) {
    for (const { name } of file.tensors) {
      if (!isDerivedBuffer(name)) tensors.set(name, await file.read(name));
    }
    await file.close();
  }
  return tensors;
}

async function openWeights(directory: string): Promise<SafetensorsFile[]> {
  const index = joinPath(directory, INDEX);
  if ((await pathKind(index)) === "file") return openShards(directory, index);
  const whole = joinPath(directory, WHOLE);
  if ((await pathKind(whole)) === "file") return [await openSafetensors(whole)];
  const torch = (await pathKind(joinPath(directory, "pytorch_model.bin.index.json"))) === "file";
  const torchWhole = (await pathKind(joinPath(directory, "pytorch_model.bin"))) === "file";
  const found = torch || torchWhole ? "PyTorch .bin files only" : "neither";
  throw new CheckpointError(
    directory,
    `must hold ${WHOLE} or ${INDEX}`,
    [found],
    torch || torchWhole
      ? "Convert them to safetensors first."
      : "Is this the directory of a checkpoint, and was it fetched completely?",
  );
}

async function openShards(directory: string, indexPath: string): Promise<SafetensorsFile[]> {
  const weightMap = readWeightMap(await readJson(indexPath), indexPath);
  const names = [...new Set(weightMap.values())].sort();
  const problems: string[] = [];
  const files: SafetensorsFile[] = [];
  for (const name of names) {
    try {
      files.push(await openSafetensors(joinPath(directory, name)));
    } catch (error) {
      problems.push((error as Error).message);
    }
  }
  // A shard that cannot be opened would make every one of its tensors a second problem.
  if (problems.length === 0) problems.push(...disagreements(weightMap, names, files));
  if (problems.length > 0) {
    for (const file of files) await file.close();
    throw new CheckpointError(indexPath, "must agree with the files it names", problems, FETCH);
  }
  return files;
}

function readWeightMap(index: unknown, where: string): Map<string, string> {
  const map = typeof index === "object" && index !== null && "weight_map" in index ? index.weight_map : null;
  if (typeof map !== "object" || map === null) {
    throw new CheckpointError(where, "must be an index", ["no weight_map"], FETCH);
  }
  const entries = Object.entries(map);
  const bad = entries.filter(([, file]) => typeof file !== "string" || !/^[^/\\]+\.safetensors$/.test(file));
  if (bad.length > 0) {
    const problems = bad.map(([name, file]) => `${name} in ${JSON.stringify(file)}`);
    throw new CheckpointError(where, "must name safetensors files of its own directory", problems, FETCH);
  }
  return new Map(entries);
}

function disagreements(
  weightMap: ReadonlyMap<string, string>,
  names: readonly string[],
  files: readonly SafetensorsFile[],
): string[] {
  const held = new Map<string, Set<string>>();
  files.forEach((file, i) => {
    held.set(names[i], new Set(file.tensors.map((tensor) => tensor.name)));
  });
  const problems: string[] = [];
  for (const [tensor, file] of weightMap) {
    if (!held.get(file)?.has(tensor)) problems.push(`${tensor} is not in ${file}`);
  }
  for (const [file, tensors] of held) {
    for (const tensor of tensors) {
      if (weightMap.get(tensor) !== file) problems.push(`${tensor} of ${file} is not in the index`);
    }
  }
  return problems;
}

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
    await writeSafetensors(joinPath(directory, WHOLE), tensors, { floatType, metadata });
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
  return { index: INDEX, content: `${JSON.stringify(index, null, 2)}\n` };
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
