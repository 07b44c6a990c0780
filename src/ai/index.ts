/** Owls as models of the AI SDK (the `ai` package), inside the same process. */
export type {
  CallFinishReason,
  CallMessage,
  CallOptions,
  CallPart,
  CallResult,
  CallStreamPart,
  CallUsage,
  CallWarning,
} from "./interface.ts";
export { OwlLanguageModel } from "./language-model.ts";
export { createOwl, type OwlProvider } from "./provider.ts";
