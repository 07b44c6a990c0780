/** mPLUG-Owl as a library; docs/library.md shows how it is used. */
export { type AssemblyOptions, type AssemblyReport, assembleOwl } from "./assembly/index.ts";
export { CheckpointError } from "./checkpoint/index.ts";
export {
  type Answer,
  type AnswerSettings,
  type AttentionMaps,
  type ChatMessage,
  type ChatSettings,
  type FinishReason,
  type ForwardResult,
  type GenerationSettings,
  type GradientResult,
  type LoadOptions,
  type ModelInputs,
  Owl,
  type Picture,
  type PictureSource,
  ProbeError,
  type ProbeOptions,
  type Prompt,
  type PromptOptions,
  probeModel,
  Reply,
  SettingsError,
  type VideoSource,
} from "./generation/index.ts";
export {
  ChecksumError,
  cachedModel,
  HubError,
  type HubOptions,
  modelDirectory,
  type PullEvent,
  type PulledRepo,
  type PullOptions,
  pull,
} from "./hub/index.ts";
export { ImageError, type RgbImage, VideoError } from "./image/index.ts";
export { ModelConfigError, type OwlConfig, type Stage } from "./model/index.ts";
export { FileError, OnnxRuntimeError } from "./platform/index.ts";
export { ContextLengthError, type Message, type Part, PromptError, type Truncation } from "./prompt/index.ts";
export type { HostTensor } from "./tensor/index.ts";
export { type Tokenizer, TokenizerError } from "./tokenizer/index.ts";
