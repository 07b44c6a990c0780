/** A conversation with pictures becomes model input, or a training sample. */
export { answerEndOf } from "./answer-end.ts";
export { chatTemplateOf, type TemplateMessage, type TemplateVariables } from "./chat-template.ts";
export {
  type ConversationOptions,
  type EncodedConversation,
  encodeConversation,
  encodePrompt,
} from "./conversation.ts";
export {
  type CutWords,
  cutWordsOf,
  onOwnLine,
  type PicturesOf,
  type ShownPictures,
  seesCut,
  withShownPictures,
} from "./cut-pictures.ts";
export { ContextLengthError, PromptError } from "./error.ts";
export type { MediaPositions } from "./media-positions.ts";
export {
  type ContentPart,
  type MediaReference,
  type Message,
  type RowText,
  shownIn,
  textsOf,
} from "./message.ts";
export { encodeTaughtMessages } from "./message-sample.ts";
export { imageMark, videoMark } from "./pieces.ts";
export { type RenderChatOptions, renderChat } from "./render-chat.ts";
export { foreignMarkOf, linesInFences } from "./role-marks.ts";
export { mediaOrder, type RowPictures } from "./row-pictures.ts";
export { systemPromptOf } from "./system-prompt.ts";
export {
  demoSystemPrompt,
  hasTemplate,
  type PromptTemplate,
  promptTemplate,
  publishedTemplate,
  readerTemplate,
  systemPromptFor,
  taughtSettings,
  trainingSystemPrompt,
  withModelTemplate,
  withSettings,
  withSystemPrompt,
  withTemplate,
} from "./template.ts";
export { pictureOfTemplate } from "./template-abilities.ts";
export { withChatTemplate, withTemplateDefaults } from "./template-defaults.ts";
export {
  encodeCaption,
  encodePlainText,
  encodeTrainingSample,
  requireConversation,
  type SampleOptions,
  type TrainingSample,
  withLineFeeds,
} from "./training-sample.ts";
export {
  positionsForAnswer,
  requirePositions,
  type TruncatedConversation,
  type Truncation,
  type TruncationOptions,
  truncateConversation,
  truncateEncoded,
} from "./truncation.ts";
export {
  markerIds,
  pictureMarkOf,
  type WrittenConversation,
  withPictureParts,
  writtenConversation,
} from "./written-conversation.ts";
