import { Tokenizer as LibraryTokenizer } from "@huggingface/tokenizers";
import { escapeRegExp } from "../platform/index.ts";
import { TokenizerError } from "./format.ts";

/** One normalizer, pre-tokenizer or decoder of a tokenizer.json, with its own settings. */
export interface Step {
  readonly type: string;
  readonly [setting: string]: unknown;
}

/** What a Split or Replace looks for. */
export type Pattern = { readonly String: string } | { readonly Regex: string };

/**
 * A pattern as a regular expression of JavaScript that finds what Hugging Face's tokenizers (Oniguruma) finds.
 *
 * @throws SyntaxError where the pattern has what cannot be written in JavaScript
 */
export function expressionOf(pattern: Pattern): RegExp {
  if ("String" in pattern) return new RegExp(escapeRegExp(pattern.String), "gu");
  const { source, flags } = translated(pattern);
  if (!pattern.Regex.includes("(?i")) return new RegExp(source, flags);
  // Two letters beyond ASCII are an s and a k to whoever passes over case: the long s and the Kelvin sign.
  return new RegExp(source.replaceAll("[sS]", "[sS\u017f]").replaceAll("[kK]", "[kK\u212a]"), flags);
}

/** The library translates patterns; it does so for the Split of a whole tokenizer, which needs no more than this. */
function translated(pattern: Pattern): RegExp {
  const { pre_tokenizer } = new LibraryTokenizer(
    {
      ...{ normalizer: null, post_processor: null, decoder: null, added_tokens: [] },
      pre_tokenizer: { type: "Split", pattern, behavior: "Isolated", invert: false },
      model: { type: "BPE", vocab: {}, merges: [] },
    },
    {},
  );
  const found: unknown = Object(pre_tokenizer).pattern;
  if (found instanceof RegExp) return found;
  throw new SyntaxError(`no pattern: ${JSON.stringify(pattern)}`);
}

/** The error for a part of a tokenizer.json, or a setting of one, that is not computed. */
export function notComputed(section: string, { type }: Step, setting?: string): TokenizerError {
  const what = setting === undefined ? type : `${type} with ${setting}`;
  return new TokenizerError(
    `tokenizer.json: its ${section} must be one that is computed here, got ${what}. Take another tokenizer, or ask for this one to be added`,
  );
}
