import { CheckpointError, headIsTied, renamed, type TensorSource } from "../checkpoint/index.ts";
import {
  describeModelType,
  familyOf,
  knownFamilies,
  type LanguageConfig,
  languageNames,
  type OnProblem,
  publishedLanguage,
  type Quantization,
  readLanguageConfig,
  readQuantization,
} from "../model/index.ts";

/** A language model as Hugging Face has it. */
export interface PublishedLanguageModel {
  readonly config: LanguageConfig;
  /** Whether it is a part of a larger model. */
  readonly isPart: boolean;
  /** Which of its weights are in blocks of 4 or 8 bits; undefined: none. */
  readonly quantization: Quantization | undefined;
}

/**
 * Reads the config.json of a language model: alone, or the `text_config` of a model of pictures and texts.
 *
 * @param onProblem is told every key that is wrong or asks for what is not supported
 */
export function readPublishedLanguage(
  json: unknown,
  onProblem: OnProblem,
): PublishedLanguageModel | undefined {
  const found = publishedLanguage(json);
  if (found === undefined) {
    onProblem("model_type", `must be ${knownFamilies()}, got ${describeModelType(json)}`);
    return undefined;
  }
  const config = readLanguageConfig(found.json, onProblem);
  const quantization = readQuantization(Object(json).quantization, onProblem);
  return config && { config, isPart: found.isPart, quantization };
}

/**
 * A language model's weights under an owl's names.
 *
 * @throws CheckpointError where they are not those of one language model
 */
export function languageWeights(
  source: TensorSource,
  { config, isPart }: PublishedLanguageModel,
): TensorSource {
  const names = source.tensors.map(({ name }) => name);
  try {
    return renamed(source, languageNames(names, familyOf(config).names.body, isPart));
  } catch (error) {
    if (!(error instanceof RangeError)) throw error;
    const next = "Save the one that is meant on its own.";
    throw new CheckpointError(source.path, "must hold one language model", [error.message], next);
  }
}

/** The config, with a head of its own where the stored one differs from the embeddings, as transformers 5 has it. */
export async function withStoredHead(config: LanguageConfig, weights: TensorSource): Promise<LanguageConfig> {
  if (!config.tiedEmbeddings) return config;
  const { body, embeddings } = familyOf(config).names;
  const name = `language_model.${body}.${embeddings}.weight`;
  const dims = [config.vocabulary, config.hidden];
  return (await headIsTied(weights, [{ name, dims, role: "embedding" }]))
    ? config
    : { ...config, tiedEmbeddings: false };
}
