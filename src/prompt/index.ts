/** A conversation with pictures becomes model input, or a training sample. */
export type { PaddedBatch } from "./batch.ts";
export { padBatch, padPrompts } from "./batch.ts";
export type { ConversationOptions, EncodedConversation } from "./conversation.ts";
export { encodeConversation, encodePrompt } from "./conversation.ts";
export { ContextLengthError, PromptError } from "./error.ts";
export { firstWordsOf } from "./first-words.ts";
export type { FittedConversation, FittingOptions, Truncation } from "./fitting.ts";
export { answerRoom, fitConversation, requirePositions } from "./fitting.ts";
export type { Medium, Message, Part } from "./message.ts";
export { imageId, imageMark, videoId, videoMark } from "./pieces.ts";
export type { PromptTemplate } from "./template.ts";
export {
  demoSystemSentence,
  hasTemplate,
  promptTemplate,
  publishedTemplate,
  trainingSystemSentence,
  withTemplate,
} from "./template.ts";
export type { SampleOptions, TrainingSample } from "./training-sample.ts";
export { encodeCaption, encodePlainText, encodeTrainingSample, withLineFeeds } from "./training-sample.ts";
