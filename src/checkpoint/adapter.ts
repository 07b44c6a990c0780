import { isInModule, type LoraPlacement, loraPartOf } from "../model/index.ts";
import { modelFiles } from "../model-files/index.ts";
import {
  completeDirectory,
  directoryEntries,
  fileName,
  joinPath,
  parentDirectory,
  pathKind,
  readJson,
  replaceDirectory,
  writeFileAtomically,
} from "../platform/index.ts";
import type { HostTensor } from "../tensor/index.ts";
import {
  type AdapterConfig,
  type LoraConfig,
  parseAdapterConfig,
  publishedAdapterConfig,
} from "./adapter-config.ts";
import { fitted } from "./adapter-fit.ts";
import { loraName, modulesOf, peftPrefix, sortTensors } from "./adapter-names.ts";
import { forTiedHead } from "./adapter-tied.ts";
import { CheckpointError } from "./errors.ts";
import { type FloatType, writeSafetensors } from "./safetensors-write.ts";
import { readAll, type StateDict } from "./tensor-source.ts";
import {
  adapterFile,
  indexFile,
  openTensors,
  safetensors,
  weightFormats,
  wholeFile,
} from "./weight-formats.ts";
import { openWeights } from "./weights.ts";

/** A trained LoRA, and whatever else was trained beside it. */
export interface Adapter {
  readonly settings: LoraConfig;
  /**
   * The LoRA matrices, by PEFT's names: `base_model.model.<module>.lora_A.weight` and `…lora_B.weight`, and of a DoRA the
   * lengths of rows, `…lora_magnitude_vector`.
   */
  readonly lora: StateDict;
  /** Tensors that replace the base model's as a whole, by their published names (the abstractor of stage 2). */
  readonly replaced: StateDict;
  /**
   * The prompt template that it was trained with: `prompt_template` of a tokenizer_config.json beside it, not validated
   * yet. Absent: the base model's.
   */
  readonly promptTemplate?: unknown;
  /** The model that it was trained on, as `adapter_config.json` names it; absent where that does not say. */
  readonly baseModel?: string | undefined;
}

/** The file that the matrices are written to. */
const matricesName = adapterFile(safetensors);
/** As PEFT writes them, in any format. */
const publishedMatrices = weightFormats.map(adapterFile);
/** Files that may hold the matrices: PEFT's, or a wrapped model as a training script saved it. */
const knownMatrices = [
  ...publishedMatrices,
  ...weightFormats.map(wholeFile),
  ...weightFormats.map(indexFile),
];
const isIndex = (file: string): boolean =>
  weightFormats.some((format) => fileName(file) === indexFile(format));
/** Tensors beside them that replace the base model's as a whole. */
const replacedName = "trained_modules.safetensors";
/** Files beside an adapter's that belong to it: those tensors, as written here and by mPLUG-Owl2's and LLaVA's training scripts. */
export const besideAdapter: readonly string[] = [replacedName, "non_lora_trainables.bin"];

/** LoRA's alpha in the released stage 2: the default for a file without a config. */
const RELEASED_ALPHA = 32;

/**
 * Reads an adapter: a directory as PEFT writes it (`adapter_model.safetensors`, or the older
 * `adapter_model.bin`), or a lone file of either kind. A state dict that a training script saved of the wrapped
 * model is read too, in one file or several, with the base model's weights in it or without. Where no
 * `adapter_config.json` speaks of the file the rank is taken from the tensors and alpha is 32, the released setting.
 *
 * @param model the tensors of the model that it is for, by name: one that was trained on a language model alone gets the
 *   names that this has in an owl
 * @throws CheckpointError naming every problem: unpaired matrices, shapes that do not match, settings and tensors
 *   of PEFT that change what the matrices mean and are not supported
 */
export async function loadAdapter(
  path: string,
  model: ReadonlyMap<string, unknown> = new Map(),
): Promise<Adapter> {
  const isFile = (await pathKind(path)) === "file";
  const directory = isFile ? parentDirectory(path) : await completeDirectory(path);
  const file = isFile ? path : joinPath(directory, await matricesFile(directory));
  const tensors = await readAll(await (isIndex(file) ? openWeights(directory) : openTensors(file)));
  for (const name of isFile ? [] : besideAdapter) {
    const beside = joinPath(directory, name);
    if (!(await isThere(beside))) continue;
    for (const [name, tensor] of await readAll(await openTensors(beside))) tensors.set(name, tensor);
  }
  const config = joinPath(directory, modelFiles.adapterConfig);
  // A config describes the published file of its directory, not any other file there.
  const isPublished = !isFile || publishedMatrices.includes(fileName(file));
  const hasConfig = isPublished && (await isThere(config));
  const json = hasConfig ? await readJson(config) : undefined;
  const read = fitted(adapterFrom(tensors, json, file, hasConfig ? config : file), model);
  const isTied = hasConfig && parseAdapterConfig(json, config).ensuresTying;
  const savedModules = isTied ? [] : (read.settings.modulesToSave ?? []);
  const adapter = forTiedHead(read, model, { where: config, savedModules });
  const promptTemplate = isPublished ? await templateBeside(directory) : undefined;
  return promptTemplate === undefined ? adapter : { ...adapter, promptTemplate };
}

/** All that {@link loadAdapter} reads: a directory, or a lone file that nothing beside it speaks of. */
export async function adapterSource(path: string): Promise<string> {
  if ((await pathKind(path)) !== "file") return path;
  const isAlone = !isIndex(path) && !publishedMatrices.includes(fileName(path));
  return isAlone ? path : parentDirectory(path);
}

async function templateBeside(directory: string): Promise<unknown> {
  const path = joinPath(directory, modelFiles.tokenizerConfig);
  const json = (await isThere(path)) ? await readJson(path) : undefined;
  return typeof json === "object" && json !== null && "prompt_template" in json
    ? json.prompt_template
    : undefined;
}

async function matricesFile(directory: string): Promise<string> {
  for (const name of knownMatrices) if (await isThere(joinPath(directory, name))) return name;
  const inside = [];
  for (const name of await directoryEntries(directory)) {
    if (await isThere(joinPath(directory, name, modelFiles.adapterConfig))) inside.push(name);
  }
  const next =
    inside.length === 0
      ? "Name the file of the adapter, or the directory that PEFT or `owl train` wrote."
      : `Name one of the directories in it that hold one: ${inside.slice(0, 8).join(", ")}.`;
  throw new CheckpointError(directory, `must hold ${publishedMatrices.join(" or ")}`, ["neither"], next);
}

async function isThere(path: string): Promise<boolean> {
  return (await pathKind(path)) === "file";
}

/**
 * Splits a state dict into LoRA matrices and replaced tensors.
 *
 * @param config the content of `adapter_config.json`, or undefined
 */
export function adapterFrom(
  tensors: StateDict,
  config: unknown,
  where = "adapter",
  configWhere = where,
): Adapter {
  const { lora, replaced, problems: foreign } = sortTensors(tensors);
  const rank = [...lora].find(([name]) => name.endsWith(".lora_A.weight"))?.[1].dims[0];
  const hasLengths = [...lora.keys()].some((name) => loraPartOf(name)?.part === "magnitude");
  const { settings, baseModel }: AdapterConfig =
    config === undefined
      ? {
          settings: {
            rank: rank ?? 0,
            alpha: RELEASED_ALPHA,
            dropout: 0,
            targetModules: targetsOf(lora),
            ...(hasLengths && { useDora: true }),
          },
          baseModel: undefined,
          ensuresTying: false,
        }
      : parseAdapterConfig(config, configWhere);
  const problems = [...foreign, ...partProblems(lora, settings)];
  if (lora.size === 0) problems.push("no lora_A and lora_B tensors");
  for (const module of settings.modulesToSave ?? []) {
    const isSaved = [...replaced.keys()].some((name) => isInModule(name, module));
    if (!isSaved) problems.push(`no tensor of ${module}, which modules_to_save names`);
  }
  if (problems.length > 0) {
    throw new CheckpointError(
      where,
      "must hold LoRA matrices in pairs",
      problems,
      "Save the adapter again, or merge it with the tool that wrote it.",
    );
  }
  return { settings, lora, replaced, ...(baseModel !== undefined && { baseModel }) };
}

function targetsOf(lora: StateDict): string[] {
  return [...new Set([...modulesOf(lora)].map((module) => module.slice(module.lastIndexOf(".") + 1)))];
}

/** The layers that get low-rank additions, and their scale, for tracing a model with the adapter. */
export function loraPlacement({ settings, lora }: Adapter): Omit<LoraPlacement, "modulesToSave"> {
  const modules = modulesOf(lora);
  const { rank, alpha, useRslora, useDora } = settings;
  return { rank, alpha, useRslora, useDora, targets: (layer) => modules.has(layer) };
}

function partProblems(lora: StateDict, { rank, useDora = false }: LoraConfig): string[] {
  const problems: string[] = [];
  for (const module of modulesOf(lora)) {
    const a = lora.get(loraName(module, "A"));
    const b = lora.get(loraName(module, "B"));
    if (!a || !b) {
      problems.push(`${module} with ${a ? "lora_A" : b ? "lora_B" : "lora_magnitude_vector"} only`);
    } else if (a.dims.length !== 2 || b.dims.length !== 2 || a.dims[0] !== rank || b.dims[1] !== rank) {
      problems.push(
        `${module} with lora_A [${a.dims.join(", ")}] and lora_B [${b.dims.join(", ")}] where the rank is ${rank}`,
      );
    } else if (a.dtype !== "float32" || b.dtype !== "float32") {
      problems.push(`${module} with matrices that are not floating point`);
    } else
      problems.push(...lengthProblems(module, b.dims[0], lora.get(loraName(module, "magnitude")), useDora));
  }
  return problems;
}

/** What is wrong with the lengths of a layer's rows, which a DoRA has and no other LoRA. */
function lengthProblems(
  module: string,
  rows: number,
  lengths: HostTensor | undefined,
  useDora: boolean,
): string[] {
  if (lengths === undefined)
    return useDora ? [`${module} without lora_magnitude_vector, which a DoRA has`] : [];
  if (!useDora)
    return [`${module}.lora_magnitude_vector, where adapter_config.json says nothing of use_dora`];
  if (lengths.dtype === "float32" && lengths.dims.join() === String(rows)) return [];
  return [
    `${module}.lora_magnitude_vector as ${lengths.dtype} [${lengths.dims.join(", ")}] where lora_B has ${rows} rows`,
  ];
}

/**
 * Writes an adapter directory: `adapter_config.json` and `adapter_model.safetensors` as PEFT has them, the modules that
 * `modulesToSave` names included, and, where other tensors were replaced as a whole, `trained_modules.safetensors` beside them; a template of its own as
 * `prompt_template` of tokenizer_config.json. Replaces the directory atomically as {@link saveCheckpoint} does.
 */
export async function saveAdapter(
  directory: string,
  adapter: Adapter,
  options: { floatType?: FloatType; baseModel?: string; isLanguageModel?: boolean } = {},
): Promise<void> {
  const { floatType = "F32", baseModel = adapter.baseModel, isLanguageModel = false } = options;
  const config = publishedAdapterConfig(adapter.settings, baseModel, isLanguageModel);
  const published: StateDict = new Map(adapter.lora);
  const beside: StateDict = new Map();
  const { modulesToSave = [] } = adapter.settings;
  for (const [name, tensor] of adapter.replaced) {
    if (modulesToSave.some((module) => isInModule(name, module))) published.set(peftPrefix + name, tensor);
    else beside.set(name, tensor);
  }
  const fill = async (partial: string) => {
    await writeSafetensors(joinPath(partial, matricesName), published, {
      floatType,
      metadata: { format: "pt" },
    });
    if (beside.size > 0) {
      await writeSafetensors(joinPath(partial, replacedName), beside, { floatType });
    }
    await writeFileAtomically(
      joinPath(partial, modelFiles.adapterConfig),
      `${JSON.stringify(config, null, 2)}\n`,
    );
    if (adapter.promptTemplate !== undefined) {
      const settings = JSON.stringify({ prompt_template: adapter.promptTemplate }, null, 2);
      await writeFileAtomically(joinPath(partial, modelFiles.tokenizerConfig), `${settings}\n`);
    }
  };
  const own = [...publishedMatrices, replacedName, modelFiles.adapterConfig, modelFiles.tokenizerConfig];
  await replaceDirectory(directory, fill, (name) => !own.includes(name));
}
