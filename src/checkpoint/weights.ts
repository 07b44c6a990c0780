import { isGguf } from "../gguf/index.ts";
import { joinPath, pathKind, readJson } from "../platform/index.ts";
import { CheckpointError } from "./errors.ts";
import { entryOf, type TensorSource } from "./tensor-source.ts";
import { indexFile, isNameOf, type WeightFormat, weightFormats, wholeFile } from "./weight-formats.ts";

const FETCH = "Fetch the missing files, or save the checkpoint again.";

/**
 * Buffers that older library versions stored beside the weights. They follow from the config, and some files
 * hold them rounded too coarsely to use.
 */
export function isDerivedBuffer(name: string): boolean {
  return /(^|\.)(rotary_emb\.(inv_freq|cos_cached|sin_cached)|embeddings\.position_ids|self_attention\.masked_bias|crossattention\.attention\.[qk]_pos_embed)$/.test(
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
  for (const format of weightFormats) {
    const whole = joinPath(directory, wholeFile(format));
    if ((await pathKind(whole)) === "file") return joined(directory, [await format.open(whole)]);
    const index = joinPath(directory, indexFile(format));
    if ((await pathKind(index)) === "file") {
      return joined(directory, await openShards(directory, index, format));
    }
  }
  const names = weightFormats.flatMap((format) => [wholeFile(format), indexFile(format)]);
  throw new CheckpointError(
    directory,
    `must hold ${names.join(", ")}`,
    ["none of them"],
    "Is this the directory of a checkpoint, and was it fetched completely?",
  );
}

/**
 * The files that a checkpoint's weights are read from, by which other weights are told from the same: that of all, or the index
 * and those that it names; of a GGUF file itself.
 */
export async function weightFiles(directory: string): Promise<string[]> {
  if (await isGguf(directory)) return [directory];
  for (const format of weightFormats) {
    const whole = joinPath(directory, wholeFile(format));
    if ((await pathKind(whole)) === "file") return [whole];
    const index = joinPath(directory, indexFile(format));
    if ((await pathKind(index)) !== "file") continue;
    const names = readWeightMap(await readJson(index), index, format).values();
    return [index, ...[...new Set(names)].sort().map((name) => joinPath(directory, name))];
  }
  return [];
}

/** Whether a directory holds weights, or their index, under the name of any format; a GGUF file does. */
export async function hasWeights(directory: string): Promise<boolean> {
  if (await isGguf(directory)) return true;
  const names = weightFormats.flatMap((format) => [wholeFile(format), indexFile(format)]);
  const kinds = await Promise.all(names.map((name) => pathKind(joinPath(directory, name))));
  return kinds.includes("file");
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

function readWeightMap(index: unknown, where: string, format: WeightFormat): Map<string, string> {
  const map = typeof index === "object" && index !== null && "weight_map" in index ? index.weight_map : null;
  if (typeof map !== "object" || map === null) {
    throw new CheckpointError(where, "must be an index", ["no weight_map"], FETCH);
  }
  const entries = Object.entries(map);
  const isShard = (file: unknown): boolean =>
    typeof file === "string" && /^[^/\\]+$/.test(file) && isNameOf(format, file);
  const bad = entries.filter(([, file]) => !isShard(file));
  if (bad.length > 0) {
    const problems = bad.map(([name, file]) => `${name} in ${JSON.stringify(file)}`);
    throw new CheckpointError(where, `must name ${format.name} files of its own directory`, problems, FETCH);
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
