export { adapterScopeOptions } from "./adapter-scope.ts";
export type { Answer, FinishReason } from "./answer.ts";
export { type AttentionMaps, meanOverHeads } from "./attention-maps.ts";
export type { AnswerSettings, ChatMessage, ChatSettings, PromptOptions } from "./chat.ts";
export { Engine, type EngineOptions, type EngineStatistics } from "./engine.ts";
export { Generator, type GeneratorOptions, type GeneratorRequest } from "./generator.ts";
export { LoadedModel } from "./loaded-model.ts";
export { MediaError, type MediaProblem } from "./media-error.ts";
export type { ForwardResult, GradientResult, ModelInputs } from "./numbers.ts";
export { type LoadOptions, Owl } from "./owl.ts";
export type { PictureSource, ReadingLimits, VideoSource } from "./picture-source.ts";
export { ProbeError, type ProbeOptions, probeModel } from "./probe.ts";
export { checkPrompt, type Picture, type Prompt, pictureOf } from "./prompt.ts";
export { Reply } from "./reply.ts";
export type {
  EngineAnswer,
  GenerationPiece,
  GenerationRequest,
  ReportedToken,
  TokenConstraint,
  TokenLogprob,
} from "./request.ts";
export {
  completeSettings,
  type GenerationSettings,
  plainSettings,
  SettingsError,
  settingsFromGenerationConfig,
  settingsFromJson,
} from "./settings.ts";
export { textLogits } from "./text-logits.ts";
export type { CacheStatistics } from "./visual-cache.ts";
