/** mPLUG-Owl as a library; docs/library.md shows how it is used. */
import { packagePath } from "./platform/index.ts";

export { type AssemblyOptions, type AssemblyReport, assembleOwl } from "./assembly/index.ts";
export { CheckpointError } from "./checkpoint/index.ts";
export {
  type Answer,
  type AnswerSettings,
  type AttentionMaps,
  type BatchSettings,
  type ChatAllSettings,
  type ChatMessage,
  type ChatSettings,
  ClosedError,
  type Conversation,
  type DecodedPicture,
  type FileSource,
  type FinishReason,
  type ForwardResult,
  type GenerationSettings,
  type GradientResult,
  type LoadOptions,
  MediaError,
  type MediaProblem,
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
export { FileError, OnnxRuntimeError, OptionsError } from "./platform/index.ts";
export { ContextLengthError, type Message, type Part, PromptError, type Truncation } from "./prompt/index.ts";
export type { HostTensor } from "./tensor/index.ts";
export { type Tokenizer, TokenizerError } from "./tokenizer/index.ts";

/** A picture that comes with the package, to try things with: the path of a drawing of an owl. */
export const examplePicture = packagePath("examples/owl.png");
