/** mPLUG-Owl as a library; docs/library.md shows how it is used. */
import { packagePath } from "./platform/index.ts";

export { type AssemblyOptions, type AssemblyReport, assembleOwl } from "./assembly/index.ts";
export { CheckpointError } from "./checkpoint/index.ts";
export {
  type Answer,
  type ChatAnswer,
  completeSettings,
  type Engine,
  type EngineAnswer,
  type EngineOptions,
  type EngineStatistics,
  type FinishReason,
  type GenerationPiece,
  type GenerationRequest,
  type GenerationSettings,
  type MakeConstraint,
  type SampledToken,
  type SettingName,
  SettingsError,
  type TokenConstraint,
  type TokenLogprob,
} from "./generation/index.ts";
export {
  ChecksumError,
  cachedModel,
  HubError,
  type HubOptions,
  type ModelDirectoryOptions,
  modelDirectory,
  type PullEvent,
  type PulledRepo,
  type PullOptions,
  type PushedFile,
  type PushOptions,
  type PushReport,
  pull,
  push,
} from "./hub/index.ts";
export { ImageError, type RgbImage, VideoError } from "./image/index.ts";
export {
  type CacheStatistics,
  ClosedError,
  type Media,
  type Prompt,
} from "./inference/index.ts";
export {
  type AttentionMaps,
  type ForwardResult,
  type GradientResult,
  type ModelInputs,
  meanOverHeads,
  type PatchFraming,
  ProbeError,
  type ProbeOptions,
  probeModel,
} from "./inspection/index.ts";
export {
  type MediaKind,
  type MediaSpan,
  ModelConfigError,
  type OwlConfig,
  type Stage,
  type TokenSequence,
} from "./model/index.ts";
export {
  type AnswerSettings,
  type AttentionMapOptions,
  type BatchSettings,
  type ChatAllSettings,
  type ChatMessage,
  type ChatSettings,
  type Conversation,
  type DecodedImage,
  type FileSource,
  type ImageSource,
  type LoadOptions,
  MediaError,
  type MediaProblem,
  Owl,
  type PromptOptions,
  type ReadingLimits,
  Reply,
  type VideoSource,
} from "./owl/index.ts";
export { FileError, OnnxRuntimeError, OptionsError } from "./platform/index.ts";
export {
  type ContentPart,
  ContextLengthError,
  type Message,
  PromptError,
  type TemplateVariables,
  type Truncation,
} from "./prompt/index.ts";
export type { HostTensor } from "./tensor/index.ts";
export { type Tokenizer, TokenizerError } from "./tokenizer/index.ts";

/** A picture that comes with the package, to try things with: the path of a drawing of an owl. */
export const examplePicture = packagePath("examples/owl.png");
