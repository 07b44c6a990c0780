import {
  type NamedTensors,
  type OpenedCheckpoint,
  openFitting,
  readAll,
  readTokenizerFiles,
} from "../checkpoint/index.ts";
import { modelPreprocessor, type Preprocessor } from "../image/index.ts";
import { describeParameters, type OwlConfig, parseConfig } from "../model/index.ts";
import { joinPath, readJson } from "../platform/index.ts";
import { type PromptTemplate, withTemplate } from "../prompt/index.ts";
import { loadTokenizer, type Tokenizer } from "../tokenizer/index.ts";
import type { RunPlan } from "./recipe-file.ts";
import type { RunTemplate } from "./template.ts";

/** What a run starts from. */
export interface Origin {
  readonly config: OwlConfig;
  readonly tensors: NamedTensors;
  readonly tokenizer: Tokenizer;
  readonly tokenizerFiles: Readonly<Record<string, Uint8Array>>;
  readonly preprocessor: Preprocessor;
  readonly checkpoint: OpenedCheckpoint | undefined;
  /** How the model that is made is asked, once the rows have told. */
  readonly template?: PromptTemplate | undefined;
}

/** Reads what a run starts from. */
export async function originOf({ model, config, tokenizer, recipe }: RunPlan): Promise<Origin> {
  const { config: parsed, tensors, checkpoint } = await modelOf(model, config);
  if (recipe.framesPerVideo !== undefined && !parsed.video) {
    throw new RangeError(
      `recipe ${recipe.name}: framesPerVideo is for models of the video version, got a model of pictures; leave it out`,
    );
  }
  const tokenizerDirectory = tokenizer ?? model!;
  const loaded = await loadTokenizer(tokenizerDirectory);
  if (loaded.vocabularySize > parsed.language.vocabulary) {
    throw new RangeError(
      `recipe ${recipe.name}: the tokenizer must have at most the model's ${parsed.language.vocabulary} ids, got ${loaded.vocabularySize}`,
    );
  }
  const preprocessor = modelPreprocessor(
    checkpoint?.preprocessorConfig,
    parsed.vision.imageSize,
    joinPath(checkpoint?.directory ?? ".", "preprocessor_config.json"),
    parsed.video ? "crop" : "squeeze",
  );
  const tokenizerFiles = await readTokenizerFiles(tokenizerDirectory);
  return { config: parsed, tensors, tokenizer: loaded, tokenizerFiles, preprocessor, checkpoint };
}

/** The model to begin with: a directory's, or a fresh one of a config file's sizes. */
async function modelOf(
  directory: string | undefined,
  file: string | undefined,
): Promise<Pick<Origin, "config" | "tensors" | "checkpoint">> {
  if (directory === undefined) {
    return { config: parseConfig(await readJson(file!), file), tensors: new Map(), checkpoint: undefined };
  }
  const { config, checkpoint } = await openFitting(directory, parseConfig, describeParameters);
  return { config, tensors: await readAll(checkpoint.weights), checkpoint };
}

/** The template of the model that is made, among its tokenizer's files. */
export function withAsked(origin: Origin, { template }: RunTemplate): Origin {
  return { ...origin, template, tokenizerFiles: withTemplate(origin.tokenizerFiles, template) };
}
