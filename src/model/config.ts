import type { OnProblem } from "./config-reading.ts";
import { generationNamed, generationOf, generations } from "./generations/generations.ts";
import {
  type LanguageConfig,
  languageConfigJson,
  publishedLanguage,
  readLanguageConfig,
} from "./language/families.ts";
import { foreignModel } from "./model-type.ts";
import { ModelConfigError, type OwlConfig } from "./owl-config.ts";
import { type Quantization, quantizationJson, readQuantization } from "./quantization.ts";
import type { TensorSizes } from "./sizes-from-tensors.ts";
import { withoutVision } from "./text-only.ts";

/**
 * Reads the content of a published `config.json`.
 *
 * @param where what the content came from, for the message
 * @param weights the checkpoint's tensors by name: they show whether it is the video version, unless the key `video`
 *   (this package's own) does, and the sizes that the content leaves out
 * @throws ModelConfigError naming every key that is missing, wrong or asks for what is not supported
 */
export function parseConfig(json: unknown, where = "config.json", weights?: TensorSizes): OwlConfig {
  const other = foreignModel(json);
  if (other === undefined) {
    const generation = generationNamed(Object(json).model_type) ?? generations.owl;
    return generation.parse(json as Record<string, unknown>, where, weights);
  }
  const language = publishedLanguage(json);
  if (!language?.standsForText) throw new ModelConfigError(where, [other], other);
  return parseLanguageModel(language.json, where);
}

/** The config of a language model alone; see {@link withoutVision}. */
export function textOnlyConfig(language: LanguageConfig, quantization?: Quantization): OwlConfig {
  const config = { language, numQueryTokens: 0, textOnly: true };
  return withoutVision({ ...config, ...(quantization && { quantization }) });
}

/** Reads the config.json of a language model alone. */
function parseLanguageModel(json: Record<string, unknown>, where: string): OwlConfig {
  const problems: string[] = [];
  const onProblem: OnProblem = (key, problem) => problems.push(`${key}: ${problem}`);
  const quantization = readQuantization(json.quantization, onProblem);
  const language = readLanguageConfig(json, onProblem);
  if (language === undefined || problems.length > 0) throw new ModelConfigError(where, problems);
  return textOnlyConfig(language, quantization);
}

/** The content of a `config.json` in the published form; `parseConfig` of it gives the same config. */
export function configJson(config: OwlConfig): Record<string, unknown> {
  if (!config.textOnly) return generationOf(config).configJson(config);
  const { language, quantization } = config;
  const ofWeights = quantization && { quantization: quantizationJson(quantization) };
  return { ...languageConfigJson(language), ...ofWeights, torch_dtype: "float32" };
}
