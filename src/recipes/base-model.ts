import {
  entryBytes,
  type OpenedCheckpoint,
  openValidated,
  readModelConfig,
  readPreprocessing,
  readTokenizerFiles,
  type StateDict,
} from "../checkpoint/index.ts";
import type { Preprocessor } from "../image/index.ts";
import { owlPreprocessor } from "../inference/index.ts";
import {
  floatingConfig,
  generationOf,
  hyperOf,
  type OwlConfig,
  parseConfig,
  publishedModel,
  type Quantization,
  readingTiles,
  readsTiles,
  type Stage,
  stages,
} from "../model/index.ts";
import { modelFiles } from "../model-files/index.ts";
import { readJson } from "../platform/index.ts";
import {
  PromptError,
  type PromptTemplate,
  type TemplateVariables,
  withChatTemplate,
  withModelTemplate,
  withSystemPrompt,
  withTemplate,
  withTemplateDefaults,
} from "../prompt/index.ts";
import { createTokenizer, loadTokenizer, publishedTemplate, type Tokenizer } from "../tokenizer/index.ts";
import { scopeOptions, type TrainingRecipe } from "../training/index.ts";
import { type BaseWeights, readBaseWeights } from "./base-weights.ts";
import { builtInConfig, isBuiltInConfig } from "./built-in-config.ts";
import type { RunPlan } from "./recipe-file.ts";
import type { RunTemplate } from "./template.ts";

/** The model that a run starts from: of a directory, or fresh. */
export interface BaseModel extends BaseWeights {
  /** Of the model in floating point, whatever its weights are stored in. */
  readonly config: OwlConfig;
  /** How the weights of its directory are quantised; undefined: they are in floating point. */
  readonly quantization: Quantization | undefined;
  readonly tokenizer: Tokenizer;
  readonly tokenizerFiles: Readonly<Record<string, Uint8Array>>;
  /** Undefined for a language model alone. */
  readonly preprocessor: Preprocessor | undefined;
  readonly checkpoint: OpenedCheckpoint | undefined;
  /**
   * The prompt template of the trained model, which follows from the rows; of one with a chat template the words in front of
   * its conversations.
   */
  readonly template?: PromptTemplate | { readonly system_prompt: string } | undefined;
}

/** @param weightBytes what the weights take, where they stay as they are stored */
type RequireRoom = (config: OwlConfig, weightBytes: number | undefined) => void;

const storedBytes = ({ weights }: OpenedCheckpoint): number =>
  weights.tensors.reduce((sum, tensor) => sum + entryBytes(tensor), 0);

/**
 * Reads the model that a run starts from, with its tokenizer and preprocessing.
 *
 * @param requireRoom called before any weights are read; what it throws ends the reading
 */
export async function loadBaseModel(
  { model, config, tokenizer, recipe, templateVariables = {} }: RunPlan,
  requireRoom: RequireRoom = () => undefined,
): Promise<BaseModel> {
  const tokenizerDirectory = tokenizer ?? model!;
  const { tokenizer: loaded, tokenizerFiles } = await loadTaught(tokenizerDirectory, templateVariables);
  const starting = await (model === undefined
    ? freshModel(config!, loaded)
    : existingModel(model, recipe, requireRoom));
  const { checkpoint } = starting;
  const parsed = taught(starting.config, recipe);
  if (recipe.framesPerVideo !== undefined && !parsed.video && hyperOf(parsed) === undefined) {
    throw new RangeError(
      `recipe ${recipe.name}: framesPerVideo is for models of the video version and mPLUG-Owl3, got a model of pictures; leave it out`,
    );
  }
  if (loaded.vocabularySize > parsed.language.vocabulary) {
    throw new RangeError(
      `recipe ${recipe.name}: the tokenizer must have at most the model's ${parsed.language.vocabulary} ids, got ${loaded.vocabularySize}`,
    );
  }
  const preprocessor = parsed.textOnly
    ? undefined
    : owlPreprocessor(
        parsed,
        checkpoint?.preprocessorConfig,
        checkpoint?.preprocessorFile ?? modelFiles.preprocessorConfig,
      );
  const named = withModelTemplate(loaded, parsed);
  return { ...starting, config: parsed, tokenizer: named, tokenizerFiles, preprocessor };
}

/** The tokenizer of a directory, and its files as a run writes them: with the chat template that it is used with. */
async function loadTaught(
  directory: string,
  variables: TemplateVariables,
): Promise<Pick<BaseModel, "tokenizer" | "tokenizerFiles">> {
  const tokenizer = await loadTokenizer(directory);
  const files = await readTokenizerFiles(directory);
  if (Object.keys(variables).length === 0) {
    // What config.json alone tells stands in the files that the run writes.
    const { chat_template: published } = await publishedTemplate(directory);
    const isTold = published !== undefined && tokenizer.configuration.chat_template === published;
    return { tokenizer, tokenizerFiles: isTold ? withChatTemplate(files, published) : files };
  }
  try {
    const template = withTemplateDefaults(tokenizer, variables);
    const configuration = { ...tokenizer.configuration, chat_template: template };
    return {
      tokenizer: createTokenizer(tokenizer.json, configuration),
      tokenizerFiles: withChatTemplate(files, template),
    };
  } catch (error) {
    if (!(error instanceof PromptError)) throw error;
    throw new RangeError(`templateVariables: ${error.message}`, { cause: error });
  }
}

type StartingModel = Pick<BaseModel, "config" | "quantization" | "tensors" | "narrow" | "checkpoint">;

/** The config of the model that a run trains, by that of its base. */
function taught(config: OwlConfig, recipe: Pick<TrainingRecipe, "name" | "tiles"> | undefined): OwlConfig {
  if (recipe?.tiles === undefined || recipe.tiles === readsTiles(config)) return config;
  const kind = config.textOnly
    ? "a language model alone"
    : config.video
      ? "one of the video version"
      : config.generation && `an ${generationOf(config).title}`;
  if (recipe.tiles && kind === undefined) return readingTiles(config);
  throw new RangeError(
    `recipe ${recipe.name}: tiles must be ${!recipe.tiles} for this base model, got ${kind ?? "one that reads pictures in tiles"}; leave it out`,
  );
}

/** What of a run says how texts are read; without a recipe the model is as it is. */
type TextPlan = Pick<RunPlan, "model" | "config" | "tokenizer" | "templateVariables"> &
  Partial<Pick<RunPlan, "recipe">>;

/** What the texts of rows need of the model that a run starts from; no weights are read. */
export async function loadTextModel({
  model,
  config,
  tokenizer,
  templateVariables = {},
  recipe,
}: TextPlan): Promise<Pick<BaseModel, "tokenizer" | "tokenizerFiles" | "config" | "preprocessor">> {
  const { tokenizer: loaded, tokenizerFiles } = await loadTaught(tokenizer ?? model!, templateVariables);
  const sizes = taught(
    await (model === undefined ? freshConfig(config!, loaded) : readModelConfig(model)),
    recipe,
  );
  const { content, where } =
    model === undefined
      ? { content: undefined, where: modelFiles.preprocessorConfig }
      : await readPreprocessing(model);
  const preprocessor = sizes.textOnly ? undefined : owlPreprocessor(sizes, content, where);
  return { tokenizer: withModelTemplate(loaded, sizes), tokenizerFiles, config: sizes, preprocessor };
}

/** A fresh model of a config file's sizes: all of its parameters will be initialised. */
async function freshModel(file: string, tokenizer: Tokenizer): Promise<StartingModel> {
  const config = await freshConfig(file, tokenizer);
  return { config, quantization: undefined, tensors: new Map(), narrow: new Map(), checkpoint: undefined };
}

async function freshConfig(
  file: string,
  { vocabularySize, bosId, eosId, padId }: Tokenizer,
): Promise<OwlConfig> {
  const json = isBuiltInConfig(file)
    ? await builtInConfig({
        vocab_size: vocabularySize,
        bos_token_id: bosId ?? eosId,
        eos_token_id: eosId,
        pad_token_id: padId,
      })
    : await readJson(file);
  const config = parseConfig(json, file);
  if (config.language.eosId !== eosId) {
    throw new RangeError(
      `${file}: text_config.eos_token_id must be the tokenizer's end of sequence (${eosId}), got ${config.language.eosId}; the model would not know where an answer ends`,
    );
  }
  return config;
}

/** The stages that train nothing but the language model. */
const ofLanguageAlone: readonly Stage[] = ["language", "released", "full"];

/** The model of a directory. */
async function existingModel(
  directory: string,
  recipe: TrainingRecipe,
  requireRoom: RequireRoom,
): Promise<StartingModel> {
  const { config, checkpoint } = await openValidated(directory, publishedModel);
  if (config.textOnly && !ofLanguageAlone.includes(recipe.stage)) {
    await checkpoint.weights.close();
    throw new RangeError(
      `recipe ${recipe.name}: stage must be ${ofLanguageAlone.join(", ")} for a language model alone, got ${recipe.stage}; \`owl assemble\` makes an owl of ${directory}, which has what the other stages train`,
    );
  }
  const { quantization } = config;
  const floating = floatingConfig(config);
  if (quantization !== undefined) await requireLoraBeside(directory, recipe, checkpoint);
  try {
    requireRoom(
      floating,
      quantization !== undefined || recipe.recompute ? storedBytes(checkpoint) : undefined,
    );
  } catch (error) {
    await checkpoint.weights.close();
    throw error;
  }
  const weights = await readBaseWeights(checkpoint.weights, config, {
    keepHalves: recipe.recompute ?? false,
    isTrained: scopeOptions(recipe).trained ?? (() => true),
  });
  return { config: floating, quantization, ...weights, checkpoint };
}

/** Refuses to train weights in few bits: a LoRA can be trained beside them, in a model that is computed layer by layer. */
async function requireLoraBeside(
  directory: string,
  { name, stage, recompute = true, lora }: TrainingRecipe,
  { weights }: OpenedCheckpoint,
): Promise<void> {
  const got = `got the one of ${directory} in few bits`;
  const problem = !stages[stage].lora
    ? `stage ${stage} needs a base model in floating point, ${got}; train a LoRA (stage 2 or released), or take the checkpoint that it was converted from, with recompute: true, which keeps frozen weights as they are stored`
    : lora?.useDora
      ? `lora.useDora needs a base model in floating point, ${got}: the lengths of its rows cannot be learned beside rounded weights; leave it out, or take the checkpoint that it was converted from`
      : recompute
        ? undefined
        : `recompute: must be true with a base model in few bits, ${got}; leave it out`;
  if (problem === undefined) return;
  await weights.close();
  throw new RangeError(`recipe ${name}: ${problem}`);
}

/** The weights of models that a start has taken some of. */
const taken = new WeakSet<StateDict>();

/** Frees the weights that a trainer has copies of. */
export function freeTrained({ tensors }: BaseModel, trained: Iterable<string>): void {
  for (const name of trained) if (tensors.delete(name)) taken.add(tensors);
}

/**
 * The weights that a run begins with.
 *
 * @throws {RangeError} where an earlier start has taken some of them
 */
export function untakenWeights({ checkpoint, tensors }: BaseModel): StateDict {
  if (checkpoint === undefined || !taken.has(tensors)) return tensors;
  throw new RangeError(
    "start: must be called once for each prepared run, got another call; prepare it again",
  );
}

/** The same with the trained model's prompt template, which is written into the tokenizer's files. */
export function withPromptTemplate(
  baseModel: BaseModel,
  { template, byChatTemplate = false }: RunTemplate,
): BaseModel {
  if (byChatTemplate) {
    const { system } = template;
    return {
      ...baseModel,
      ...(system !== "" && { template: { system_prompt: system } }),
      tokenizerFiles: withSystemPrompt(baseModel.tokenizerFiles, system),
    };
  }
  return { ...baseModel, template, tokenizerFiles: withTemplate(baseModel.tokenizerFiles, template) };
}
