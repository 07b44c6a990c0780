import { startDirectory, startFile } from "../checkpoint/index.ts";
import type { BatchSizes } from "../data/index.ts";
import { publishedPreprocessor } from "../image/index.ts";
import { settingsJson, stages } from "../model/index.ts";
import { joinPath, makeDirectory, pathKind, realPath, writeFileAtomically } from "../platform/index.ts";
import { hasState, type ModelFiles, saveModel, saveTrainedAdapter, type Trainer } from "../training/index.ts";
import type { BaseModel } from "./base-model.ts";
import { benchmarksDirectory } from "./benchmarks.ts";
import type { RunPlan } from "./recipe-file.ts";
import { samplesDirectory } from "./samples.ts";

/** The output directory holds what a run would overwrite. */
export class OutputError extends Error {
  override name = "OutputError";
}

/**
 * Refuses to start a run in a directory that holds one already, or a model.
 *
 * @throws OutputError that says what to do
 */
export async function requireFreshOutput(output: string): Promise<void> {
  const next = "--output begins in another directory";
  if (await hasState(joinPath(output, "state"))) {
    throw new OutputError(`${output}: must hold no run, got one; --resume goes on with it, ${next}`);
  }
  if ((await pathKind(joinPath(output, "model"))) !== "missing") {
    throw new OutputError(`${output}: must hold no model that the run would write over, got model/; ${next}`);
  }
  const written = ["state", startDirectory, "adapter", "best", "checkpoints"];
  for (const name of [...written, samplesDirectory, benchmarksDirectory]) {
    if ((await pathKind(joinPath(output, name))) !== "file") continue;
    throw new OutputError(
      `${output}: must have room for the run's ${name}/, got a file of that name; ${next}`,
    );
  }
}

/** Whether {@link writeStart} has done its work; not so where the directory was removed while a run wrote to it. */
export async function hasStart(output: string): Promise<boolean> {
  return (await pathKind(joinPath(output, startDirectory, startFile))) === "file";
}

/**
 * Writes what a checkpoint needs to be loaded as a model before the run is done: the tokenizer with the rows' prompt template, and
 * the path of the base model; a fresh base model as a whole.
 */
export async function writeStart(
  { recipe, model, output }: RunPlan,
  baseModel: BaseModel,
  trainer: Trainer<BatchSizes>,
): Promise<void> {
  const directory = joinPath(output, startDirectory);
  const about = `${JSON.stringify({ model: model === undefined ? null : await realPath(model) }, null, 2)}\n`;
  if (model === undefined) {
    const { files, ...rest } = modelFiles(baseModel);
    return saveModel(directory, trainer, recipe, { ...rest, files: { ...files, [startFile]: about } });
  }
  await makeDirectory(directory);
  for (const [name, bytes] of Object.entries(baseModel.tokenizerFiles)) {
    await writeFileAtomically(joinPath(directory, name), bytes);
  }
  await writeFileAtomically(joinPath(directory, startFile), about);
}

/**
 * Writes `model/` and, where a LoRA was trained, `adapter/`. Nothing can be merged into weights in few bits without rounding them
 * again, so that beside such a base model the adapter is the result.
 */
export async function saveOutputs(
  plan: RunPlan,
  baseModel: BaseModel,
  trainer: Trainer<BatchSizes>,
): Promise<void> {
  const { recipe, output, model } = plan;
  if (baseModel.quantization === undefined) {
    await saveModel(joinPath(output, "model"), trainer, recipe, modelFiles(baseModel));
  }
  if (!stages[recipe.stage].lora) return;
  const { config, template: promptTemplate } = baseModel;
  const options = { ...(model !== undefined && { baseModel: model }), promptTemplate, config };
  await saveTrainedAdapter(joinPath(output, "adapter"), trainer, recipe, options);
}

function modelFiles({ config, checkpoint, preprocessor, tokenizerFiles }: BaseModel): ModelFiles {
  return {
    config,
    files: tokenizerFiles,
    ...(config.textOnly && { settings: settingsJson(config, checkpoint?.config, "float32") }),
    preprocessorConfig:
      checkpoint?.preprocessorConfig ?? (preprocessor && publishedPreprocessor(preprocessor)),
    generationConfig: checkpoint?.generationConfig,
  };
}
