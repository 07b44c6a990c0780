import {
  createTokenizer,
  type Tokenizer,
  type TokenizerJson,
  trainTokenizer,
} from "../../src/tokenizer/index.ts";

/** No system sentence, and pieces cut at turns in use as in training. */
const TEMPLATE = { system: "", cut: "turns" } as const;

const CAPITALS = [..."ABCDEFGHIJKLMNOPQRSTUVWXYZ"];
/** Behind a capital: the rest of a run of capitals that a quotation mark closes. Such words are spelt as in a picture. */
const QUOTED = '(?:[A-Z0-9 ]{0,23}[A-Z0-9])?"';
/** Letters of the marks that begin a turn, "Human: " and "AI: ", which keep their capitals. */
const MARKS: Readonly<Record<string, string>> = { H: "H(?!uman:)", A: "A(?!I:)", I: "(?<!A)I" };

interface Replacement {
  readonly type: "Replace";
  readonly pattern: { readonly Regex: string };
  readonly content: string;
}

const replace = (pattern: string, content: string): Replacement => ({
  type: "Replace",
  pattern: { Regex: pattern },
  content,
});

const lowerCase = (capital: string): Replacement =>
  replace(`${MARKS[capital] ?? capital}(?!${QUOTED})`, capital.toLowerCase());

/**
 * The same tokenizer for what people type: typographic quotation marks become plain ones, and capitals small, but for those in
 * quoted runs of capitals. Training's texts are written that way already; there an answer may be asked for in capitals.
 */
export function withPeoplesCase(json: TokenizerJson): TokenizerJson {
  const quotes = [replace("[\u201c\u201d\u201e]", '"'), replace("[\u2018\u2019]", "'")];
  const normalizers = [...quotes, ...CAPITALS.map(lowerCase), json.normalizer].filter((one) => one !== null);
  return { ...json, normalizer: { type: "Sequence", normalizers } };
}

/** A tokenizer with owl-nano's way of writing conversations. */
export function openTokenizer(json: TokenizerJson): Tokenizer {
  return createTokenizer(json, { prompt_template: TEMPLATE });
}

/**
 * The tokens of a word of the notes. A single character is looked at inside a run of capitals, where it has no space in front.
 */
function tokensOf(tokenizer: Tokenizer, word: string): number[] {
  return word.length === 1
    ? tokenizer.encode(`A${word}`).slice(tokenizer.encode("A").length)
    : tokenizer.encode(word);
}

/** How often each word of the notes is added to the texts, as a share of their number. */
const WORD_SHARE = 0.01;

/**
 * Learns a tokenizer in which each word of the notes is one token.
 *
 * @throws RangeError where the vocabulary has no room for all of them
 */
export function learnTokenizer(
  texts: readonly string[],
  words: readonly string[],
  vocabularySize: number,
): TokenizerJson {
  const listed = new Array<string>(Math.ceil(WORD_SHARE * texts.length)).fill(words.join(" "));
  const json = trainTokenizer([...texts, ...listed], { vocabularySize });
  const tokenizer = openTokenizer(json);
  const split = words.filter((word) => tokensOf(tokenizer, word).length > 1);
  if (split.length === 0) return json;
  throw new RangeError(
    `tokenizer: each word of the notes must be one token, got more for ${split.join(", ")}; give more entries than ${vocabularySize}`,
  );
}

/** The token that stands for a word in notes; of a word that has several the last. */
export function wordTokens(tokenizer: Tokenizer): (word: string) => number {
  const known = new Map<string, number>();
  return (word) => {
    const token = known.get(word) ?? tokensOf(tokenizer, word).at(-1);
    if (token === undefined)
      throw new RangeError("tokenizer: a word of the notes must have letters, got none");
    known.set(word, token);
    return token;
  };
}
