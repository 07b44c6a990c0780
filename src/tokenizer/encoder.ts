import { Tokenizer as LibraryEncoder } from "@huggingface/tokenizers";
import { escapeRegExp } from "../platform/index.ts";
import { isByteToken, spaceMark, TokenizerError, type TokenizerJson } from "./format.ts";

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
}

/** Encodes texts as ids. */
export interface Encoder {
  /** Encodes a text in which the written form of a special token is that token. */
  readonly encode: (text: string) => number[];
  /** Encodes the parts of a text as one text: a token may span two parts. */
  readonly encodeParts: (parts: readonly TextPart[]) => number[];
}

/**
 * The encoder of a tokenizer.json.
 *
 * @param control the written forms of control tokens, which a text part with `splitSpecialTokens` cannot produce
 * @param size largest id + 1
 * @throws TokenizerError where the library cannot encode with it, which a trial encoding finds out at once
 */
export function encoderOf(json: TokenizerJson, control: ReadonlySet<string>, size: number): Encoder {
  const splitAtWords = withWordSplit(json);
  const privateNames = new Map([...control].map((content, index) => [content, privateName(index)]));
  const renameWritten = renaming(privateNames);
  const encodeRenamed = libraryEncoder(() => withRenamedTokens(splitAtWords, privateNames));
  const concatenated = (parts: readonly TextPart[]): string =>
    parts
      .map(({ text, splitSpecialTokens }) =>
        splitSpecialTokens ? wellFormed(text) : renameWritten(wellFormed(text)),
      )
      .join("");
  requireEncoding(() => encodeRenamed(concatenated(trial)), size);
  // Made when it is needed: with a large vocabulary each of the two takes memory and time, and few programs need both.
  let encodeOriginal: LibraryEncode | undefined;
  return {
    encode(text) {
      encodeOriginal ??= libraryEncoder(() => splitAtWords);
      return withoutGaps(encodeOriginal(wellFormed(text)), text);
    },
    encodeParts: (parts) =>
      withoutGaps(encodeRenamed(concatenated(parts)), parts.map(({ text }) => text).join("")),
  };
}

/** Characters of several kinds, for the trial encoding. */
const trial: readonly TextPart[] = [
  { text: "Human: two 2's, é and 🦉\n<s>", splitSpecialTokens: true },
  { text: "<s>" },
];

/** An id is undefined for a character without a token where there is no unknown token either. */
type LibraryEncode = (text: string) => (number | undefined)[];

function libraryEncoder(json: () => TokenizerJson): LibraryEncode {
  try {
    const encoder = new LibraryEncoder(json(), {});
    return (text) => encoder.encode(text, { add_special_tokens: false }).ids;
  } catch (error) {
    throw unusable(error);
  }
}

/** Checks that a trial text can be encoded: the library checks little of a tokenizer.json when it loads it. */
function requireEncoding(encode: () => (number | undefined)[], size: number): void {
  let ids: (number | undefined)[];
  try {
    ids = encode();
  } catch (error) {
    throw unusable(error);
  }
  const outside = ids.find((id) => id !== undefined && !(id >= 0 && id < size));
  if (outside !== undefined) throw unusable(new RangeError(`the id ${outside}`));
}

function unusable(error: unknown): TokenizerError {
  return new TokenizerError(
    `tokenizer.json: must encode text, got ${error instanceof Error ? error.message : String(error)}. ` +
      "Save the tokenizer again with the tool that made it",
    { cause: error },
  );
}

function withoutGaps(ids: (number | undefined)[], text: string): number[] {
  if (!ids.includes(undefined)) return ids as number[];
  throw new TokenizerError(
    `encode: every letter must have a token, got one that has none in ${JSON.stringify(text.slice(0, 80))}`,
  );
}

/** A name that no text can have: half a surrogate pair is no character, and {@link wellFormed} leaves none. */
function privateName(index: number): string {
  return `\ud800${index}\ud800`;
}

/**
 * The tokenizer with its control tokens renamed to names that no text can contain. No merge produces them, so ordinary text
 * never encodes to a control token, whatever a normalizer does to it.
 */
function withRenamedTokens(json: TokenizerJson, privateNames: ReadonlyMap<string, string>): TokenizerJson {
  const { model, added_tokens } = json;
  const renamed = (content: string): string => privateNames.get(content) ?? content;
  const joined = (merge: string | [string, string]): string =>
    typeof merge === "string" ? merge.split(" ", 2).join("") : merge.join("");
  // A byte token stands for a byte of a character without a token, never for its own written form.
  const merges = (model.merges as (string | [string, string])[]).filter(
    (merge) => !privateNames.has(joined(merge)) && !(model.byte_fallback && isByteToken(joined(merge))),
  );
  return {
    ...json,
    added_tokens: added_tokens.map((token) =>
      privateNames.has(token.content)
        ? { ...token, content: renamed(token.content), normalized: false }
        : token,
    ),
    model: {
      ...model,
      unk_token: model.unk_token === null ? null : renamed(model.unk_token),
      vocab: Object.fromEntries(Object.entries(model.vocab).map(([token, id]) => [renamed(token), id])),
      merges: merges as TokenizerJson["model"]["merges"],
    },
  };
}

/** Replaces the written forms of tokens by their private names, the longest where several begin at one position. */
function renaming(privateNames: ReadonlyMap<string, string>): (text: string) => string {
  const longestFirst = [...privateNames.keys()].filter((content) => content !== "");
  if (longestFirst.length === 0) return (text) => text;
  longestFirst.sort((a, b) => b.length - a.length);
  const written = new RegExp(longestFirst.map(escapeRegExp).join("|"), "gu");
  return (text) => text.replace(written, (content) => privateNames.get(content) ?? content);
}

/**
 * Where no token spans a space, splitting the text before spaces changes only the speed: the library then
 * caches words instead of merging every text anew (ten times faster on ordinary text).
 */
function withWordSplit(json: TokenizerJson): TokenizerJson {
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
