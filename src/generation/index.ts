export { Engine } from "./engine.ts";
export {
  type EngineOptions,
  type EngineStatistics,
  engineRules,
  type TextOptions,
} from "./engine-options.ts";
export { type BatchRequest, generateBatch } from "./generate-batch.ts";
export type {
  Answer,
  ChatAnswer,
  EngineAnswer,
  FinishReason,
  GenerationPiece,
  GenerationRequest,
  MakeConstraint,
  SampledToken,
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
export { idsWithoutToken } from "./suppress-tokens.ts";
