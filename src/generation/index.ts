export { adapterScopeOptions } from "./adapter-scope.ts";
export type { Answer, FinishReason } from "./answer.ts";
export { type AttentionMaps, meanOverHeads } from "./attention-maps.ts";
export type { AnswerSettings, ChatMessage, ChatSettings, PromptOptions } from "./chat.ts";
export type { BatchSettings, ChatAllSettings } from "./chat-settings.ts";
export { ClosedError } from "./closed.ts";
export { type Conversation, messagesOf } from "./conversation.ts";
export { Engine, type EngineOptions, type EngineStatistics, engineRules } from "./engine.ts";
export { engineDefaults, engineDefaultWords } from "./engine-defaults.ts";
export { Generator, type GeneratorOptions, type GeneratorRequest } from "./generator.ts";
export type { LoadOptions } from "./load-options.ts";
export { LoadedModel } from "./loaded-model.ts";
export { MediaError, type MediaProblem } from "./media-error.ts";
export type { DecodedPicture, FileSource } from "./media-kinds.ts";
export type { ForwardResult, GradientResult, ModelInputs } from "./numbers.ts";
export { Owl } from "./owl.ts";
export { type PictureSource, type ReadingLimits, requireMedia, type VideoSource } from "./picture-source.ts";
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
