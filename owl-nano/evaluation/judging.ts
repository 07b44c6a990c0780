import { answerInForm } from "./forms.ts";
import { type Said, saidIn, type WordKind } from "./lexicon.ts";
import type { ScoredTurn } from "./rows.ts";
import { positionOf, sentencesOf, slotTokens, type Tokens, tokensOf } from "./words.ts";

/** What is judged: a turn without its statistics. */
export type Judged = Pick<ScoredTurn, "question" | "answer" | "ability" | "slot" | "anyOf" | "form">;

/** How an answer was judged. */
export interface Judgement {
  readonly right: boolean;
  /** Whether it has the ordered form, right or wrong; absent where none was ordered. */
  readonly inForm?: boolean;
  /** Whether it says that it is not sure, or sees no picture. */
  readonly declined: boolean;
}

/** Abilities whose answers may think aloud: their last sentence is the answer. */
const LAST_SENTENCE: ReadonlySet<string> = new Set([
  "knowledge",
  "text fact",
  "reasoning",
  "two pictures binary",
]);

const HEDGES: readonly Tokens[] = [
  ["not", "sure"],
  ["no", "picture"],
];

function hedges(tokens: Tokens): boolean {
  return HEDGES.some((hedge) => positionOf(hedge, tokens) >= 0);
}

/**
 * Judges an answer. It is right where it says the words that decide, in their order, and nothing else of their kinds (names, colors,
 * numbers, sides, values, scene text) that is neither in the true answer nor in the question. A form must be kept as well.
 */
export function judge(turn: Judged, answer: string): Judgement {
  const declined = hedges(tokensOf(answer));
  if (turn.form === undefined) return { right: isRight(turn, answer), declined };
  const { inForm, isTrue, plain } = answerInForm(turn.form, turn.answer, answer);
  const right =
    plain === undefined
      ? isTrue
      : isRight({ ...turn, answer: plain.truth, slot: turn.slot.filter(isContent) }, plain.answer);
  return { right: inForm && right, inForm, declined };
}

/** Parts of a slot that mark the form. */
const isContent = (part: string): boolean => part !== "sure:" && part !== "ok.";

function isRight(turn: Judged, answer: string): boolean {
  const last = (text: string): string => sentencesOf(text).at(-1) ?? "";
  const shortened = LAST_SENTENCE.has(turn.ability) ? last : (text: string) => text;
  const tokens = tokensOf(shortened(answer));
  const reference = tokensOf(shortened(turn.answer));
  const question = tokensOf(inSmallLetters(turn.question));
  if (turn.anyOf !== undefined && !turn.anyOf.some((one) => saysSlot([one], tokens))) return false;
  if (turn.slot.length === 0) return turn.anyOf !== undefined || tokens.join(" ") === reference.join(" ");
  if (hedges(tokens) && !hedges(reference)) return false;
  const texts = { tokens, reference, question };
  const [first] = turn.slot;
  if (first === "yes" || first === "no") return isYesNoRight(first, turn.slot.slice(1), texts);
  if (answersYesNo(tokens) && !answersYesNo(reference)) return false;
  return saysAll(turn, tokens) && !saysOther(kindsOf(turn.slot), texts);
}

function saysAll({ slot, ability }: Judged, tokens: Tokens): boolean {
  // A task with words may be about the plural itself.
  if (ability === "skill") return slot.every((part) => positionOf(slotTokens(part), tokens) >= 0);
  return saysSlot(slot, tokens) || saysInverse(slot, tokens);
}

function answersYesNo(tokens: Tokens): boolean {
  return ["yes", "no", "not"].some((word) => tokens.includes(word));
}

/** A question without its capitals; text in quotes keeps them. */
function inSmallLetters(question: string): string {
  return question.includes('"') ? question : question.toLowerCase();
}

interface Texts {
  readonly tokens: Tokens;
  readonly reference: Tokens;
  readonly question: Tokens;
}

function canonical(tokens: Tokens): string[] {
  const said = saidIn(tokens);
  const names = new Map(
    said.filter(({ kinds }) => kinds.includes("name")).map(({ text, from }) => [from, text]),
  );
  const end = new Map(said.map(({ from, length }) => [from, length]));
  const out: string[] = [];
  for (let at = 0; at < tokens.length; at += end.get(at) ?? 1)
    out.push(...(names.get(at)?.split(" ") ?? tokens.slice(at, at + (end.get(at) ?? 1))));
  return out;
}

/** Whether the parts of the slot stand in the answer, one after the other. */
function saysSlot(slot: readonly string[], tokens: Tokens): boolean {
  const said = canonical(tokens);
  let from = 0;
  for (const part of slot) {
    const wanted = canonical(slotTokens(part));
    const at = positionOf(wanted, said, from);
    if (at < 0) return false;
    from = at + wanted.length;
  }
  return true;
}

const OPPOSITE: Readonly<Record<string, string>> = {
  left: "right",
  right: "left",
  above: "below",
  below: "above",
};

/** "a tree to the right of a dog" says the same as "a dog to the left of a tree". */
function saysInverse(slot: readonly string[], tokens: Tokens): boolean {
  const [first, relation, second] = slot;
  if (slot.length !== 3 || OPPOSITE[relation] === undefined) return false;
  return saysSlot([second, OPPOSITE[relation], first], tokens);
}

/** The kinds of what decides. A number or a value is said of something, which must be the right thing; who is not sure must name none. */
function kindsOf(slot: readonly string[]): ReadonlySet<WordKind> {
  if (slot.some((part) => hedges(slotTokens(part)))) return new Set(["name"]);
  const kinds = new Set(slot.flatMap((part) => saidIn(slotTokens(part)).flatMap(({ kinds }) => kinds)));
  return kinds.has("number") || kinds.has("value") ? kinds.add("name") : kinds;
}

/** Whether something of these kinds is said that neither the true answer nor the question says. */
function saysOther(kinds: ReadonlySet<WordKind>, { tokens, reference, question }: Texts): boolean {
  const allowed = new Set(
    [...saidIn(reference), ...saidIn(question), ...inverses(reference)].map(({ text }) => text),
  );
  return saidIn(tokens).some(
    ({ text, kinds: own }) => own.some((kind) => kinds.has(kind)) && !allowed.has(text),
  );
}

function inverses(reference: Tokens): { readonly text: string }[] {
  return reference.flatMap((token) => (OPPOSITE[token] === undefined ? [] : [{ text: OPPOSITE[token] }]));
}

/** What is said without a "no" or "not" before it. */
function affirmed(tokens: Tokens): Said[] {
  const negated = (from: number): boolean =>
    tokens.slice(Math.max(1, from - 3), from).some((token) => token === "no" || token === "not");
  return saidIn(tokens).filter(({ from }) => !negated(from));
}

/** The first yes or no decides; what follows must not take it back. */
function isYesNoRight(wanted: "yes" | "no", rest: readonly string[], texts: Texts): boolean {
  const { tokens, reference, question } = texts;
  const answers = tokens.filter((token) => token === "yes" || token === "no");
  if (answers[0] !== wanted) return false;
  if (wanted === "no" ? answers.includes("yes") : answers.includes("no")) return false;
  if (rest.length > 0 && tokens.length > 1 && !saysSlot(rest, tokens)) return false;
  const asked = affirmed(question);
  const [askedTexts, trueTexts] = [asked, affirmed(reference)].map(
    (said) => new Set(said.map(({ text }) => text)),
  );
  const claims = affirmed(tokens);
  if (wanted === "no") return !claims.some(({ text }) => askedTexts.has(text) && !trueTexts.has(text));
  const kinds = new Set<WordKind>(["name", ...asked.flatMap(({ kinds }) => kinds)]);
  return !claims.some(
    ({ text, kinds: own }) =>
      own.some((kind) => kinds.has(kind)) && !askedTexts.has(text) && !trueTexts.has(text),
  );
}
