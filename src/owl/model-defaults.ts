import { type Adapter, baseWarning, type OpenedCheckpoint } from "../checkpoint/index.ts";
import {
  type GenerationSettings,
  generationWarning,
  SettingsError,
  settingsFromGenerationConfig,
} from "../generation/index.ts";
import type { OwlConfig } from "../model/index.ts";
import { modelFiles } from "../model-files/index.ts";
import { joinPath } from "../platform/index.ts";
import { answerEndOf } from "../prompt/index.ts";
import type { Tokenizer } from "../tokenizer/index.ts";

/** Warnings of a model that loads: an adapter of another base model, generation settings that are not supported. */
export async function warningsOf(
  { config, generationConfig }: OpenedCheckpoint,
  directory: string,
  adapter: Adapter | undefined,
  adapterFile: string | undefined,
): Promise<string[]> {
  const where = joinPath(directory, modelFiles.generationConfig);
  const warnings = [
    adapter && adapterFile !== undefined && (await baseWarning(adapter, adapterFile, directory, config)),
    generationWarning(Object(generationConfig), where),
  ];
  return warnings.filter((warning) => typeof warning === "string");
}

/** The settings of generation_config.json, with the special ids of config.json where it names none. */
export function defaultsOf(
  { generationConfig, directory }: Pick<OpenedCheckpoint, "generationConfig" | "directory">,
  { language }: OwlConfig,
): GenerationSettings {
  const where = joinPath(directory, modelFiles.generationConfig);
  const isRecord = typeof generationConfig === "object" && generationConfig !== null;
  if (generationConfig !== undefined && (!isRecord || Array.isArray(generationConfig))) {
    throw new SettingsError(
      `${where}: must be a JSON object, got ${JSON.stringify(generationConfig).slice(0, 40)}`,
    );
  }
  const ids = {
    bos_token_id: language.bosId,
    eos_token_id: [language.eosId, ...(language.otherEosIds ?? [])],
    pad_token_id: language.padId,
  };
  const said = Object.entries(generationConfig ?? {}).filter(([, value]) => value !== null);
  return settingsFromGenerationConfig({ ...ids, ...Object.fromEntries(said) }, where);
}

/** Settings by which an answer ends, too, where the model's chat template ends it. */
export function withAnswerEnd(
  settings: GenerationSettings,
  tokenizer: Tokenizer | undefined,
): GenerationSettings {
  const end = tokenizer && answerEndOf(tokenizer);
  if (end === undefined || settings.eosTokenIds.includes(end)) return settings;
  return { ...settings, eosTokenIds: [...settings.eosTokenIds, end] };
}
