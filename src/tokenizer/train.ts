import { byteToken, sentencePieceJson, spaceMark, TokenizerError, type TokenizerJson } from "./format.ts";
import { PairCounts } from "./pair-counts.ts";

/** How large a trained vocabulary becomes and what it may contain. */
export interface TokenizerTraining {
  /** Tokens in all: 3 special ones, 256 bytes, the characters, and merges for the rest. */
  vocabularySize: number;
  /** Fewer tokens where the texts do not give so many, in place of an error. Default false. */
  orFewer?: boolean;
  /** How many of the most frequent characters get a token; the others are written as their bytes. Default 256. */
  characters?: number;
}

const special = ["<unk>", "<s>", "</s>"];

// Letters without capitals, or signs, with the space in front of them: within such a stretch merges may happen. The
// rest (capitals, digits, line ends, further spaces) stays one token a character, so that text in capitals is read and
// written letter by letter and numbers digit by digit, as LLaMA does with digits.
const stretch = /\u2581?(?:(?!\p{Lu}|\p{Lt})[\p{L}\p{M}])+|\u2581?(?:(?!\u2581)[\p{P}\p{S}])+|[\s\S]/gu;

/**
 * Trains a byte-pair encoding with byte fallback (Sennrich et al., arXiv 1508.07909, in SentencePiece's setting) and
 * gives it as a tokenizer.json of LLaMA's kind: unknown 0, bos 1, eos 2, bytes 3 to 258, characters, merges.
 * The same texts in the same order give the same file. Letters are taken as they are: lower the texts' case beforehand
 * where capitals shall mean something of their own.
 * @throws TokenizerError where the texts do not give that many merges
 */
export function trainTokenizer(texts: Iterable<string>, options: TokenizerTraining): TokenizerJson {
  const { vocabularySize, orFewer = false, characters: characterLimit = 256 } = options;
  const words = countWords(texts);
  const characters = frequentCharacters(words, characterLimit);
  const tokens = [...special, ...Array.from({ length: 256 }, (_, byte) => byteToken(byte)), ...characters];
  const smallest = tokens.length;
  const merges = learnMerges(words, tokens, vocabularySize);
  if (orFewer ? tokens.length > vocabularySize : tokens.length !== vocabularySize) {
    throw new TokenizerError(
      `trainTokenizer: the texts must allow a vocabulary of ${vocabularySize}, got ${smallest} without merges and ` +
        `${tokens.length} with all of them. Ask for a size between, or give other texts`,
    );
  }
  return sentencePieceJson(tokens, merges, [0, 1, 2], 0);
}

function countWords(texts: Iterable<string>): Map<string, number> {
  const words = new Map<string, number>();
  for (const text of texts) {
    const marked = spaceMark + text.replaceAll(" ", spaceMark);
    for (const word of marked.match(stretch) ?? []) words.set(word, (words.get(word) ?? 0) + 1);
  }
  return words;
}

function frequentCharacters(words: ReadonlyMap<string, number>, limit: number): string[] {
  const counts = new Map<string, number>();
  for (const [word, count] of words) {
    for (const character of word) counts.set(character, (counts.get(character) ?? 0) + count);
  }
  return [...counts]
    .sort(([a, countOfA], [b, countOfB]) => countOfB - countOfA || (a < b ? -1 : 1))
    .slice(0, limit)
    .map(([character]) => character);
}

/** Merges the most frequent adjacent pair everywhere, again and again, appending to `tokens` up to `size`. */
function learnMerges(words: ReadonlyMap<string, number>, tokens: string[], size: number): string[] {
  const idOf = new Map(tokens.map((token, id) => [token, id]));
  const pairs = new PairCounts();
  for (const [word, count] of words) {
    pairs.addWord(
      [...word].map((character) => idOf.get(character) ?? -1),
      count,
    );
  }
  const merges: string[] = [];
  while (tokens.length < size) {
    const best = pairs.mostFrequent();
    if (!best) break;
    const joined = tokens[best.left] + tokens[best.right];
    // The same letters may be reached by two different pairs; they are one token.
    const id = idOf.get(joined) ?? tokens.push(joined) - 1;
    idOf.set(joined, id);
    merges.push(`${tokens[best.left]} ${tokens[best.right]}`);
    pairs.join(best.left, best.right, id);
  }
  return merges;
}
