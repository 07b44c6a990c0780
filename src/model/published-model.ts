import { configJson, parseConfig, textOnlyConfig } from "./config.ts";
import type { OwlGeneration } from "./generations/generation.ts";
import { generationNamed, generationOf } from "./generations/generations.ts";
import { familyOf, publishedLanguage } from "./language/families.ts";
import { foreignModel } from "./model-type.ts";
import type { OwlConfig } from "./owl-config.ts";
import { describeParameters, type ParameterDescription } from "./parameters.ts";
import type { TensorSizes } from "./sizes-from-tensors.ts";

/** The end of the published names of a part's tensors, from which the rest follows. */
const TABLE = /(^|\.)(embed_tokens|word_embeddings)\.weight(\.packed)?$/;
const HEAD = /(^|.*\.)lm_head\./;

/**
 * How a published language model's tensors are called in an owl. In front of the names stands nothing, `language_model.`
 * or, in what transformers 5 saves of a larger model, `model.language_model.`; checkpoints without a head (BLOOM's are
 * published so) leave out the module of the body.
 *
 * @param body the module of the body (`LanguageFamily.names`)
 * @param isPart whether other tensors are a larger model's: they are left out
 * @returns undefined for those that are left out
 * @throws RangeError where there are several embedding tables
 */
export function languageNames(
  names: readonly string[],
  body: string,
  isPart: boolean,
): (name: string) => string | undefined {
  const tables = names.filter((name) => TABLE.test(name));
  if (tables.length > 1) {
    throw new RangeError(`must hold one embedding table, got ${tables.length}: ${tables.join(", ")}`);
  }
  const prefix = tables[0]?.replace(TABLE, "$1") ?? `${body}.`;
  return (name) => {
    if (HEAD.test(name)) return name.replace(HEAD, "language_model.lm_head.");
    if (name.startsWith(prefix)) return `language_model.${body}.${name.slice(prefix.length)}`;
    return isPart ? undefined : `language_model.${name}`;
  };
}

/** The names inside of a generation's tensors, undefined for those without use; undefined where all are called as in files. */
function usedNames(
  { names, isUnused }: OwlGeneration,
  json: Record<string, unknown>,
): ((name: string) => string | undefined) | undefined {
  if (isUnused === undefined) return names?.own;
  return (published) => {
    const name = names?.own(published) ?? published;
    return isUnused(name, json) ? undefined : name;
  };
}

/** The name that a parameter has in files: that of its generation, or, of a language model alone, its own. */
export function storedName(config: Pick<OwlConfig, "textOnly" | "generation">, name: string): string {
  if (config.textOnly) return name.replace(/^language_model\./, "");
  return generationOf(config).names?.published(name) ?? name;
}

/** The given settings that a new file of settings keeps: of a larger model's, whose language half alone is stored, none. */
export function keptSettings({ textOnly }: OwlConfig, given: unknown): object {
  return textOnly && publishedLanguage(given)?.isPart ? {} : Object(given);
}

/**
 * The content of config.json for a model with other weights: the given settings, with the sizes that these leave to the
 * shapes of its weights.
 *
 * @param type the number format of the weights, where it is not the given one
 */
export function settingsJson(config: OwlConfig, given: unknown, type?: string): Record<string, unknown> {
  const { torch_dtype, ...sizes } = configJson(config);
  const kept: { dtype?: unknown } = keptSettings(config, given);
  // transformers 5 writes dtype, which wins over torch_dtype.
  const chosen = type && { torch_dtype: type, ...(kept.dtype !== undefined && { dtype: type }) };
  return { torch_dtype, ...kept, ...sizes, ...chosen };
}

/** The same model in floating point. */
export function floatingConfig(config: OwlConfig): OwlConfig {
  if (config.textOnly) return textOnlyConfig(config.language);
  const { quantization: _, ...floating } = config;
  return floating;
}

/** How a model's directory is read: an mPLUG-Owl's, or a language model's as Hugging Face has it. */
export const publishedModel = {
  parse: (json: unknown, where: string, tensors: TensorSizes): OwlConfig => parseConfig(json, where, tensors),

  describe: (config: OwlConfig): ParameterDescription[] => describeParameters(config),

  /** The names that the model has for tensors of the file; undefined where they are called so. */
  rename(json: unknown, names: readonly string[]): ((name: string) => string | undefined) | undefined {
    const generation = generationNamed(Object(json).model_type);
    if (generation !== undefined) return usedNames(generation, json as Record<string, unknown>);
    const language = foreignModel(json) === undefined ? undefined : publishedLanguage(json);
    if (!language?.standsForText) return undefined;
    const family = String(language.json.model_type) as OwlConfig["language"]["family"];
    return languageNames(names, familyOf({ family }).names.body, language.isPart);
  },

  /**
   * The config of a checkpoint whose head differs from the embeddings that config.json ties it to: transformers 5 uses the
   * stored one. Undefined for an owl, whose config.json and weights are then at odds.
   */
  untied(config: OwlConfig): OwlConfig | undefined {
    if (!config.textOnly) return undefined;
    return textOnlyConfig({ ...config.language, tiedEmbeddings: false }, config.quantization);
  },
} as const;
