/** mPLUG-Owl inside a web page; docs/browser.md shows how it is used. */
export {
  type Answer,
  type AttentionMaps,
  type ChatMessage,
  type ChatSettings,
  ClosedError,
  type Conversation,
  type DecodedPicture,
  type FileSource,
  type FinishReason,
  type GenerationSettings,
  type LoadOptions,
  meanOverHeads,
  Owl,
  type PictureSource,
  Reply,
  SettingsError,
  type VideoSource,
} from "../generation/index.ts";
export type { RgbImage } from "../image/index.ts";
export {
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
export type { BrowserDevice, PageAnswer, PageMessage } from "./messages.ts";
export { serveOwl, type WorkerScope } from "./serve-owl.ts";
export { WorkerFailure } from "./worker-link.ts";
export { type PageSettings, WorkerOwl, type WorkerOwlEvent, type WorkerOwlOptions } from "./worker-owl.ts";
