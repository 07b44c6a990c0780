import { once } from "../primitives/index.ts";
import type { Tokenizer } from "../tokenizer/index.ts";
import { type ChatTemplate, chatTemplateOf } from "./chat-template.ts";
import { PromptError } from "./error.ts";
import { roleMarkEscaper } from "./escape-role-marks.ts";
import { exponentialSearch } from "./exponential-search.ts";
import { linesOf, type Message } from "./message.ts";
import { type Piece, writeTaughtTurns } from "./pieces.ts";
import { sampleOfMessages } from "./taught-messages.ts";
import { type PromptTemplate, promptTemplate } from "./template.ts";
import {
  fits,
  type SampleOptions,
  sampleOf,
  sampleOfPieces,
  type TrainingSample,
  tokenizedOnce,
  untilAnswer,
  withoutTrailingMedia,
} from "./training-sample.ts";
import { lastOf, turnsOf } from "./truncation.ts";

type Conversation = readonly Message<number, number>[];

/** How a conversation is written: what it becomes, and whether it fits. */
interface Writer {
  sample(messages: Conversation): TrainingSample;
  fits(messages: Conversation): boolean;
  /** Whether its first answer begins within the length. */
  learns(messages: Conversation): boolean;
}

/**
 * A conversation given as messages, its answers learned as those of `encodeTrainingSample` are. Texts are letters: nothing in them
 * begins a turn, ends one or stands for a picture. Pictures and videos are numbers, in the order in which they stand.
 *
 * @param messages at most one system message, in front
 * @throws PromptError where nothing would be learned: no answer, or none that begins within the length
 */
export function encodeTaughtMessages(
  messages: Conversation,
  tokenizer: Tokenizer,
  options: SampleOptions,
): TrainingSample {
  const { where = "sample", maxLength } = options;
  const chat = options.template === undefined ? chatTemplateOf(tokenizer) : undefined;
  const { template = promptTemplate(tokenizer) } = options;
  const writer =
    chat === undefined ? templateWriter(template, tokenizer, options) : chatWriter(chat, tokenizer, options);
  const last = messages.findLastIndex(({ role }) => role === "assistant");
  if (last < 0)
    throw new PromptError(`${where}: needs an answer, got none; without one there is nothing to learn`);
  // What follows the last answer teaches nothing.
  const taught = messages.slice(0, last + 1);
  const { kept, leftOut } =
    options.truncation === "turns" ? withoutOldest(taught, writer) : { kept: taught, leftOut: 0 };
  const sample = withoutTrailingMedia(writer.sample(kept));
  if (sample.lossMask.includes(true)) return leftOut > 0 ? { ...sample, turnsLeftOut: leftOut } : sample;
  throw new PromptError(
    `${where}: an answer must begin within ${maxLength} tokens, got a prompt that fills them. Raise the length or shorten the row`,
  );
}

/** As many of the last turns as fit, with the pictures of the others in front; all where the last turn alone would teach nothing. */
function withoutOldest(
  messages: Conversation,
  writer: Writer,
): { readonly kept: Conversation; readonly leftOut: number } {
  const all = turnsOf(messages);
  const count = all.turns.length;
  if (count < 2 || writer.fits(messages)) return { kept: messages, leftOut: 0 };
  const last = (turns: number): Conversation => lastOf(all, turns, Number.POSITIVE_INFINITY);
  const kept = exponentialSearch(1, count, (turns) => writer.fits(last(turns)));
  if (kept === 1 && !writer.learns(last(1))) return { kept: messages, leftOut: 0 };
  return { kept: last(kept), leftOut: count - kept };
}

function templateWriter(template: PromptTemplate, tokenizer: Tokenizer, options: SampleOptions): Writer {
  const escapeMarks = roleMarkEscaper(template, tokenizer);
  const cut = once((messages: Conversation): Piece[] =>
    writeTaughtTurns(linesOf(messages, escapeMarks), template),
  );
  const writing = tokenizedOnce(tokenizer);
  return {
    sample: (messages) => sampleOfPieces(cut(messages), writing, options, options.where ?? "sample"),
    fits: (messages) => fits(cut(messages), writing, options),
    learns: (messages) => fits(untilAnswer(cut(messages)), writing, options),
  };
}

function chatWriter(chat: ChatTemplate, tokenizer: Tokenizer, options: SampleOptions): Writer {
  const sample = once((messages: Conversation): TrainingSample => {
    const { isCut, ...ids } = sampleOfMessages(messages, chat, tokenizer, options);
    return sampleOf(ids, isCut);
  });
  return {
    sample,
    fits: (messages) => !sample(messages).isCut,
    learns: (messages) => sample(messages).lossMask.includes(true),
  };
}
