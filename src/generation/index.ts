export type { Answer, FinishReason } from "./answer.ts";
export { Generator, type GeneratorOptions } from "./generator.ts";
export { LoadedModel } from "./loaded-model.ts";
export { checkPrompt, type Picture, type Prompt, pictureOf } from "./prompt.ts";
export {
  completeSettings,
  type GenerationSettings,
  plainSettings,
  SettingsError,
  settingsFromGenerationConfig,
  settingsFromJson,
} from "./settings.ts";
