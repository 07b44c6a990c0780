import type { Tokenizer, TokenizerConfiguration } from "../tokenizer/index.ts";
import { tokenContentOf } from "../tokenizer/index.ts";
import { cutMark, pictureToken, type WrittenTemplate, writtenTemplate } from "./chat-template.ts";

/** A tokenizer as transformers.js reads it. */
export interface WrittenTokenizer {
  /** tokenizer.json */
  readonly json: Readonly<Record<string, unknown>>;
  /** tokenizer_config.json */
  readonly configuration: TokenizerConfiguration;
  /** The id of one position of a picture. */
  readonly pictureId: number;
}

export interface TokenizerSizes {
  /** Positions of a picture. */
  readonly positions: number;
  /** Ids that the model has. */
  readonly vocabulary: number;
  /** No sequence may become longer. */
  readonly longest: number;
}

/** A model's tokenizer with a token for pictures, and a chat template that writes its first token itself. */
export function writtenTokenizer(tokenizer: Tokenizer, sizes: TokenizerSizes): WrittenTokenizer {
  const { json } = tokenizer;
  const known = json.added_tokens.find(({ content }) => content === pictureToken);
  // Beyond the model's ids, none of which it could be taken for.
  const pictureId = known?.id ?? Math.max(tokenizer.vocabularySize, sizes.vocabulary);
  const picture = {
    id: pictureId,
    content: pictureToken,
    single_word: false,
    lstrip: false,
    rstrip: false,
    normalized: false,
    special: true,
  };
  const written = writtenTemplate(tokenizer, sizes.positions);
  return {
    json: {
      ...json,
      added_tokens: known === undefined ? [...json.added_tokens, picture] : json.added_tokens,
      // The template writes the first token, so that a text becomes the same ids whatever else is asked for.
      post_processor: null,
      pre_tokenizer: written.cuts ? cutting(json.pre_tokenizer) : json.pre_tokenizer,
    },
    configuration: configurationOf(tokenizer, written, sizes.longest),
    pictureId,
  };
}

function cutting(steps: object | null): object {
  // A pattern that is a String would be kept by transformers.js's tokenizers, whatever the behavior.
  const split = { type: "Split", pattern: { Regex: cutMark }, behavior: "Removed", invert: false };
  return steps === null ? split : { type: "Sequence", pretokenizers: [split, steps] };
}

function configurationOf(
  tokenizer: Tokenizer,
  { template }: WrittenTemplate,
  longest: number,
): TokenizerConfiguration {
  const {
    prompt_template: _,
    system_prompt: __,
    added_tokens_decoder: ___,
    ...given
  } = tokenizer.configuration;
  const special = Object.entries(given).flatMap(([key, value]) => {
    const content = key.endsWith("_token") ? tokenContentOf(value) : undefined;
    return content === undefined ? [] : [[key, content] as const];
  });
  const first = tokenizer.bosId === undefined ? {} : { bos_token: tokenizer.decode([tokenizer.bosId]) };
  const names: Record<string, string> = {
    ...first,
    eos_token: tokenizer.decode([tokenizer.eosId]),
    ...Object.fromEntries(special),
  };
  return {
    ...given,
    ...names,
    pad_token: names.pad_token ?? names.eos_token,
    tokenizer_class: "PreTrainedTokenizerFast",
    add_bos_token: false,
    add_eos_token: false,
    clean_up_tokenization_spaces: false,
    model_max_length: longest,
    padding_side: "left",
    chat_template: template,
  };
}
