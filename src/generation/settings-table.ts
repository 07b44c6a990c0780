/**
 * Every setting of generation, described once. The library's types and checks, generation_config.json, the fields of HTTP
 * requests, the options of the command line, the page's settings panel and the table in docs/library.md all follow from
 * these rows. A new setting is a row here and the logits processor, or the stop rule, that computes it.
 *
 * This module imports nothing, so that a web page can draw its panel from it without the rest of the library.
 */

/** The TypeScript type of a setting by the `type` of its row. */
interface ValueTypes {
  readonly integer: number;
  readonly number: number;
  readonly boolean: boolean;
  readonly strings: readonly string[];
  readonly tokenIds: readonly number[];
}

/** The range of a number. */
export interface Bounds {
  /** Exclusive. */
  readonly above?: number;
  readonly min?: number;
  readonly max?: number;
}

/** How the page's settings panel shows a setting, in words for people who know no sampling. */
interface PageControl<Value> {
  readonly label: string;
  readonly hint: string;
  /** The page's own default; undefined: the field begins empty, with `placeholder` in it. */
  readonly default: Value | undefined;
  readonly placeholder?: string;
  readonly min?: number;
  readonly max?: number;
  readonly step?: number;
}

interface Row<Type extends keyof ValueTypes> {
  readonly type: Type;
  /** Undefined: the setting may be absent. */
  readonly default: ValueTypes[Type] | undefined;
  /** Of a number; of others empty. */
  readonly bounds: Bounds;
  /** It changes nothing without sampling (`doSample`), or without several beams; null: it always counts. */
  readonly usedWith: "sampling" | "beams" | null;
  /** What it does: half a sentence, for the documentation and the help of the command line. */
  readonly help: string;
  /** Its names in generation_config.json and in `generate` of Hugging Face's transformers. */
  readonly huggingFace: readonly string[];
  /** The field of a request in OpenAI's protocol, and its bounds there; null: requests cannot set it. */
  readonly http: { readonly name: string; readonly bounds: Bounds } | null;
  /** The option of the command line with its argument: `<count>` is a whole number from 1 on; null: there is none. */
  readonly cli: string | null;
  /** Null: the page does not show it. */
  readonly page: PageControl<ValueTypes[Type]> | null;
}

export type SettingRow = { [Type in keyof ValueTypes]: Row<Type> }[keyof ValueTypes];

/** The order is that of the documentation, the page's panel and error messages. */
export const settingsTable = {
  maxNewTokens: {
    type: "integer",
    default: 256,
    bounds: { above: 0 },
    usedWith: null,
    help: "longest answer in tokens; a longer one is cut",
    huggingFace: ["max_new_tokens"],
    http: { name: "max_tokens", bounds: { above: 0 } },
    cli: "--max-new-tokens <count>",
    page: {
      label: "Longest answer",
      hint: "Tokens after which an answer is cut",
      default: 256,
      min: 1,
      max: 4096,
      step: 1,
    },
  },
  doSample: {
    type: "boolean",
    default: false,
    bounds: {},
    usedWith: null,
    help: "sample each token by its probability instead of taking the most probable one",
    huggingFace: ["do_sample"],
    http: null,
    cli: null,
    page: {
      label: "Sampling",
      hint: "Draw words by their probability; off, the owl gives the answer it holds best",
      default: false,
    },
  },
  temperature: {
    type: "number",
    default: 1,
    bounds: { above: 0 },
    usedWith: "sampling",
    help: "sample from logits divided by this: below 1 sharpens the distribution, above 1 flattens it",
    huggingFace: ["temperature"],
    http: { name: "temperature", bounds: { min: 0, max: 2 } },
    cli: "--temperature <value>",
    page: {
      label: "Temperature",
      hint: "Low: the likely words. High: bold ones",
      default: 0.8,
      min: 0.05,
      max: 2,
      step: 0.05,
    },
  },
  topK: {
    type: "integer",
    default: 0,
    bounds: { min: 0 },
    usedWith: "sampling",
    help: "sample among this many most probable tokens; 0 for all",
    huggingFace: ["top_k"],
    http: { name: "top_k", bounds: { min: 0 } },
    cli: "--top-k <count>",
    page: {
      label: "Top-k",
      hint: "Draw among this many best tokens; 0 for all",
      default: 40,
      min: 0,
      max: 1000,
      step: 1,
    },
  },
  topP: {
    type: "number",
    default: 1,
    bounds: { above: 0, max: 1 },
    usedWith: "sampling",
    help: "sample among the most probable tokens whose probabilities reach this sum; 1 for all",
    huggingFace: ["top_p"],
    http: { name: "top_p", bounds: { min: 0, max: 1 } },
    cli: "--top-p <sum>",
    page: {
      label: "Top-p",
      hint: "Draw among the best tokens that make up this probability",
      default: 0.95,
      min: 0.01,
      max: 1,
      step: 0.01,
    },
  },
  minP: {
    type: "number",
    default: 0,
    bounds: { min: 0, max: 1 },
    usedWith: "sampling",
    help: "sample among the tokens at least this many times as probable as the most probable one (arXiv 2407.01082); 0 for all",
    huggingFace: ["min_p"],
    http: { name: "min_p", bounds: { min: 0, max: 1 } },
    cli: "--min-p <ratio>",
    page: {
      label: "Min-p",
      hint: "Draw among the tokens that are not too unlikely beside the best one; 0 for all",
      default: 0,
      min: 0,
      max: 1,
      step: 0.01,
    },
  },
  promptLookupNumTokens: {
    type: "integer",
    default: 7,
    bounds: { min: 0, max: 31 },
    usedWith: null,
    help: "draft at most this many tokens from what followed the same tokens earlier, and check them in one step: what repeats is written faster; 0 for none",
    huggingFace: ["prompt_lookup_num_tokens"],
    http: null,
    cli: null,
    page: null,
  },
  numBeams: {
    type: "integer",
    default: 1,
    bounds: { above: 0 },
    usedWith: null,
    help: "beam search with this many beams; 1 for none; when sampling, their candidates are sampled",
    huggingFace: ["num_beams"],
    http: { name: "num_beams", bounds: { above: 0 } },
    cli: "--beams <count>",
    page: {
      label: "Beams",
      hint: "Answers followed at once, of which the best is taken",
      default: 1,
      min: 1,
      max: 8,
      step: 1,
    },
  },
  lengthPenalty: {
    type: "number",
    default: 1,
    bounds: {},
    usedWith: "beams",
    help: "beam search: exponent of the length that divides a score; above 0 favours long answers",
    huggingFace: ["length_penalty"],
    http: { name: "length_penalty", bounds: { min: -10, max: 10 } },
    cli: null,
    page: {
      label: "Length penalty",
      hint: "With beams: above 0 favours long answers",
      default: 1,
      min: -10,
      max: 10,
      step: 0.1,
    },
  },
  earlyStopping: {
    type: "boolean",
    default: false,
    bounds: {},
    usedWith: "beams",
    help: "beam search: end as soon as there are as many complete answers as beams",
    huggingFace: ["early_stopping"],
    http: null,
    cli: null,
    page: null,
  },
  repetitionPenalty: {
    type: "number",
    default: 1,
    bounds: { above: 0 },
    usedWith: null,
    help: "above 1 makes tokens that the answer already has less likely (CTRL, arXiv 1909.05858)",
    huggingFace: ["repetition_penalty"],
    http: { name: "repetition_penalty", bounds: { above: 0, max: 10 } },
    cli: null,
    page: null,
  },
  noRepeatNgramSize: {
    type: "integer",
    default: 0,
    bounds: { min: 0 },
    usedWith: null,
    help: "no run of this many tokens occurs twice in an answer; 0 for no limit",
    huggingFace: ["no_repeat_ngram_size"],
    http: { name: "no_repeat_ngram_size", bounds: { min: 0 } },
    cli: null,
    page: {
      label: "No repeats of",
      hint: "Runs of this many tokens come once an answer; 0 allows all",
      default: 0,
      min: 0,
      max: 20,
      step: 1,
    },
  },
  frequencyPenalty: {
    type: "number",
    default: 0,
    bounds: {},
    usedWith: null,
    help: "subtracted from a token's logit for each time that the answer already has it, as OpenAI defines it",
    huggingFace: ["frequency_penalty"],
    http: { name: "frequency_penalty", bounds: { min: -2, max: 2 } },
    cli: null,
    page: null,
  },
  presencePenalty: {
    type: "number",
    default: 0,
    bounds: {},
    usedWith: null,
    help: "subtracted once from the logit of each token that the answer already has, as OpenAI defines it",
    huggingFace: ["presence_penalty"],
    http: { name: "presence_penalty", bounds: { min: -2, max: 2 } },
    cli: null,
    page: null,
  },
  stop: {
    type: "strings",
    default: [],
    bounds: {},
    usedWith: null,
    help: "texts before the first of which the answer ends",
    huggingFace: ["stop_strings", "stop"],
    http: { name: "stop", bounds: {} },
    cli: null,
    page: null,
  },
  seed: {
    type: "integer",
    default: undefined,
    bounds: { min: 0 },
    usedWith: "sampling",
    help: "seed that makes sampling repeatable",
    huggingFace: ["seed"],
    http: { name: "seed", bounds: {} },
    cli: "--seed <number>",
    page: {
      label: "Seed",
      hint: "The same seed draws the same answer",
      default: undefined,
      placeholder: "a fresh one",
      min: 0,
      max: Number.MAX_SAFE_INTEGER,
      step: 1,
    },
  },
  bosTokenId: {
    type: "integer",
    default: 1,
    bounds: { min: 0 },
    usedWith: null,
    help: "counts as the first token of every answer for penalties and scores",
    huggingFace: ["bos_token_id"],
    http: null,
    cli: null,
    page: null,
  },
  eosTokenIds: {
    type: "tokenIds",
    default: [2],
    bounds: {},
    usedWith: null,
    help: "tokens that end the answer",
    huggingFace: ["eos_token_id", "eos"],
    http: null,
    cli: null,
    page: null,
  },
  padTokenId: {
    type: "integer",
    default: 0,
    bounds: { min: 0 },
    usedWith: null,
    help: "fills the rows of a batch whose answers have ended",
    huggingFace: ["pad_token_id", "pad"],
    http: null,
    cli: null,
    page: null,
  },
} as const satisfies Readonly<Record<string, SettingRow>>;

type Table = typeof settingsTable;
export type SettingName = keyof Table;

/** Complete settings: how an answer is made. What each does, and its default, stands in its row above. */
export type GenerationSettings = {
  readonly [Name in SettingName as Table[Name]["default"] extends undefined
    ? never
    : Name]: ValueTypes[Table[Name]["type"]];
} & {
  readonly [Name in SettingName as Table[Name]["default"] extends undefined ? Name : never]?:
    | ValueTypes[Table[Name]["type"]]
    | undefined;
};

/** The rows in order, for code that goes through all of them. */
export const settingsRows = Object.entries(settingsTable) as readonly (readonly [SettingName, SettingRow])[];

/** Settings of transformers that are not computed here, each with the value that asks for nothing; one that gets a row leaves this list. */
export const settingsNotComputed: Readonly<Record<string, unknown>> = {
  bad_words_ids: null,
  begin_suppress_tokens: null,
  diversity_penalty: 0,
  encoder_no_repeat_ngram_size: 0,
  encoder_repetition_penalty: 1,
  exponential_decay_length_penalty: null,
  forced_bos_token_id: null,
  forced_eos_token_id: null,
  guidance_scale: 1,
  min_length: 0,
  min_new_tokens: 0,
  num_beam_groups: 1,
  penalty_alpha: 0,
  sequence_bias: null,
  suppress_tokens: null,
  watermarking_config: null,
};

/** The same of settings that count only when sampling. */
export const samplingNotComputed: Readonly<Record<string, unknown>> = {
  epsilon_cutoff: 0,
  eta_cutoff: 0,
  top_h: 0,
  typical_p: 1,
};
