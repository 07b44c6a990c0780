import type { Tokenizer } from "../tokenizer/index.ts";
import { type ConversationOptions, type EncodedConversation, encodeConversation } from "./conversation.ts";
import { ContextLengthError } from "./error.ts";
import { largest } from "./largest.ts";
import { conversationOf, type Message, type Part } from "./message.ts";

/**
 * What becomes of a conversation that no longer fits: `"auto"` leaves its oldest turns out, `"disabled"` refuses it.
 * (The words of OpenAI's Responses API.)
 */
export type Truncation = "auto" | "disabled";

/** What fitting a conversation needs to know. */
export interface FittingOptions extends ConversationOptions {
  /** Positions that the model has. */
  readonly positions: number;
  /** How long an answer may get. */
  readonly maxNewTokens: number;
}

/** A conversation that fits, and what was left out of it, in words for whoever reads the answer. */
export interface FittedConversation<Image, Video = never> extends EncodedConversation<Image, Video> {
  readonly notes: readonly string[];
}

/** Messages by turns: a user's message and the answers behind it. What the assistant said first is a turn, too. */
interface Turns<Image, Video> {
  readonly system: readonly Message<Image, Video>[];
  readonly turns: readonly (readonly Message<Image, Video>[])[];
}

/**
 * New tokens that must have room behind a prompt: as many as an answer may have, but at most an eighth of the model's
 * positions, and one at least.
 */
export function answerRoom(positions: number, maxNewTokens: number): number {
  return Math.max(1, Math.min(maxNewTokens, Math.floor(positions / 8)));
}

/**
 * A conversation without as many of its oldest turns as it takes for the rest, and {@link answerRoom}, to fit the model.
 * A turn is a user's message with the answer behind it. The system message and the last message always stay. Pictures
 * and videos of turns that are left out stand in front of the first message that is kept; only where all other turns
 * are gone and it still does not fit, they go as well, oldest first.
 * @throws PromptError for messages that are no conversation; ContextLengthError where the last message alone is too long
 */
export function fitConversation<Image, Video = never>(
  messages: readonly Message<Image, Video>[],
  tokenizer: Tokenizer,
  options: FittingOptions,
): FittedConversation<Image, Video> {
  const { positions, maxNewTokens } = options;
  const all = turnsOf(conversationOf(messages));
  const { length } = all.turns;
  // The last new token is not fed back, so it needs no position.
  const most = positions + 1 - answerRoom(positions, maxNewTokens);
  const encode = (kept: number, media: number): EncodedConversation<Image, Video> =>
    encodeConversation(lastOf(all, kept, media), tokenizer, options);
  const fits = (kept: number, media: number): boolean => encode(kept, media).ids.length <= most;
  const kept = largest(1, length, (count) => fits(count, Infinity));
  const older = mediaOf(all.turns.slice(0, length - kept));
  const media = kept > 1 ? older.length : largest(0, older.length, (count) => fits(1, count));
  const encoded = encode(kept, media);
  const advice = "the last message (with the system's) is too long by itself; shorten it, or show less";
  requirePositions(encoded.ids.length, positions, advice);
  const gone = older.slice(0, older.length - media);
  return { ...encoded, notes: kept === length ? [] : [noteOf(length - kept, gone, positions)] };
}

/** @throws ContextLengthError where a prompt takes more positions than there are */
export function requirePositions(
  needed: number,
  available: number,
  advice = "shorten the conversation",
): void {
  if (needed <= available) return;
  const message = `prompt: must fit the model's ${available} positions, got ${needed}; ${advice}`;
  throw new ContextLengthError(message, { needed, available });
}

function turnsOf<Image, Video>(messages: readonly Message<Image, Video>[]): Turns<Image, Video> {
  const system = messages.filter(({ role }) => role === "system");
  const turns: Message<Image, Video>[][] = [];
  for (const message of messages.slice(system.length)) {
    if (message.role === "user" || turns.length === 0) turns.push([message]);
    else turns[turns.length - 1].push(message);
  }
  return { system, turns };
}

type Shown<Image, Video> = Exclude<Part<Image, Video>, { type: "text" }>;

function mediaOf<Image, Video>(turns: Turns<Image, Video>["turns"]): Shown<Image, Video>[] {
  return turns
    .flat()
    .flatMap(({ content }) => (typeof content === "string" ? [] : content))
    .filter((part): part is Shown<Image, Video> => part.type !== "text");
}

/** The last turns, and in front of them as many of the last pictures and videos that the others had. */
function lastOf<Image, Video>(
  { system, turns }: Turns<Image, Video>,
  kept: number,
  media: number,
): readonly Message<Image, Video>[] {
  const [[first, ...answers], ...rest] = turns.slice(turns.length - kept);
  const older = mediaOf(turns.slice(0, turns.length - kept));
  const shown = older.slice(Math.max(0, older.length - media));
  if (shown.length === 0) return [...system, first, ...answers, ...rest.flat()];
  const { role, content } = first;
  const own: readonly Part<Image, Video>[] =
    typeof content === "string" ? [{ type: "text", text: content }] : content;
  return [...system, { role, content: [...shown, ...own] }, ...answers, ...rest.flat()];
}

function noteOf(turns: number, gone: readonly Shown<unknown, unknown>[], positions: number): string {
  const left = turns === 1 ? "its oldest turn was" : `its ${turns} oldest turns were`;
  const pictures = gone.filter(({ type }) => type === "image").length;
  const lost = [counted(pictures, "picture"), counted(gone.length - pictures, "video")].filter(Boolean);
  const media = lost.length === 0 ? "" : `, with ${lost.join(" and ")}`;
  return `The conversation no longer fits the model's ${positions} positions: ${left} left out${media}.`;
}

function counted(count: number, what: string): string {
  return count === 0 ? "" : `${count} ${what}${count === 1 ? "" : "s"}`;
}
