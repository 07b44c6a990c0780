import type { Tokenizer } from "../tokenizer/index.ts";
import { type ConversationOptions, type EncodedConversation, encodeConversation } from "./conversation.ts";
import { ContextLengthError } from "./error.ts";
import { exponentialSearch } from "./exponential-search.ts";
import { type ContentPart, conversationOf, type Message } from "./message.ts";

/**
 * What becomes of a conversation that no longer fits: `"auto"` leaves its oldest turns out, `"disabled"` refuses it.
 * (The words of OpenAI's Responses API.)
 */
export type Truncation = "auto" | "disabled";

/** What truncating a conversation needs to know. */
export interface TruncationOptions<Image = unknown, Video = unknown>
  extends ConversationOptions<Image, Video> {
  /** Positions that the model has. */
  readonly positions: number;
  /** How long an answer may get. */
  readonly maxNewTokens: number;
}

/** A conversation that fits the model; `notes` tell the reader of the answer what was left out. */
export interface TruncatedConversation<Image, Video = never> extends EncodedConversation<Image, Video> {
  readonly notes: readonly string[];
}

/** Messages by turns: a user's message and the answers to it. Assistant messages in front of the first one are a turn, too. */
export interface Turns<Image, Video> {
  readonly system: readonly Message<Image, Video>[];
  readonly turns: readonly (readonly Message<Image, Video>[])[];
}

/**
 * Positions that are kept free behind a prompt for its answer: `maxNewTokens`, but at most an eighth of the model's positions
 * and at least one.
 */
export function positionsForAnswer(positions: number, maxNewTokens: number): number {
  return Math.max(1, Math.min(maxNewTokens, Math.floor(positions / 8)));
}

/**
 * Leaves out as many of a conversation's oldest turns as must go for the rest, with {@link positionsForAnswer}, to fit the
 * model. A turn is a user's message with the answer behind it. The system message and the last message always stay. Pictures
 * and videos of turns that are left out stand in front of the first message that is kept; only where all other turns
 * are gone and it still does not fit, they go as well, oldest first.
 * @throws PromptError for messages that are no conversation; ContextLengthError where the last message alone is too long
 */
export function truncateConversation<Image, Video = never>(
  messages: readonly Message<Image, Video>[],
  tokenizer: Tokenizer,
  options: TruncationOptions<Image, Video>,
): TruncatedConversation<Image, Video> {
  return truncateEncoded(messages, options, (kept) => encodeConversation(kept, tokenizer, options));
}

/**
 * As {@link truncateConversation}, for conversations that are written in a way of their own.
 *
 * @param write encodes what is kept of the messages
 */
export function truncateEncoded<Image, Video, Encoded extends { readonly ids: readonly number[] }>(
  messages: readonly Message<Image, Video>[],
  { positions, maxNewTokens }: Pick<TruncationOptions, "positions" | "maxNewTokens">,
  write: (messages: readonly Message<Image, Video>[]) => Encoded,
): Encoded & { readonly notes: readonly string[] } {
  const all = turnsOf(conversationOf(messages));
  const { length } = all.turns;
  // The last new token is not fed back, so it needs no position.
  const most = positions + 1 - positionsForAnswer(positions, maxNewTokens);
  const encode = (kept: number, media: number): Encoded => write(lastOf(all, kept, media));
  const fits = (kept: number, media: number): boolean => encode(kept, media).ids.length <= most;
  const kept = exponentialSearch(1, length, (count) => fits(count, Infinity));
  const older = mediaOf(all.turns.slice(0, length - kept));
  const media = kept > 1 ? older.length : exponentialSearch(0, older.length, (count) => fits(1, count));
  const encoded = encode(kept, media);
  const advice = "the last message (with the system's) is too long by itself; shorten it, or show less";
  requirePositions(encoded.ids.length, positions, advice);
  const gone = older.slice(0, older.length - media);
  return { ...encoded, notes: kept === length ? [] : [truncationNote(length - kept, gone, positions)] };
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

export function turnsOf<Image, Video>(messages: readonly Message<Image, Video>[]): Turns<Image, Video> {
  const system = messages.filter(({ role }) => role === "system");
  const turns: Message<Image, Video>[][] = [];
  for (const message of messages.slice(system.length)) {
    if (message.role === "user" || turns.length === 0) turns.push([message]);
    else turns[turns.length - 1].push(message);
  }
  return { system, turns };
}

type Shown<Image, Video> = Exclude<ContentPart<Image, Video>, { type: "text" }>;

function mediaOf<Image, Video>(turns: Turns<Image, Video>["turns"]): Shown<Image, Video>[] {
  return turns
    .flat()
    .flatMap(({ content }) => (typeof content === "string" ? [] : content))
    .filter((part): part is Shown<Image, Video> => part.type !== "text");
}

/** The last turns, and in front of them as many of the last pictures and videos that the others had. */
export function lastOf<Image, Video>(
  { system, turns }: Turns<Image, Video>,
  kept: number,
  media: number,
): readonly Message<Image, Video>[] {
  const [[first, ...answers], ...rest] = turns.slice(turns.length - kept);
  const older = mediaOf(turns.slice(0, turns.length - kept));
  const shown = older.slice(Math.max(0, older.length - media));
  if (shown.length === 0) return [...system, first, ...answers, ...rest.flat()];
  const { role, content } = first;
  const own: readonly ContentPart<Image, Video>[] =
    typeof content === "string" ? [{ type: "text", text: content }] : content;
  return [...system, { role, content: [...shown, ...own] }, ...answers, ...rest.flat()];
}

function truncationNote(turns: number, gone: readonly Shown<unknown, unknown>[], positions: number): string {
  const left = turns === 1 ? "its oldest turn was" : `its ${turns} oldest turns were`;
  const pictures = gone.filter(({ type }) => type === "image").length;
  const lost = [countOf(pictures, "picture"), countOf(gone.length - pictures, "video")].filter(Boolean);
  const media = lost.length === 0 ? "" : `, with ${lost.join(" and ")}`;
  return `The conversation no longer fits the model's ${positions} positions: ${left} left out${media}.`;
}

function countOf(count: number, what: string): string {
  return count === 0 ? "" : `${count} ${what}${count === 1 ? "" : "s"}`;
}
