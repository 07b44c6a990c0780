export type { AnswerSettings, ChatMessage, ChatSettings, PromptOptions } from "./chat.ts";
export type { BatchSettings, ChatAllSettings } from "./chat-settings.ts";
export { type Conversation, messagesOf } from "./conversation.ts";
export type { LoadOptions } from "./load-options.ts";
export { MediaError, type MediaProblem } from "./media-error.ts";
export type { DecodedImage, FileSource } from "./media-kinds.ts";
export { Owl } from "./owl.ts";
export { type ImageSource, type ReadingLimits, requireMedia, type VideoSource } from "./read-media.ts";
export { Reply } from "./reply.ts";
