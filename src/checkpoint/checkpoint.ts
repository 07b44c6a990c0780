import { isGguf } from "../gguf/index.ts";
import { modelFiles, settingsFiles, tokenizerFiles } from "../model-files/index.ts";
import {
  completeDirectory,
  joinPath,
  pathKind,
  readBytes,
  readJson,
  replaceDirectory,
  writeFileAtomically,
} from "../platform/index.ts";
import { readGgufTokenizer } from "../tokenizer/index.ts";
import { CheckpointError } from "./errors.ts";
import { openGguf } from "./gguf-checkpoint.ts";
import { readPreprocessing } from "./preprocessing.ts";
import { isCheckpoint, isRun } from "./run-directory.ts";
import {
  type FloatType,
  requireComplete,
  storedNumbers,
  storedType,
  writeSafetensors,
  writeSource,
} from "./safetensors-write.ts";
import { readAll, rowsOf, type StateDict, type TensorSource } from "./tensor-source.ts";
import { adapterAdvice } from "./validate.ts";
import { isWeightFile } from "./weight-formats.ts";
import { openWeights } from "./weights.ts";
import { writeShards } from "./write-shards.ts";

interface Settings {
  /** Where it was read from. */
  readonly directory: string;
  /** `config.json`, not interpreted. */
  readonly config: unknown;
  /** `generation_config.json`, not interpreted; undefined where there is none. */
  readonly generationConfig: unknown;
  /**
   * `preprocessor_config.json`, or the section `image_processor` of `processor_config.json`, not interpreted; undefined
   * where there is neither.
   */
  readonly preprocessorConfig: unknown;
  /** The file that {@link preprocessorConfig} is of, or would be. */
  readonly preprocessorFile: string;
}

/** A checkpoint directory in the published layout, whose weights are read one at a time; the caller closes them. */
export interface OpenedCheckpoint extends Settings {
  /** The weights by their published names: what there is, its shape and number format, and its values. */
  readonly weights: TensorSource;
}

/** A checkpoint directory in the published layout, read into memory. */
export interface Checkpoint extends Settings {
  /** The weights by their published names, floats as float32. */
  readonly tensors: StateDict;
}

/**
 * Opens a checkpoint directory: `config.json`, the weights (safetensors or PyTorch's .bin, one file or shards),
 * and, where they are there, `generation_config.json` and `preprocessor_config.json` (or transformers 5's
 * `processor_config.json`). Of the weights only names,
 * shapes and types are read; {@link TensorSource.read} fetches one tensor. `rotary_emb.inv_freq` and other
 * buffers that follow from the config are left out. A GGUF file stands for the directory of the language model in it.
 *
 * @throws FileError or CheckpointError naming the file and what is wrong with it
 */
export async function openCheckpoint(directory: string): Promise<OpenedCheckpoint> {
  if (await isGguf(directory)) {
    const nothing = {
      generationConfig: undefined,
      preprocessorConfig: undefined,
      preprocessorFile: directory,
    };
    return { directory, ...nothing, ...(await openGguf(directory)) };
  }
  const from = await completeDirectory(directory);
  await requireModelDirectory(from);
  const preprocessing = await readPreprocessing(from);
  return {
    directory: from,
    config: await readJson(joinPath(from, modelFiles.config)),
    generationConfig: await readJsonIfThere(joinPath(from, modelFiles.generationConfig)),
    preprocessorConfig: preprocessing.content,
    preprocessorFile: preprocessing.where,
    weights: await openWeights(from),
  };
}

/** @throws CheckpointError where a directory is an adapter's or a training run's: it has weights, but is no model */
async function requireModelDirectory(directory: string): Promise<void> {
  const holds = async (name: string): Promise<boolean> =>
    (await pathKind(joinPath(directory, name))) === "file";
  if (await isCheckpoint(directory)) {
    const next = "`owl chat` asks it; when the run is done its model lies in model/.";
    throw new CheckpointError(
      directory,
      "must be a model directory",
      ["a checkpoint of a training run"],
      next,
    );
  }
  if (await holds(modelFiles.config)) return;
  if (await isRun(directory)) {
    const next =
      "When the run is done its model lies in model/; until then `owl chat` asks its last checkpoint.";
    throw new CheckpointError(
      directory,
      "must be a model directory",
      ["the directory of a training run"],
      next,
    );
  }
  if (await holds(modelFiles.adapterConfig)) {
    const got = "adapter_config.json without config.json: a LoRA adapter";
    throw new CheckpointError(directory, "must be a model directory", [got], adapterAdvice(directory));
  }
}

/** As {@link openCheckpoint}, with every tensor read. */
export async function loadCheckpoint(directory: string): Promise<Checkpoint> {
  const { weights, ...settings } = await openCheckpoint(directory);
  return { ...settings, tensors: await readAll(weights) };
}

async function readJsonIfThere(path: string): Promise<unknown> {
  return (await pathKind(path)) === "file" ? readJson(path) : undefined;
}

/** The tokenizer's files of a checkpoint directory, to hand to {@link saveCheckpoint} unchanged. */
export async function readTokenizerFiles(directory: string): Promise<Record<string, Uint8Array>> {
  if (await isGguf(directory)) {
    const content = await readGgufTokenizer(directory);
    if (content === undefined) return {};
    const { json, configuration } = content;
    const bytes = (content: unknown): Uint8Array => new TextEncoder().encode(`${JSON.stringify(content)}\n`);
    return { [modelFiles.tokenizer]: bytes(json), [modelFiles.tokenizerConfig]: bytes(configuration) };
  }
  const from = await completeDirectory(directory);
  const files: Record<string, Uint8Array> = {};
  for (const name of tokenizerFiles) {
    const path = joinPath(from, name);
    if ((await pathKind(path)) === "file") files[name] = await readBytes(path);
  }
  return files;
}

export interface CheckpointContent {
  /** Written as `config.json`. */
  config: unknown;
  /** In memory, or read some rows at a time as they are written. */
  tensors: StateDict | TensorSource;
  /** The number format of the weights in the file (default F32). */
  floatType?: FloatType;
  generationConfig?: unknown;
  preprocessorConfig?: unknown;
  /** More files by name: the tokenizer's, a trainer's state, a model card. */
  files?: Readonly<Record<string, string | Uint8Array>>;
  /** More safetensors files by name, in F32: an optimizer's moments. Of a source one tensor at a time is in memory. */
  tensorFiles?: Readonly<Record<string, StateDict | TensorSource>>;
  /** Above this many bytes the weights are split into numbered files (default 5 GB). */
  maxShardBytes?: number;
}

/**
 * Writes a checkpoint directory in the published layout. The directory is replaced as a whole: whoever
 * interrupts the writing, at any moment, leaves either the old or the new checkpoint for
 * {@link loadCheckpoint} to find, never a mixture. Files of the old directory that are no part of a checkpoint
 * (a README, a log) stay.
 */
export async function saveCheckpoint(directory: string, content: CheckpointContent): Promise<void> {
  const written = new Set([...Object.keys(content.files ?? {}), ...Object.keys(content.tensorFiles ?? {})]);
  await replaceDirectory(
    directory,
    (partial) => writeContent(partial, content),
    (name) => !written.has(name) && !isCheckpointFile(name),
  );
}

const isCheckpointFile = (name: string): boolean => settingsFiles.includes(name) || isWeightFile(name);

async function writeContent(directory: string, content: CheckpointContent): Promise<void> {
  const files: Record<string, string | Uint8Array> = { ...content.files };
  const settings = [
    [modelFiles.config, content.config],
    [modelFiles.generationConfig, content.generationConfig],
    [modelFiles.preprocessorConfig, content.preprocessorConfig],
  ] as const;
  for (const [name, value] of settings) {
    if (value !== undefined) files[name] = `${JSON.stringify(value, null, 2)}\n`;
  }
  await writeTensors(directory, content);
  for (const [name, tensors] of Object.entries(content.tensorFiles ?? {})) {
    const path = joinPath(directory, name);
    await (tensors instanceof Map ? writeSafetensors(path, tensors) : writeSource(path, tensors));
  }
  for (const [name, text] of Object.entries(files))
    await writeFileAtomically(joinPath(directory, name), text);
}

async function writeTensors(
  directory: string,
  { tensors, floatType = "F32", maxShardBytes }: CheckpointContent,
): Promise<void> {
  const { tensors: entries, read } = tensors instanceof Map ? sourceOf(tensors) : tensors;
  const plan = entries.map(({ name, dims, type }) => {
    const entry = { name, dims, type: type === "F32" ? floatType : type };
    return { source: entry, outputs: [entry] };
  });
  await writeShards(
    directory,
    plan,
    async ({ source: { name, type } }, rows) => [storedNumbers(name, (await read(name, rows)).data, type)],
    { maxShardBytes },
  );
}

/** Tensors in memory as a source, each of which is complete. */
function sourceOf(tensors: StateDict): Pick<TensorSource, "tensors" | "read"> {
  for (const [name, tensor] of tensors) requireComplete(name, tensor);
  return {
    tensors: [...tensors].map(([name, tensor]) => ({
      name,
      dims: tensor.dims,
      type: storedType(tensor, "F32"),
    })),
    read: async (name, rows) => rowsOf(tensors.get(name)!, rows),
  };
}
