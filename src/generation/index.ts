export { Engine, type EngineOptions, type EngineStatistics, engineRules } from "./engine.ts";
export { Generator, type GeneratorOptions, type GeneratorRequest } from "./generator.ts";
export type {
  Answer,
  EngineAnswer,
  FinishReason,
  GenerationPiece,
  GenerationRequest,
  ReportedToken,
  TokenConstraint,
  TokenLogprob,
} from "./request.ts";
export {
  completeSettings,
  type GenerationSettings,
  generationWarning,
  plainSettings,
  SettingsError,
  settingsFromGenerationConfig,
  settingsFromJson,
} from "./settings.ts";
export { tokenlessIds } from "./tokenless-ids.ts";
