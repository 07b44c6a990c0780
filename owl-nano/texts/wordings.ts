import { randomFor } from "../random.ts";
import { SPLIT_SEED } from "../scenes/held-out.ts";
import type { Asked, Part, Telling } from "./turns.ts";
import { typed } from "./typed.ts";
import { ROW_WORDINGS } from "./wordings/document-rows.ts";
import { DOCUMENT_WORDINGS } from "./wordings/documents.ts";
import { FACT_CHECK_WORDINGS } from "./wordings/fact-checks.ts";
import { FOLLOWING_WORDINGS } from "./wordings/following.ts";
import { FORM_WORDINGS } from "./wordings/forms.ts";
import { LATER_PICTURE_WORDINGS } from "./wordings/later-pictures.ts";
import { LATER_TALK_WORDINGS } from "./wordings/later-talk.ts";
import { LATER_TASK_WORDINGS } from "./wordings/later-tasks.ts";
import { LATER_FACT_WORDINGS, LATER_WORD_WORDINGS } from "./wordings/later-words.ts";
import { MEMORY_WORDINGS } from "./wordings/memory.ts";
import { MORE_WORDINGS } from "./wordings/more.ts";
import { PICTURE_WORDINGS } from "./wordings/pictures.ts";
import { PLACE_WORDINGS } from "./wordings/places.ts";
import { SIGN_WORDINGS } from "./wordings/signs.ts";
import { SKILL_WORDINGS } from "./wordings/skills.ts";
import { TALK_WORDINGS } from "./wordings/talk.ts";
import { THINKING_WORDINGS } from "./wordings/thinking.ts";
import { WORD_WORDINGS } from "./wordings/word-tasks.ts";

/** Every kind of question with its wordings; capitals (X, Y …) stand for what is filled in. */
export const WORDINGS = {
  ...PICTURE_WORDINGS,
  ...MEMORY_WORDINGS,
  ...WORD_WORDINGS,
  ...PLACE_WORDINGS,
  ...SIGN_WORDINGS,
  ...DOCUMENT_WORDINGS,
  ...ROW_WORDINGS,
  ...FORM_WORDINGS,
  ...FOLLOWING_WORDINGS,
  ...FACT_CHECK_WORDINGS,
  ...THINKING_WORDINGS,
  ...SKILL_WORDINGS,
  ...TALK_WORDINGS,
} as const satisfies Readonly<Record<string, readonly string[]>>;

export type WordingKind = keyof typeof WORDINGS;

type Further = Readonly<Partial<Record<WordingKind, readonly string[]>>>;

const FURTHER: Further = MORE_WORDINGS;

/** What is added when the language model can answer already: some three thousand wordings with words that the others leave out. */
export const LATER_WORDINGS: Further = {
  ...LATER_PICTURE_WORDINGS,
  ...LATER_TASK_WORDINGS,
  ...LATER_TALK_WORDINGS,
  ...LATER_WORD_WORDINGS,
};

const bare = (wording: string): string => wording.replace(/[?.!]$/, "");

/** Nothing that training says later is held out, though another list may keep it for a test. */
const TAUGHT = new Set(
  [LATER_WORDINGS, LATER_FACT_WORDINGS].flatMap((lists) => Object.values(lists).flat().map(bare)),
);

/** The wordings of a list for validation or the test. */
export function heldOut(list: readonly string[], part: Part): readonly string[] {
  return wordingsOf(list, part).filter((wording) => !TAUGHT.has(bare(wording)));
}

/** The wordings of a kind that may be asked with. */
export function askable(kind: WordingKind, { part, isLate }: Telling): readonly string[] {
  const list = WORDINGS[kind];
  if (part !== "train") return heldOut(list, part);
  return [
    ...wordingsOf(list, part),
    ...(FURTHER[kind] ?? []),
    ...(isLate ? (LATER_WORDINGS[kind] ?? []) : []),
  ];
}

/** Of eight neighbours in a list sorted by manner and length, two are for the test and one for validation. */
const BLOCK: readonly Part[] = ["test", "test", "validation", "train", "train", "train", "train", "train"];

function isPolite(wording: string): boolean {
  return /\b(please|could|would|can you|may i|kindly|thank)\b/.test(wording);
}

/**
 * Divides wordings: a quarter for the test, an eighth for validation, the rest for training. Plain and polite, short and long
 * ones go to every part, as far as the list has enough of them.
 */
export function split(wordings: readonly string[]): Readonly<Record<Part, readonly string[]>> {
  const sorted = [...wordings].sort(
    (a, b) => Number(isPolite(a)) - Number(isPolite(b)) || a.length - b.length || (a < b ? -1 : 1),
  );
  const parts: Record<Part, string[]> = { train: [], validation: [], test: [] };
  for (let start = 0; start < sorted.length; start += BLOCK.length) {
    const block = sorted.slice(start, start + BLOCK.length);
    const roles = randomFor(SPLIT_SEED, `wordings ${block.join("|")}`, 0).shuffle(BLOCK);
    // A short last block: each role in proportion, training first.
    const few = [...roles]
      .sort((a, b) => Number(b === "train") - Number(a === "train"))
      .slice(0, block.length);
    const given = block.length === BLOCK.length ? roles : few;
    for (const [i, wording] of block.entries()) parts[given[i]].push(wording);
  }
  return parts;
}

const divided = new Map<readonly string[], Readonly<Record<Part, readonly string[]>>>();

/** The wordings of a list that a part may use. */
export function wordingsOf(list: readonly string[], part: Part): readonly string[] {
  const parts = divided.get(list) ?? split(list);
  divided.set(list, parts);
  return parts[part];
}

/** What stands for the capitals of a wording. */
export type Fills = Readonly<Record<string, string>>;

/** Puts words where a wording has capitals. */
export function fill(wording: string, fills: Fills): string {
  return wording.replace(/\b[A-Z]\b/g, (capital) => {
    const words = fills[capital];
    if (words === undefined)
      throw new Error(`wordings: every capital of "${wording}" must be filled in, got none for ${capital}`);
    return words;
  });
}

/** A question of one of these kinds, as someone types it. */
export function ask(
  kind: WordingKind | readonly WordingKind[],
  telling: Telling,
  fills: Fills = {},
  change: (wording: string) => string = (wording) => wording,
): Asked {
  const { random } = telling;
  const kinds = typeof kind === "string" ? [kind] : kind;
  const wording = random.pick(kinds.flatMap((name) => askable(name, telling)));
  return { wordings: [wording], question: fill(typed(change(wording), random), fills) };
}

/** A question about a relation of a thing or country, of those that it lists. */
export function askOf(
  relation: string,
  list: readonly string[],
  { part, random, isLate }: Telling,
  finish: (wording: string) => string,
): Asked {
  const later = isLate ? (LATER_FACT_WORDINGS[relation] ?? []) : [];
  const wording = random.pick(part === "train" ? [...wordingsOf(list, part), ...later] : heldOut(list, part));
  return { wordings: [wording], question: finish(typed(wording, random)) };
}

/** A question with an order about the form of its answer around it. */
export function askIn(kind: WordingKind, inner: Asked, telling: Telling): Asked {
  const closed = /[?.!]$/.test(inner.question) ? inner.question : `${inner.question}?`;
  const { question, wordings } = ask(kind, telling, { Q: closed });
  return { question, wordings: [...wordings, ...inner.wordings] };
}
