/** mPLUG-Owl inside a web page; docs/browser.md shows how it is used. */
export {
  type Answer,
  type ChatAnswer,
  completeSettings,
  type FinishReason,
  type GenerationSettings,
  SettingsError,
} from "../generation/index.ts";
export type { RgbImage } from "../image/index.ts";
export { ClosedError } from "../inference/index.ts";
export { type AttentionMaps, meanOverHeads, type PatchFraming } from "../inspection/index.ts";
export {
  type ChatMessage,
  type ChatSettings,
  type Conversation,
  type DecodedImage,
  type FileSource,
  type ImageSource,
  type LoadOptions,
  Owl,
  Reply,
  type VideoSource,
} from "../owl/index.ts";
export {
  type BrowserProvider,
  changedFiles,
  DeviceLostError,
  FileError,
  forgetFiles,
  OnnxRuntimeError,
  OptionsError,
  OutOfMemoryError,
  PlatformError,
  type Transfer,
  watchTransfers,
} from "../platform/index.ts";
export type { TemplateVariables } from "../prompt/index.ts";
export type { BrowserDevice, PageAnswer, PageMessage, WorkerChatSettings } from "./messages.ts";
export { serveOwl, type WorkerScope } from "./serve-owl.ts";
export { WorkerFailure } from "./worker-client.ts";
export {
  type PageAttentionOptions,
  type PageSettings,
  WorkerOwl,
  type WorkerOwlEvent,
  type WorkerOwlOptions,
} from "./worker-owl.ts";
