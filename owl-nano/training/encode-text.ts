import {
  encodePlainText,
  encodeTrainingSample,
  type SampleOptions,
  type TrainingSample,
} from "../../src/prompt/index.ts";
import type { Tokenizer } from "../../src/tokenizer/index.ts";

/** A conversation begins so; other texts are plain. */
const CONVERSATION = /^Human: /;

/** A text's tokens, and which of them are learned: of a conversation the answers, of any other text all. */
export function encodeText(text: string, tokenizer: Tokenizer, options: SampleOptions): TrainingSample {
  return CONVERSATION.test(text)
    ? encodeTrainingSample(text, tokenizer, options)
    : encodePlainText(text, tokenizer, options);
}
