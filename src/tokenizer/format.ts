/** The error for a tokenizer's files, and for texts and ids that it cannot take; the message says what must hold. */
export class TokenizerError extends Error {
  override name = "TokenizerError";
}

/** A token that is split off before normalisation and pre-tokenisation. */
export interface AddedToken {
  id: number;
  content: string;
  single_word: boolean;
  lstrip: boolean;
  rstrip: boolean;
  normalized: boolean;
  special: boolean;
}

/** The parts of a tokenizer.json (Hugging Face tokenizers' format) that this package reads or writes. */
export interface TokenizerJson {
  version: string;
  truncation: null;
  padding: null;
  added_tokens: AddedToken[];
  normalizer: object | null;
  pre_tokenizer: object | null;
  post_processor: object | null;
  decoder: TokenDecoder | null;
  model: {
    type: "BPE";
    unk_token: string | null;
    byte_fallback: boolean;
    vocab: Record<string, number>;
    /** Earlier is stronger; `"left right"` or `["left", "right"]`. */
    merges: string[] | [string, string][];
    [setting: string]: unknown;
  };
}

/** The section `decoder` of a tokenizer.json. */
export interface TokenDecoder {
  type: string;
  decoders?: TokenDecoder[];
  [setting: string]: unknown;
}

/** A tokenizer_config.json: which tokens are special, and the keys of other parts (`prompt_template`). */
export type TokenizerConfiguration = Record<string, unknown>;

/** U+2581, which stands for a space inside tokens of the SentencePiece kind. */
export const spaceMark = "\u2581";

/** The token that stands for one byte where a character has no token of its own. */
export function byteToken(byte: number): string {
  return `<0x${byte.toString(16).toUpperCase().padStart(2, "0")}>`;
}

export function isByteToken(token: string): boolean {
  return /^<0x[0-9A-F]{2}>$/.test(token);
}

/**
 * A tokenizer.json of LLaMA's kind: spaces are U+2581, one is put in front of every piece of text, unknown characters
 * become bytes, and merges alone decide (no cutting into words beforehand).
 */
export function sentencePieceJson(
  tokens: readonly string[],
  merges: string[],
  special: readonly number[],
  unknown: number,
): TokenizerJson {
  return {
    version: "1.0",
    truncation: null,
    padding: null,
    added_tokens: special.map((id) => ({
      id,
      content: tokens[id],
      single_word: false,
      lstrip: false,
      rstrip: false,
      normalized: false,
      special: true,
    })),
    normalizer: {
      type: "Sequence",
      normalizers: [
        { type: "Prepend", prepend: spaceMark },
        { type: "Replace", pattern: { String: " " }, content: spaceMark },
      ],
    },
    pre_tokenizer: null,
    post_processor: null,
    decoder: {
      type: "Sequence",
      decoders: [
        { type: "Replace", pattern: { String: spaceMark }, content: " " },
        { type: "ByteFallback" },
        { type: "Fuse" },
        { type: "Strip", content: " ", start: 1, stop: 0 },
      ],
    },
    model: {
      type: "BPE",
      dropout: null,
      unk_token: tokens[unknown],
      continuing_subword_prefix: null,
      end_of_word_suffix: null,
      fuse_unk: true,
      byte_fallback: true,
      ignore_merges: false,
      vocab: Object.fromEntries(tokens.map((token, id) => [token, id])),
      merges,
    },
  };
}
