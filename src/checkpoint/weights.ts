import { joinPath, pathKind, readJson } from "../platform/index.ts";
import { CheckpointError } from "./errors.ts";
import { openSafetensors } from "./safetensors.ts";
import { entryOf, type TensorSource } from "./tensor-source.ts";
import { openTorch } from "./torch-file.ts";

/** The names a library gives the weights of a checkpoint. */
interface WeightFormat {
  readonly says: string;
  /** All weights in one file. */
  readonly whole: string;
  /** Which of several files holds which tensor. */
  readonly index: string;
  /** What the files of an index are called. */
  readonly shard: RegExp;
  readonly open: (path: string) => Promise<TensorSource>;
}

export const SAFETENSORS: WeightFormat = {
  says: "safetensors",
  whole: "model.safetensors",
  index: "model.safetensors.index.json",
  shard: /^[^/\\]+\.safetensors$/,
  open: openSafetensors,
};

const TORCH: WeightFormat = {
  says: "PyTorch",
  whole: "pytorch_model.bin",
  index: "pytorch_model.bin.index.json",
  shard: /^[^/\\]+\.(bin|pt)$/,
  open: openTorch,
};

/** The first of these that a directory has. */
const FORMATS = [SAFETENSORS, TORCH];
const FETCH = "Fetch the missing files, or save the checkpoint again.";

/**
 * Buffers that older library versions stored beside the weights. They follow from the config, and some files
 * hold them rounded too coarsely to use.
 */
export function isDerivedBuffer(name: string): boolean {
  return /(^|\.)(rotary_emb\.(inv_freq|cos_cached|sin_cached)|embeddings\.position_ids|self_attention\.masked_bias)$/.test(
    name,
  );
}

/**
 * Opens the weights of a checkpoint directory: one file, or else those that an index names; an index beside a whole file
 * was left behind, and is not looked at (as in transformers). Derived buffers are left out.
 *
 * @throws CheckpointError naming every missing file, and every tensor that index and files disagree about
 */
export async function openWeights(directory: string): Promise<TensorSource> {
  for (const format of FORMATS) {
    const whole = joinPath(directory, format.whole);
    if ((await pathKind(whole)) === "file") return joined(directory, [await format.open(whole)]);
    const index = joinPath(directory, format.index);
    if ((await pathKind(index)) === "file") {
      return joined(directory, await openShards(directory, index, format));
    }
  }
  const names = FORMATS.flatMap(({ whole, index }) => [whole, index]);
  throw new CheckpointError(
    directory,
    `must hold ${names.join(", ")}`,
    ["none of them"],
    "Is this the directory of a checkpoint, and was it fetched completely?",
  );
}

/** Opens a file of tensors by its name: a PyTorch file where that ends so, else safetensors. */
export function openTensors(path: string): Promise<TensorSource> {
  return /\.(bin|pt|pth)$/.test(path) ? openTorch(path) : openSafetensors(path);
}

function joined(path: string, files: readonly TensorSource[]): TensorSource {
  const owners = new Map(files.flatMap((file) => file.tensors.map(({ name }) => [name, file])));
  return {
    path,
    tensors: files.flatMap(({ tensors }) => tensors.filter(({ name }) => !isDerivedBuffer(name))),
    read: async (name, rows) => entryOf(owners, name, path).read(name, rows),
    close: () => closeAll(files),
  };
}

async function closeAll(files: readonly TensorSource[]): Promise<void> {
  for (const file of files) await file.close();
}

async function openShards(
  directory: string,
  indexPath: string,
  format: WeightFormat,
): Promise<TensorSource[]> {
  const weightMap = readWeightMap(await readJson(indexPath), indexPath, format);
  const names = [...new Set(weightMap.values())].sort();
  const problems: string[] = [];
  const files: TensorSource[] = [];
  for (const name of names) {
    try {
      files.push(await format.open(joinPath(directory, name)));
    } catch (error) {
      problems.push((error as Error).message);
    }
  }
  // A shard that cannot be opened would make every one of its tensors a second problem.
  if (problems.length === 0) problems.push(...disagreements(weightMap, names, files));
  if (problems.length > 0) {
    await closeAll(files);
    throw new CheckpointError(indexPath, "must agree with the files it names", problems, FETCH);
  }
  return files;
}

function readWeightMap(index: unknown, where: string, { says, shard }: WeightFormat): Map<string, string> {
  const map = typeof index === "object" && index !== null && "weight_map" in index ? index.weight_map : null;
  if (typeof map !== "object" || map === null) {
    throw new CheckpointError(where, "must be an index", ["no weight_map"], FETCH);
  }
  const entries = Object.entries(map);
  const bad = entries.filter(([, file]) => typeof file !== "string" || !shard.test(file));
  if (bad.length > 0) {
    const problems = bad.map(([name, file]) => `${name} in ${JSON.stringify(file)}`);
    throw new CheckpointError(where, `must name ${says} files of its own directory`, problems, FETCH);
  }
  return new Map(entries);
}

function disagreements(
  weightMap: ReadonlyMap<string, string>,
  names: readonly string[],
  files: readonly TensorSource[],
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
