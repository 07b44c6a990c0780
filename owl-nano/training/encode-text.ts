import {
  encodeCaption,
  encodePlainText,
  encodeTrainingSample,
  type SampleOptions,
  type TrainingSample,
} from "../../src/prompt/index.ts";
import type { Tokenizer } from "../../src/tokenizer/index.ts";

/** A conversation begins so, a caption behind its picture with the picture; other texts are plain. */
const CONVERSATION = /^Human: /;
const PICTURE = "<image>";

/**
 * A text's tokens, and which of them are learned: of a conversation the answers, behind a picture the caption, of any other text all.
 */
export function encodeText(text: string, tokenizer: Tokenizer, options: SampleOptions): TrainingSample {
  if (text.startsWith(PICTURE)) return encodeCaption(text.slice(PICTURE.length), tokenizer, options);
  return CONVERSATION.test(text)
    ? encodeTrainingSample(text, tokenizer, options)
    : encodePlainText(text, tokenizer, options);
}
