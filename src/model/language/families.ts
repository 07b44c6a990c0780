import type { OnProblem } from "../config-reading.ts";
import { type BloomConfig, bloom } from "./bloom.ts";
import type { RotaryDecoderConfig, RotaryFamilyName } from "./decoder-config.ts";
import type { LanguageFamily } from "./family.ts";
import { gemma2, gemma3 } from "./gemma.ts";
import { granite } from "./granite.ts";
import { llama } from "./llama.ts";
import { mistral } from "./mistral.ts";
import { olmo2 } from "./olmo2.ts";
import { phi3 } from "./phi3.ts";
import { qwen2, qwen3 } from "./qwen.ts";
import { smollm3 } from "./smollm3.ts";

/** Every family's config by its `model_type`. */
type Configs = { readonly [F in RotaryFamilyName]: RotaryDecoderConfig } & { readonly bloom: BloomConfig };

/** Sizes and special ids of the language model. */
export type LanguageConfig = Configs[keyof Configs];

/** The families of language models that are computed here, by `model_type` in config.json. */
export const families: { readonly [F in keyof Configs]: LanguageFamily<Configs[F]> } = {
  llama,
  qwen2,
  qwen3,
  mistral,
  gemma2,
  gemma3_text: gemma3,
  smollm3,
  phi3,
  olmo2,
  granite,
  bloom,
};

/**
 * The family of a config.
 *
 * @throws TypeError where the config was made by hand and names none that is computed here
 */
export function familyOf({ family }: Pick<LanguageConfig, "family">): LanguageFamily<LanguageConfig> {
  const known = familyNamed(family);
  if (known !== undefined) return known;
  throw new TypeError(`language.family: must be ${knownFamilies()}, got ${JSON.stringify(family)}; name one`);
}

/** The family by its `model_type` in config.json; undefined where it is not computed here. */
export function familyNamed(modelType: unknown): LanguageFamily<LanguageConfig> | undefined {
  return typeof modelType === "string" && Object.hasOwn(families, modelType)
    ? families[modelType as keyof Configs]
    : undefined;
}

/** Everything that `model_type` may be, for messages: `"llama", "qwen2" or "bloom"`. */
export function knownFamilies(): string {
  return either(Object.keys(families).map((name) => JSON.stringify(name)));
}

/** The families as people know them: "LLaMA, Qwen2 or BLOOM". */
export function familyTitles(): string {
  return either(Object.values(families).map(({ title }) => title));
}

function either(names: readonly string[]): string {
  return [names.slice(0, -1).join(", "), ...names.slice(-1)].filter((part) => part !== "").join(" or ");
}

/** In an owl's `text_config` a LLaMA's `model_type` may be left out. */
export const defaultFamily = "llama";

/**
 * Reads a language model's configuration, as published in its own config.json or as an owl's `text_config`.
 *
 * @param onProblem is told every key that is wrong or asks for what is not supported
 * @returns undefined where there was a problem
 */
export function readLanguageConfig(
  json: Record<string, unknown>,
  onProblem: OnProblem,
): LanguageConfig | undefined {
  let sound = true;
  const report: OnProblem = (key, problem) => {
    sound = false;
    onProblem(key, problem);
  };
  const type = json.model_type ?? defaultFamily;
  const family = familyNamed(type);
  if (family === undefined) {
    report("model_type", `must be ${knownFamilies()}, got ${JSON.stringify(type)}`);
  }
  // Of an unknown family the other keys are read as the default one's, so that all problems are named at once.
  const config = (family ?? families[defaultFamily]).readConfig(json, report);
  return sound ? config : undefined;
}

/** The published form of a language model's configuration; reading it gives the same. */
export function languageConfigJson(config: LanguageConfig): Record<string, unknown> {
  return familyOf(config).configJson(config);
}

/** A language model in a config.json of Hugging Face's. */
export interface PublishedLanguage {
  /** The settings of the language model. */
  readonly json: Record<string, unknown>;
  /** Whether it is a part of a model of pictures and texts, whose other tensors are not its own. */
  readonly isPart: boolean;
  /** Whether the model is known by its language model (Gemma 3): it stands for its text half where texts are all there is. */
  readonly standsForText: boolean;
}

/** Keys that a model of pictures and texts may say for its language model. */
const outerKeys = ["tie_word_embeddings", "bos_token_id", "eos_token_id", "pad_token_id"];

/** Finds the language model that a config.json describes: alone, or as the `text_config` of a larger model. */
export function publishedLanguage(json: unknown): PublishedLanguage | undefined {
  const outer: Record<string, unknown> = Object(json);
  if (familyNamed(outer.model_type) !== undefined) return { json: outer, isPart: false, standsForText: true };
  const own: Record<string, unknown> = Object(outer.text_config);
  if (familyNamed(own.model_type) === undefined) return undefined;
  const said = Object.entries(outer).filter(([key, value]) => outerKeys.includes(key) && value != null);
  const standsForText = own.model_type === `${outer.model_type}_text`;
  return { json: { ...Object.fromEntries(said), ...own }, isPart: true, standsForText };
}
