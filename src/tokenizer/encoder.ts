import { BytePairEncoding, type EncodeWord } from "./byte-pair-encoding.ts";
import { type AddedToken, spaceMark, TokenizerError, type TokenizerJson } from "./format.ts";
import { type Normalizer, normalizerOf } from "./normalizer.ts";
import { cutMark, type PreTokenizer, preTokenizerOf, withoutCuts } from "./pre-tokenizer.ts";
import type { Step } from "./step.ts";
import { type Found, type WrittenForm, WrittenTokens } from "./written-tokens.ts";

/** How a text is encoded. */
export interface EncodeOptions {
  /**
   * Written forms of special tokens (`</s>`) become the letters that they are written with, as transformers'
   * `split_special_tokens` has it. Default false: they become those tokens.
   */
  readonly splitSpecialTokens?: boolean;
}

/** A part of a text with its own options. */
export interface TextPart extends EncodeOptions {
  readonly text: string;
  /** Whether no token goes on from this part into the next. Default false. */
  readonly cut?: boolean;
}

/** Ids of a text, and how many of them each of its parts has ended with. */
export interface AlignedIds {
  readonly ids: number[];
  /** For each part the number of ids of the text up to its end; a token that spans two parts is behind the first one's end. */
  readonly ends: readonly number[];
  /** For each part whether a token goes on over its end. */
  readonly spanned: readonly boolean[];
}

/** Encodes texts as ids. */
export interface Encoder {
  /** Encodes a text in which the written form of a special token is that token. */
  readonly encode: (text: string) => number[];
  /** Encodes the parts of a text as one text: a token may span two parts. */
  readonly encodeParts: (parts: readonly TextPart[]) => number[];
  /** {@link encodeParts}, and which ids belong to which part. */
  readonly alignParts: (parts: readonly TextPart[]) => AlignedIds;
  /** Where written forms of control tokens begin in a text, and where a beginning of one ends it. */
  readonly controlForms: (text: string) => WrittenForm[];
}

/** A text that is encoded: as a whole, with the places where control tokens may not be. */
interface Whole {
  readonly text: string;
  /** Where each part ends. */
  readonly ends: readonly number[];
  /** Whether control tokens may be in a part. */
  readonly admits: readonly boolean[];
}

/**
 * The encoder of a tokenizer.json.
 *
 * @param control the written forms of control tokens, which a text part with `splitSpecialTokens` cannot produce
 * @throws TokenizerError naming what of the file is not computed
 */
export function encoderOf(json: TokenizerJson, control: ReadonlySet<string>): Encoder {
  const steps = stepsOf(json);
  const { added_tokens: added, model } = json;
  const isControl = ({ content }: AddedToken): boolean => control.has(content);
  const unnamed = [...control].flatMap((content) => controlToken(content, added, model.vocab));
  const forbidden = new Set([...added.filter(isControl), ...unnamed].map(({ id }) => id));
  const written = new Sections(
    steps,
    added.filter(({ normalized }) => !normalized),
    added.filter(({ normalized }) => normalized),
    steps.bpe.encoder(),
  );
  const guarded = new Sections(
    steps,
    [...added.filter((token) => !token.normalized || isControl(token)), ...unnamed],
    added.filter((token) => token.normalized && !isControl(token)),
    steps.bpe.encoder(forbidden),
  );
  const controls = new WrittenTokens([...added.filter(isControl), ...unnamed]);
  const encodeParts = (parts: readonly TextPart[]): number[] =>
    guarded.encode(wholeOf(parts), forbidden).flatMap((section) => section.ids);
  return {
    encode: (text) => written.encode(wholeOf([{ text }]), new Set()).flatMap((section) => section.ids),
    encodeParts,
    alignParts: (parts) => guarded.align(wholeOf(parts), forbidden),
    controlForms: (text) => controls.beginnings(text),
  };
}

/** A control form that is in the vocabulary but no added token, as an added token. */
function controlToken(
  content: string,
  added: readonly AddedToken[],
  vocabulary: Readonly<Record<string, number>>,
): AddedToken[] {
  const id = Object.hasOwn(vocabulary, content) ? vocabulary[content] : undefined;
  if (id === undefined || added.some((token) => token.content === content)) return [];
  const plain = { single_word: false, lstrip: false, rstrip: false, normalized: false };
  return [{ id, content, special: true, ...plain }];
}

interface Steps {
  readonly normalize: Normalizer;
  readonly preTokenize: PreTokenizer;
  readonly bpe: BytePairEncoding;
}

/** @throws TokenizerError */
function stepsOf(json: TokenizerJson): Steps {
  try {
    return {
      normalize: normalizerOf(json.normalizer as Step | null),
      preTokenize: preTokenizerOf(withWordSplit(json)),
      bpe: new BytePairEncoding(json.model),
    };
  } catch (error) {
    if (error instanceof TokenizerError) throw error;
    throw new TokenizerError(
      `tokenizer.json: must encode text, got ${error instanceof Error ? error.message : String(error)}. ` +
        "Save the tokenizer again with the tool that made it",
      { cause: error },
    );
  }
}

function wholeOf(parts: readonly TextPart[]): Whole {
  const ends: number[] = [];
  let text = "";
  for (const part of parts) {
    text += wellFormed(part.text) + (part.cut === true ? cutMark : "");
    ends.push(text.length);
  }
  return { text, ends, admits: parts.map(({ splitSpecialTokens }) => splitSpecialTokens !== true) };
}

/** A stretch of a text with the ids that it has: an added token, or what stands between two of them. */
interface Section {
  readonly start: number;
  readonly end: number;
  readonly ids: readonly number[];
  readonly isToken: boolean;
}

/** Cuts texts at added tokens, and encodes what lies between them. */
class Sections {
  readonly #steps: Steps;
  /** Tokens that are found in a text as it is, and in its normalized form. */
  readonly #raw: WrittenTokens;
  readonly #normalized: WrittenTokens;
  readonly #encodeWord: EncodeWord;

  constructor(
    steps: Steps,
    raw: readonly AddedToken[],
    normalized: readonly AddedToken[],
    encodeWord: EncodeWord,
  ) {
    this.#steps = steps;
    this.#raw = new WrittenTokens(raw);
    this.#normalized = new WrittenTokens(normalized, steps.normalize);
    this.#encodeWord = encodeWord;
  }

  /** @param control ids that only parts that admit them have, from a form that stands in one part as a whole */
  encode(whole: Whole, control: ReadonlySet<number>): Section[] {
    const { text } = whole;
    const found = this.#raw.find(
      text,
      ({ id }, start, end) => !control.has(id) || isAdmitted(whole, start, end),
    );
    return between(text, found, (start, end) => this.#ids(text.slice(start, end), start === 0));
  }

  align(whole: Whole, control: ReadonlySet<number>): AlignedIds {
    const { text, ends } = whole;
    const sections = this.encode(whole, control);
    const ids = sections.flatMap((section) => section.ids);
    const found = ends.map((end): { readonly count: number; readonly isSpanned: boolean } => {
      const before = sections.filter((section) => section.end <= end);
      const count = before.reduce((sum, section) => sum + section.ids.length, 0);
      const { start, ids: own, isToken } = sections[before.length] ?? { start: end, ids: [], isToken: true };
      if (isToken || start >= end) return { count, isSpanned: false };
      const alone = this.#ids(text.slice(start, end), start === 0);
      const common = commonLength(own, alone);
      return { count: count + common, isSpanned: common < alone.length };
    });
    return { ids, ends: found.map(({ count }) => count), spanned: found.map(({ isSpanned }) => isSpanned) };
  }

  #ids(text: string, isFirst: boolean): number[] {
    const normalized = this.#steps.normalize(text);
    const found = this.#normalized.find(normalized);
    const sections = between(normalized, found, (start, end) =>
      this.#wordIds(normalized.slice(start, end), isFirst && start === 0, text),
    );
    return sections.length === 1 ? (sections[0].ids as number[]) : sections.flatMap(({ ids }) => ids);
  }

  #wordIds(text: string, isFirst: boolean, written: string): number[] {
    const all: number[] = [];
    for (const word of withoutCuts(this.#steps.preTokenize(text, isFirst))) {
      const ids = this.#encodeWord(word);
      if (ids === undefined) throw noToken(written);
      for (const id of ids) all.push(id);
    }
    return all;
  }
}

function noToken(text: string): TokenizerError {
  return new TokenizerError(
    `encode: every letter must have a token, got one that has none in ${JSON.stringify(text.slice(0, 80))}`,
  );
}

function isAdmitted({ ends, admits }: Whole, start: number, end: number): boolean {
  const part = ends.findIndex((partEnd) => partEnd > start);
  return admits[part] && end <= ends[part];
}

function between(
  text: string,
  found: readonly Found[],
  encode: (start: number, end: number) => readonly number[],
): Section[] {
  const sections: Section[] = [];
  let at = 0;
  const add = (end: number): void => {
    if (end > at) sections.push({ start: at, end, ids: encode(at, end), isToken: false });
  };
  for (const { id, start, end } of found) {
    add(start);
    sections.push({ start, end, ids: [id], isToken: true });
    at = end;
  }
  add(text.length);
  return sections;
}

function commonLength(a: readonly number[], b: readonly number[]): number {
  let length = 0;
  while (length < a.length && a[length] === b[length]) length++;
  return length;
}

/**
 * Where no token spans a space, cutting the text before spaces changes only the speed: words are kept, and not every
 * text is merged anew (ten times faster on ordinary text).
 */
function withWordSplit(json: TokenizerJson): Step | null {
  const { pre_tokenizer: given, normalizer, model } = json;
  const crossing = new RegExp(`[^${spaceMark}]${spaceMark}`);
  const usesMarks = JSON.stringify(normalizer)?.includes(spaceMark) ?? false;
  if (given || !usesMarks || Object.keys(model.vocab).some((token) => crossing.test(token))) {
    return given as Step | null;
  }
  const pattern = { Regex: `${spaceMark}*[^${spaceMark}]+|${spaceMark}+` };
  return { type: "Split", pattern, behavior: "Isolated", invert: false };
}

/** Half a surrogate pair is no character and no bytes: it becomes U+FFFD, as in every UTF-8 encoder. */
function wellFormed(text: string): string {
  return text.replace(/\p{Surrogate}/gu, "\ufffd");
}
