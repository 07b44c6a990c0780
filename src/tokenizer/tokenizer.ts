import { Tokenizer as Encoder } from "@huggingface/tokenizers";
import type { TokenizerConfiguration, TokenizerJson } from "./format.ts";
import { spaceMark, TokenizerError } from "./format.ts";
import { specialTokens } from "./special-tokens.ts";
import type { TokenBytes } from "./token-bytes.ts";
import { tokenBytes } from "./token-bytes.ts";

/** How ids become text. */
export interface DecodeOptions {
  /** Leave out bos, eos, unknown and padding. Default false: they are written out. */
  skipSpecialTokens?: boolean;
}

/** Text that grows id by id, in whole characters. */
export interface TextStream {
  /** The text that this id completes; may be empty. */
  push(id: number): string;
  /** What was held back; the stream is then at its beginning again. */
  end(): string;
}

/** Text to token ids and back. */
export interface Tokenizer {
  readonly bosId: number;
  readonly eosId: number;
  /** For filling up; the unknown token's id where the model has none of its own (LLaMA). */
  readonly padId: number;
  readonly unkId: number;
  /** Largest id + 1. */
  readonly vocabularySize: number;
  /** The tokenizer.json that this tokenizer plays, to be saved beside a model. */
  readonly json: TokenizerJson;
  /** The tokenizer_config.json it was loaded with. */
  readonly configuration: TokenizerConfiguration;
  /**
   * Ids of a text, without bos and eos. The written forms of special tokens (`</s>`) become those tokens, and the text
   * around them is encoded piece by piece, as transformers' LlamaTokenizer does.
   */
  encode(text: string): number[];
  /**
   * Text of ids. Special tokens are written out unless skipped; with a tokenizer of LLaMA's kind each run between them
   * loses one leading space, and a space goes before a run that ends in a special token, unless that token is the first
   * or follows another one: the rule of transformers' slow LlamaTokenizer.
   * @throws TokenizerError for an id outside the vocabulary
   */
  decode(ids: Iterable<number>, options?: DecodeOptions): string;
  /** What a token adds to a text, in UTF-8; undefined: nothing, for a special token and an id without a token. */
  bytes(id: number): Uint8Array | undefined;
  /** Decodes id by id; all of it together equals `decode(ids, { skipSpecialTokens: true })`. */
  stream(): TextStream;
}

/**
 * A tokenizer from the content of tokenizer.json and tokenizer_config.json. The library encodes; decoding is ours,
 * because the library decodes a broken byte run differently from SentencePiece, knows no rule for spaces before special
 * tokens, and cannot decode id by id.
 * @throws TokenizerError for a decoder of another kind or special tokens outside the vocabulary
 */
export function createTokenizer(json: TokenizerJson, configuration: TokenizerConfiguration = {}): Tokenizer {
  const table = tokenBytes(json);
  const { all: special, ...ids } = specialTokens(json, configuration);
  const encode = encoderOf(json, table.size);
  return {
    ...ids,
    vocabularySize: table.size,
    json,
    configuration,
    encode,
    decode(list, { skipSpecialTokens = false } = {}) {
      const kept = skipSpecialTokens ? [...list].filter((id) => !special.has(id)) : [...list];
      return table.kind === "sentencepiece" ? decodeRuns(table, kept, special) : decodeRun(table, kept);
    },
    bytes: (id) => (special.has(id) || !table.has(id) ? undefined : table.bytes(id)),
    stream() {
      const run = decodingRun(table);
      return { push: (id) => (special.has(id) ? "" : run.push(id)), end: run.end };
    },
  };
}

/** Letters of several kinds, for the trial of a tokenizer. */
const TRIAL = "Human: two 2's, é and 🦉\n<s>";

/**
 * The library's encoder. It takes most of a tokenizer.json unseen, so a trial shows at once what would otherwise
 * surprise at the first text.
 */
function encoderOf(json: TokenizerJson, size: number): (text: string) => number[] {
  try {
    const encoder = new Encoder(wordByWord(json), {});
    const encode = (text: string): (number | undefined)[] =>
      encoder.encode(wellFormed(text), { add_special_tokens: false }).ids;
    const outside = encode(TRIAL).find((id) => id !== undefined && !(id >= 0 && id < size));
    if (outside !== undefined) throw new RangeError(`the id ${outside}`);
    return (text) => withoutGaps(encode(text), text);
  } catch (error) {
    throw new TokenizerError(
      `tokenizer.json: must encode text, got ${error instanceof Error ? error.message : String(error)}. ` +
        "Save the tokenizer again with the tool that made it",
      { cause: error },
    );
  }
}

/** The library gives no id to a letter without a token where there is no unknown token either. */
function withoutGaps(ids: (number | undefined)[], text: string): number[] {
  if (!ids.includes(undefined)) return ids as number[];
  throw new TokenizerError(
    `encode: every letter must have a token, got one that has none in ${JSON.stringify(text.slice(0, 80))}`,
  );
}

/**
 * Where no token goes on past a space, cutting the text before spaces changes nothing but speed: the library then
 * remembers words instead of merging every text anew (ten times faster on ordinary text).
 */
function wordByWord(json: TokenizerJson): TokenizerJson {
  const crossing = new RegExp(`[^${spaceMark}]${spaceMark}`);
  const usesMarks = JSON.stringify(json.normalizer)?.includes(spaceMark) ?? false;
  if (json.pre_tokenizer || !usesMarks || Object.keys(json.model.vocab).some((token) => crossing.test(token)))
    return json;
  const pattern = { Regex: `${spaceMark}*[^${spaceMark}]+|${spaceMark}+` };
  return { ...json, pre_tokenizer: { type: "Split", pattern, behavior: "Isolated", invert: true } };
}

/** Half a surrogate pair is no character and no bytes: it becomes U+FFFD, as in every UTF-8 encoder. */
function wellFormed(text: string): string {
  return text.replace(/\p{Surrogate}/gu, "\ufffd");
}

function decodingRun(table: TokenBytes): TextStream {
  let decoder = table.decoder();
  let isFirst = true;
  return {
    push(id) {
      const bytes = table.bytes(id);
      const strip = isFirst && table.stripsLeadingSpace && table.startsWithSpaceMark(id);
      isFirst = false;
      return decoder.push(strip ? bytes.subarray(1) : bytes);
    },
    end() {
      const rest = decoder.end();
      decoder = table.decoder();
      isFirst = true;
      return rest;
    },
  };
}

function decodeRun(table: TokenBytes, ids: readonly number[]): string {
  const run = decodingRun(table);
  return ids.map(run.push).join("") + run.end();
}

function decodeRuns(table: TokenBytes, ids: readonly number[], special: ReadonlySet<number>): string {
  let text = "";
  let start = 0;
  for (const [position, id] of ids.entries()) {
    if (!special.has(id)) continue;
    if (position > start) text += ` ${decodeRun(table, ids.slice(start, position))}`;
    text += new TextDecoder().decode(table.bytes(id));
    start = position + 1;
  }
  return text + decodeRun(table, ids.slice(start));
}
