import {
  baseWarning,
  CheckpointError,
  entriesByName,
  type FloatType,
  loadAdapter,
  mergedTensors,
  modulesOf,
  openValidated,
  readTokenizerFiles,
  renamed,
  requireNoModel,
  type ShardSettings,
  shardRules,
  writeSettingsFiles,
} from "../checkpoint/index.ts";
import { adapterPath, modelDirectory } from "../hub/index.ts";
import { publishedModel, settingsJson, storedName } from "../model/index.ts";
import { modelFiles } from "../model-files/index.ts";
import { checkOptions, joinPath, type OptionRules, option } from "../platform/index.ts";
import { taughtSettings, withSettings } from "../prompt/index.ts";
import { writeWeights } from "./write-weights.ts";

export interface MergeOptions extends ShardSettings {
  /** A LoRA in PEFT's layout, with what was trained beside it: a directory, or a file of its matrices. */
  readonly adapter: string | URL;
  /** Number format of all weights in the files. Default: as the model's, where the sums are rounded to it. */
  readonly floatType?: FloatType | undefined;
}

const mergeRules: OptionRules<MergeOptions> = {
  ...shardRules,
  adapter: option.place.unwrap().describe("the path of a LoRA adapter"),
  floatType: option.oneOf(["F32", "F16", "BF16"] satisfies FloatType[]),
};

export interface MergeReport {
  /** Weights that a LoRA was merged into. */
  readonly layers: number;
  /** Tensors that the adapter replaced as a whole. */
  readonly replaced: number;
  /** Bytes of the numbers written, and in how many files. */
  readonly bytes: number;
  readonly files: number;
  /** What is doubtful: an adapter that was trained on another model. */
  readonly warnings: readonly string[];
}

/** `torch_dtype` in config.json of a number format. */
const typeNames: Readonly<Record<FloatType, string>> = { F32: "float32", F16: "float16", BF16: "bfloat16" };

/**
 * Writes a model with an adapter merged into its weights (`W + scale · B · A`, arXiv 2106.09685; of a DoRA its rows at their learned lengths), which then needs
 * the adapter no more: to give away, to quantise, to train further. Weights go from file to file in pieces, so memory
 * holds the adapter and some tens of megabytes; config.json comes last, so what was stopped is never taken for a model.
 *
 * @param directory the model, in floating point
 * @param output a directory that holds no model yet
 * @throws CheckpointError naming every tensor of the adapter that the model has not, or in another shape; where the
 *   model is quantised; FileError; the signal's reason
 */
export async function mergeCheckpoint(
  model: string | URL,
  output: string,
  options: MergeOptions,
): Promise<MergeReport> {
  checkOptions("mergeCheckpoint", options, mergeRules);
  await requireNoModel(output);
  const directory = await modelDirectory(model);
  const adapterFile = await adapterPath(options.adapter);
  const { config, checkpoint } = await openValidated(directory, publishedModel);
  try {
    if (config.quantization !== undefined) throw quantizedError(directory);
    const adapter = await loadAdapter(adapterFile, entriesByName(checkpoint.weights));
    const merged = mergedTensors(checkpoint.weights, adapter, adapterFile);
    const weights = renamed(merged, (name) => storedName(config, name));
    const { bytes, files } = await writeWeights(weights, output, options, options.floatType);
    const tokenizer = await readTokenizerFiles(directory);
    await writeSettingsFiles(
      output,
      settingsJson(config, checkpoint.config, options.floatType && typeNames[options.floatType]),
      {
        ...(adapter.promptTemplate === undefined
          ? tokenizer
          : withSettings(tokenizer, taughtSettings(adapter.promptTemplate))),
        [modelFiles.generationConfig]: checkpoint.generationConfig,
        [modelFiles.preprocessorConfig]: checkpoint.preprocessorConfig,
      },
    );
    const warning = await baseWarning(adapter, adapterFile, directory, checkpoint.config);
    const warnings = warning === undefined ? [] : [warning];
    return { layers: modulesOf(adapter.lora).size, replaced: adapter.replaced.size, bytes, files, warnings };
  } finally {
    await checkpoint.weights.close();
  }
}

function quantizedError(directory: string): CheckpointError {
  return new CheckpointError(
    joinPath(directory, modelFiles.config),
    "must describe a model in floating point",
    ["one with a section quantization"],
    "Merge the adapter into the checkpoint that it was converted from, and convert that.",
  );
}
