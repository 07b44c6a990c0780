import type { ReadSettings } from "../read-settings.ts";
import { isEmpty, isRecord, type RecordValue, storedText } from "../record.ts";
import type { GivenTurn } from "../turns.ts";
import { turnsOfPair } from "./alpaca.ts";
import { mediaFields } from "./conversations.ts";
import { readMessages } from "./messages.ts";
import {
  asList,
  type Fields,
  listOf,
  type Reading,
  type RecordFormat,
  RowProblem,
  requireText,
} from "./record-format.ts";

/**
 * Pairs of answers as TRL has them: `prompt`, `chosen` and `rejected` as texts or as messages; or `chosen` and `rejected` as whole
 * conversations that differ in their last answers, as messages or as Anthropic's HH writes them. LLaMA-Factory's `conversations` with two answers and RLAIF-V's `question` are such
 * prompts too, and so is its `instruction` with `input` on the lines behind it and earlier turns in `history`. Pictures stand in parts of the prompt or in the row's `images`, in front of a prompt of text without marks.
 */
export const preference: RecordFormat = {
  fields: {
    prompt: ["prompt", "question", "instruction", "conversations", "messages"],
    chosen: ["chosen", "chosen_response"],
    rejected: ["rejected", "rejected_response"],
    input: ["input"],
    history: ["history"],
    further: ["choices", "options", "context", "hint", "passage"],
    ...mediaFields,
    system: ["system"],
  },
  lists: ["history", "image", "video"],
  signature: ["chosen", "rejected"],
  recognises: ({ chosen, rejected }) => [chosen, rejected].every(isAnswer),
  read: readPreference,
};

const isAnswer = (value: unknown): boolean =>
  typeof value === "string" || isRecord(value) || (Array.isArray(value) && value.every(isRecord));

function readPreference(fields: Fields, { columns }: ReadSettings): Reading {
  const { prompt, input, history, further, chosen, rejected, ...others } = fields;
  if (further !== undefined && columns?.prompt === undefined)
    throw new RowProblem(
      "has choices, options or a context beside its prompt; write them into the prompt, or name its column in the recipe if it is meant alone",
    );
  // Pictures without a place in a single prompt of text come first, as in a question about them.
  const isQuestion = typeof prompt === "string" && storedMessages(prompt) === undefined;
  const unmarked = isQuestion && history === undefined ? "front" : "error";
  const asked = [...earlierMessages(history), ...messagesOf(withInput(prompt, input), "user", '"prompt"')];
  const better = conversationOf(asked, chosen, '"chosen"');
  const worse = conversationOf(asked, rejected, '"rejected"');
  const reading = readMessages({ ...others, messages: better }, unmarked);
  const other = readMessages({ ...others, messages: worse }, unmarked);
  if (typeof other.says === "string") return reading;
  requireSamePrompt(reading, other);
  return { ...reading, rejected: other.says };
}

/** A prompt of text with the lines behind it. */
function withInput(prompt: unknown, input: unknown): unknown {
  if (input === undefined) return prompt;
  const words = requireText(input, '"input"');
  if (prompt === undefined) return words;
  if (typeof prompt === "string" && (storedMessages(prompt) ?? turnsOfText(prompt)) === undefined)
    return `${prompt}\n${words}`;
  throw new RowProblem('"input" stands behind a prompt of text, got it beside messages; write it into them');
}

/** The turns of a row's `history`, as messages. */
function earlierMessages(history: unknown): RecordValue[] {
  const turns = listOf(history).flatMap(turnsOfPair);
  return turns.map(({ role, parts }) => ({
    role,
    content: parts.map((part) => ("text" in part ? part.text : "")).join(""),
  }));
}

/** The messages that are asked with an answer to them. */
function conversationOf(asked: readonly RecordValue[], answer: unknown, what: string): RecordValue[] {
  const answers = messagesOf(answer, "assistant", what);
  if (answers.length === 0) throw new RowProblem(`${what} must be an answer, got nothing`);
  const isWhole = answers.some(({ role }) => role === "user" || role === "human");
  if (!isWhole && asked.length === 0)
    throw new RowProblem(
      '"prompt" must say what is answered, got nothing, and the answers are no whole conversations',
    );
  if (!isWhole) return [...asked, ...answers];
  const isIn = (given: RecordValue): boolean =>
    answers.some(({ content }) => storedText({ content }) === storedText({ content: given.content }));
  if (asked.every(isIn)) return answers;
  throw new RowProblem(`${what} is a whole conversation, in which "prompt" must stand too, got another one`);
}

/** Messages, in the form of `{from, value}` too; a text is one message. */
function messagesOf(value: unknown, role: string, what: string): RecordValue[] {
  if (isEmpty(value)) return [];
  if (typeof value === "string")
    return storedMessages(value) ?? turnsOfText(value) ?? [{ role, content: value }];
  return asMessages(Array.isArray(value) ? value : [value], what);
}

/** The messages that a column holds as JSON text; undefined for any other text, which may be JSON too. */
function storedMessages(text: string): RecordValue[] | undefined {
  const list = asList(text);
  const isMessage = (one: unknown): boolean => isRecord(one) && ("role" in one || "from" in one);
  return Array.isArray(list) && list.every(isMessage) ? asMessages(list, "messages") : undefined;
}

function asMessages(list: readonly unknown[], what: string): RecordValue[] {
  return list.map((one): RecordValue => {
    if (!isRecord(one)) throw new RowProblem(`${what} must be a text or messages, got other items`);
    const { from, value: words, ...rest } = one;
    return from === undefined ? one : { ...rest, role: from, content: words };
  });
}

/** The turns of a text that is a whole conversation in the writing of Anthropic's HH; undefined for any other. */
function turnsOfText(text: string): RecordValue[] | undefined {
  if (!/^\s*Human: /.test(text)) return undefined;
  const [, ...parts] = `\n\n${text.trim()}`.split(/\n\n(Human|Assistant): ?/);
  const turns = parts.flatMap((content, i) =>
    i % 2 === 1 ? [{ role: parts[i - 1].toLowerCase(), content }] : [],
  );
  // A prompt ends where the assistant begins.
  return turns.filter(({ content }, i) => i < turns.length - 1 || content !== "");
}

/** Both answers must be to the same words about the same pictures. */
function requireSamePrompt(better: Reading, other: Reading): void {
  const shown = ({ pictures = [], videos = [] }: Reading): string => storedText({ pictures, videos });
  const asked = ({ says }: Reading): string =>
    typeof says === "string" ? "" : storedText({ says: says.slice(0, lastAnswer(says)) });
  if (asked(better) !== asked(other) || shown(better) !== shown(other))
    throw new RowProblem(
      '"chosen" and "rejected" must be answers to one conversation, got two that differ before their last answers',
    );
}

/** The index of the last answer; what is behind it is no part of what is compared. */
const lastAnswer = (turns: readonly GivenTurn[]): number =>
  turns.findLastIndex(({ role }) => role === "assistant");
