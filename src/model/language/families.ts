import type { OnProblem } from "../config-reading.ts";
import { type BloomConfig, bloom } from "./bloom.ts";
import type { LanguageFamily } from "./family.ts";
import { type LlamaConfig, llama } from "./llama.ts";

/** Every family's config by its `model_type`. */
interface Configs {
  readonly llama: LlamaConfig;
  readonly bloom: BloomConfig;
}

/** Sizes and special ids of the language model. */
export type LanguageConfig = Configs[keyof Configs];

/** The families of language models that are computed here, by `model_type` in config.json. */
export const families: { readonly [F in keyof Configs]: LanguageFamily<Configs[F]> } = { llama, bloom };

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

/** Everything that `model_type` may be, for messages: `"llama" or "bloom"`. */
export function knownFamilies(): string {
  return Object.keys(families)
    .map((name) => JSON.stringify(name))
    .join(" or ");
}

/** The families as people know them: "LLaMA or BLOOM". */
export function familyTitles(): string {
  return Object.values(families)
    .map(({ title }) => title)
    .join(" or ");
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
