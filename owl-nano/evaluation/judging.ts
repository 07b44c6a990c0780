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
  const decisive = (text: string): string => shortened(turn.slot.length === 0 ? text : withoutEcho(text));
  const [tokens, reference] = [tokensOf(decisive(answer)), tokensOf(decisive(turn.answer))];
  const question = tokensOf(inSmallLetters(turn.question));
  if (turn.anyOf !== undefined && !turn.anyOf.some((one) => saysSlot([one], tokens))) return false;
  if (turn.slot.length === 0) return turn.anyOf !== undefined || tokens.join(" ") === reference.join(" ");
  if (hedges(tokens) && !hedges(reference)) return false;
  if (saysOpposite(tokens, reference)) return false;
  const texts = { tokens, reference, question };
  const [first] = turn.slot;
  if (first === "no" && !isVerdict(reference)) return saysNone(texts);
  if (first === "yes" || first === "no") return isVerdictRight(first, turn.slot.slice(1), texts);
  if (answersYesNo(tokens) && !answersYesNo(reference)) return false;
  if (READING.has(turn.ability) && !readsTheSame(texts)) return false;
  return saysAll(turn, texts) && !saysOther(kindsOf(turn.slot), texts);
}

/** Abilities that say what is written: all of it counts, as often as it is there. */
const READING: ReadonlySet<string> = new Set(["scene text", "document"]);

/** Answers may say first what was asked: "a cat? this is a dog, so no." */
function withoutEcho(text: string): string {
  const rest = text.replace(/^(?:"[^"]*"|[^"?])*\?\s*/, "");
  return rest === "" ? text : rest;
}

/** Words of which an answer must not say the one where the truth is the other. */
const OPPOSITES: readonly (readonly [string, string])[] = [
  ["cheapest", "expensive"],
  ["first", "last"],
  ["first", "second"],
  ["more", "fewer"],
  ["more", "less"],
  ["most", "least"],
  ["larger", "smaller"],
];

function saysOpposite(tokens: Tokens, reference: Tokens): boolean {
  const only = (text: Tokens, one: string, other: string): boolean =>
    text.includes(one) && !text.includes(other);
  return OPPOSITES.some(
    ([a, b]) =>
      (only(reference, a, b) && only(tokens, b, a)) || (only(reference, b, a) && only(tokens, a, b)),
  );
}

/** Whether the same capitals and numbers are said, in the same order; those of the question may be left out or said again. */
function readsTheSame({ tokens, reference, question }: Texts): boolean {
  const asked = new Set(question.map((token) => token.toUpperCase()));
  const read = (text: Tokens): string =>
    text.filter((token) => (/[A-Z]/.test(token) || /^\$?\d/.test(token)) && !asked.has(token)).join(" ");
  return read(tokens) === read(reference);
}

/** Whether a yes or no is the answer, not part of a sentence ("there are no dogs"). */
const isVerdict = (tokens: Tokens): boolean =>
  [tokens[0], tokens.at(-1)].some((token) => token === "yes" || token === "no");

/** Whether the answer says that there are none, of the right thing. */
function saysNone(texts: Texts): boolean {
  const { tokens } = texts;
  if (!["no", "none", "0", "nothing"].some((word) => tokens.includes(word)) || tokens.includes("yes"))
    return false;
  return !tokens.some((token) => /^[1-9]/.test(token)) && !saysOther(new Set(["name"]), texts);
}

function saysAll({ slot, ability }: Judged, { tokens, reference, question }: Texts): boolean {
  // A task with words may be about the plural itself.
  if (ability === "skill") return slot.every((part) => saysPart(part, tokens));
  if (saysSlot(slot, tokens) || saysInverse(slot, tokens, question)) return true;
  return isLoosePair(slot, reference) && saysSlot(slot.toReversed(), tokens);
}

/** A result may be said without its sum. */
function saysPart(part: string, tokens: Tokens): boolean {
  const wanted = slotTokens(part);
  const numbers = tokens.filter((token) => /^\d/.test(token));
  return positionOf(wanted, tokens) >= 0 || (wanted[0] === "=" && numbers.join() === wanted.slice(1).join());
}

/** Two names of which none is said to be the first. */
function isLoosePair(slot: readonly string[], reference: Tokens): boolean {
  const isName = (part: string): boolean =>
    saidIn(slotTokens(part)).some(({ kinds }) => kinds.includes("name"));
  return slot.length === 2 && slot.every(isName) && !reference.includes("first");
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
function saysInverse(slot: readonly string[], tokens: Tokens, question: Tokens): boolean {
  const asked = saidIn(question).find(({ kinds }) => kinds.includes("name"))?.text;
  const [first, relation, second] = slot.length === 2 && asked !== undefined ? [asked, ...slot] : slot;
  if (second === undefined || OPPOSITE[relation] === undefined) return false;
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

/** The first yes or no decides; what else is said must agree with it. */
function isVerdictRight(wanted: "yes" | "no", rest: readonly string[], texts: Texts): boolean {
  const { tokens } = texts;
  const answers = tokens.filter((token) => token === "yes" || token === "no");
  if (answers[0] !== wanted) return false;
  if (wanted === "no" ? answers.includes("yes") : answers.includes("no")) return false;
  if (rest.length > 0 && tokens.length > 1 && !saysSlot(rest, tokens)) return false;
  return comparesAlike(texts) && agrees(wanted, texts);
}

/** Whether what the answer sees is a reason for its yes or no. What it sees wrongly beside that is another question's business. */
function agrees(wanted: "yes" | "no", { tokens, reference, question }: Texts): boolean {
  const texts = (said: readonly Said[]): ReadonlySet<string> => new Set(said.map(({ text }) => text));
  const [asked, seen] = [affirmed(question), texts(affirmed(reference))];
  const claims = affirmed(turnedLike(question, tokens));
  const claimed = texts(claims);
  if (wanted === "no") return !asked.some(({ text }) => claimed.has(text) && !seen.has(text));
  return asked.every(({ text, kinds }) => {
    const alike = claims.filter((claim) => claim.kinds.some((kind) => kinds.includes(kind)));
    if (alike.length === 0 || claimed.has(text)) return true;
    return !seen.has(text) && alike.every((claim) => seen.has(claim.text));
  });
}

/** A relation as the question puts it: "the tree is to the right of the dog" of a dog and its tree is "the dog … left … the tree". */
function turnedLike(question: Tokens, tokens: Tokens): Tokens {
  const names = (said: Tokens): string[] =>
    saidIn(said).flatMap(({ text, kinds }) => (kinds.includes("name") ? [text] : []));
  const [a, b] = names(question);
  const order = names(tokens);
  const isTurned = b !== undefined && order.indexOf(b) >= 0 && order.indexOf(b) < order.indexOf(a);
  return isTurned ? tokens.map((token) => OPPOSITE[token] ?? token) : tokens;
}

/** Whether what is said of two pictures is alike where the truth is alike, and differs where it differs: names and colors each. */
function comparesAlike({ tokens, reference }: Texts): boolean {
  const [said, truth] = [halvesOf(tokens), halvesOf(reference)];
  if (said === undefined || truth === undefined) return true;
  return (["name", "color"] as const).every((kind) => {
    const [a, b, c, d] = [...said, ...truth].map((half) =>
      [...new Set(saidIn(half).flatMap(({ text, kinds }) => (kinds.includes(kind) ? [text] : [])))]
        .sort()
        .join(),
    );
    return [a, b, c, d].includes("") || (a === b) === (c === d);
  });
}

/** What is said of the first picture, and what of the second. */
function halvesOf(tokens: Tokens): readonly [Tokens, Tokens] | undefined {
  const [first, second] = [tokens.indexOf("first"), tokens.indexOf("second")];
  return first < 0 || second < first
    ? undefined
    : [tokens.slice(first + 1, second), tokens.slice(second + 1)];
}
