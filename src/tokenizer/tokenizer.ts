import { withAddedTokens } from "./added-tokens.ts";
import { type AlignedIds, type EncodeOptions, encoderOf, type TextPart } from "./encoder.ts";
import { type TokenizerConfiguration, TokenizerError, type TokenizerJson } from "./format.ts";
import { specialTokens } from "./special-tokens.ts";
import { type TokenBytes, tokenBytes } from "./token-bytes.ts";
import type { WrittenForm } from "./written-tokens.ts";

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
  /** Undefined where the model has none, as Qwen. */
  readonly bosId: number | undefined;
  /**
   * What every prompt and training row begins with: bos, or nothing where there is none. `add_bos_token: false` counts beside a chat
   * template alone: the released owls' files say so too, and their own prompts begin with it all the same.
   */
  readonly start: readonly number[];
  /** @throws TokenizerError where the tokenizer's files name none: answers could not be closed */
  readonly eosId: number;
  /** For filling up; the unknown token's id where the model has none of its own (LLaMA). */
  readonly padId: number;
  readonly unkId: number;
  /** Largest id + 1. */
  readonly vocabularySize: number;
  /**
   * The tokenizer.json that this tokenizer implements, to be saved beside a model.
   *
   * @internal
   */
  readonly json: TokenizerJson;
  /** The tokenizer_config.json it was loaded with. */
  readonly configuration: TokenizerConfiguration;
  /**
   * Ids of a text, without bos and eos. The written forms of special tokens (`</s>`) become those tokens, and the text
   * around them is encoded piece by piece, as transformers' LlamaTokenizer does. What others wrote should be encoded
   * with `splitSpecialTokens`: no letters then become a control token ({@link SpecialTokens.control}).
   */
  encode(text: string, options?: EncodeOptions): number[];
  /** Ids of parts of one text, which are encoded as one: a template's words may be special tokens, a person's not. */
  encodeParts(parts: readonly TextPart[]): number[];
  /** {@link encodeParts}, and how many ids each part has ended with. */
  alignParts(parts: readonly TextPart[]): AlignedIds;
  /** Where written forms of control tokens begin in a text, and where a beginning of one ends it. */
  controlForms(text: string): WrittenForm[];
  /**
   * Text of ids. Special tokens are written out unless skipped; with a tokenizer of LLaMA's kind each run between them
   * loses one leading space, and a space goes before a run that ends in a special token, unless that token is the first
   * or follows another one: the rule of transformers' slow LlamaTokenizer.
   * @throws TokenizerError for an id outside the vocabulary
   */
  decode(ids: Iterable<number>, options?: DecodeOptions): string;
  /** Whether an id stands for a token: there may be holes below {@link vocabularySize}. */
  hasToken(id: number): boolean;
  /** What a token adds to a text, in UTF-8; undefined: nothing, for a special token and an id without a token. */
  bytes(id: number): Uint8Array | undefined;
  /** Decodes id by id; all of it together equals `decode(ids, { skipSpecialTokens: true })`. */
  stream(): TextStream;
}

/**
 * A tokenizer from the content of tokenizer.json and tokenizer_config.json: the ids of Hugging Face's tokenizers.
 * @throws TokenizerError for a part of another kind than those that are computed, or special tokens outside the vocabulary
 */
export function createTokenizer(given: TokenizerJson, configuration: TokenizerConfiguration = {}): Tokenizer {
  return tokenizerOf(withAddedTokens(given, configuration), configuration);
}

function leavesBosOut({ add_bos_token, chat_template }: TokenizerConfiguration): boolean {
  return add_bos_token === false && chat_template !== undefined && chat_template !== null;
}

/** A tokenizer of a tokenizer.json that has all added tokens. */
export function tokenizerOf(json: TokenizerJson, configuration: TokenizerConfiguration): Tokenizer {
  const table = tokenBytes(json);
  const { all: special, control, eosId, bosId, ...ids } = specialTokens(json, configuration);
  const encoder = encoderOf(json, control);
  return {
    ...ids,
    bosId,
    start: bosId === undefined || leavesBosOut(configuration) ? [] : [bosId],
    get eosId() {
      if (eosId !== undefined) return eosId;
      throw new TokenizerError(
        "tokenizer: must have a token that ends a sequence, got none; name it as eos_token in tokenizer_config.json",
      );
    },
    vocabularySize: table.size,
    json,
    configuration,
    encode: (text, { splitSpecialTokens = false } = {}) =>
      splitSpecialTokens ? encoder.encodeParts([{ text, splitSpecialTokens }]) : encoder.encode(text),
    encodeParts: encoder.encodeParts,
    alignParts: encoder.alignParts,
    controlForms: encoder.controlForms,
    decode(list, { skipSpecialTokens = false } = {}) {
      const kept = skipSpecialTokens ? [...list].filter((id) => !special.has(id)) : [...list];
      // Where no blank is taken from a text's beginning, none has to be given back around special tokens.
      return table.stripsLeadingSpace ? decodeRuns(table, kept, special) : decodeRun(table, kept);
    },
    hasToken: table.has,
    bytes: (id) => (special.has(id) || !table.has(id) ? undefined : table.bytes(id)),
    stream() {
      const run = decodingRun(table);
      return { push: (id) => (special.has(id) ? "" : run.push(id)), end: run.end };
    },
  };
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
