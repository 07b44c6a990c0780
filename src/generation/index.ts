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
  asksForSampling,
  completeSettings,
  generationWarning,
  numberSchema,
  plainSettings,
  SettingsError,
  settingsFromGenerationConfig,
  settingsFromJson,
  withImpliedSampling,
} from "./settings.ts";
export {
  type GenerationSettings,
  type SettingName,
  type SettingRow,
  settingsRows,
  settingsTable,
} from "./settings-table.ts";
export { tokenlessIds } from "./tokenless-ids.ts";
