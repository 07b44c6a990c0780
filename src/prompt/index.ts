/** A conversation with pictures becomes model input, or a training sample. */
export {
  type ConversationOptions,
  type EncodedConversation,
  encodeConversation,
  encodePrompt,
} from "./conversation.ts";
export { ContextLengthError, PromptError } from "./error.ts";
export { firstWordsOf } from "./first-words.ts";
export {
  answerRoom,
  type FittedConversation,
  type FittingOptions,
  fitConversation,
  requirePositions,
  type Truncation,
} from "./fitting.ts";
export type { Medium, Message, Part } from "./message.ts";
export { imageMark, videoMark } from "./pieces.ts";
export {
  demoSystemSentence,
  hasTemplate,
  type PromptTemplate,
  promptTemplate,
  publishedTemplate,
  trainingSystemSentence,
  withTemplate,
} from "./template.ts";
export {
  encodeCaption,
  encodePlainText,
  encodeTrainingSample,
  type SampleOptions,
  type TrainingSample,
  withLineFeeds,
} from "./training-sample.ts";
