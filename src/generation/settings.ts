import { z } from "zod";
import { described, nearestName, optionProblems, shortened } from "../platform/index.ts";

/** Settings do not hold what they must; the message lists every problem. */
export class SettingsError extends Error {
  override name = "SettingsError";
}

const ids = z.int().nonnegative();

const schema = z.strictObject({
  maxNewTokens: z.int().positive(),
  doSample: z.boolean(),
  temperature: z.number().positive(),
  topK: z.int().nonnegative(),
  topP: z.number().positive().max(1),
  repetitionPenalty: z.number().positive(),
  noRepeatNgramSize: z.int().nonnegative(),
  frequencyPenalty: z.number(),
  presencePenalty: z.number(),
  numBeams: z.int().positive(),
  lengthPenalty: z.number(),
  earlyStopping: z.boolean(),
  stop: z.array(z.string().min(1)).readonly(),
  seed: z.int().nonnegative().optional(),
  bosTokenId: ids,
  eosTokenIds: z.array(ids).readonly(),
  padTokenId: ids,
});

/** How an answer is made. Every field has a default: {@link plainSettings} and the model's generation_config.json. */
export interface GenerationSettings {
  /** The answer ends after this many tokens at the latest. Default 256. */
  readonly maxNewTokens: number;
  /** Draw tokens by their probability instead of taking the best one. Default false. */
  readonly doSample: boolean;
  /** Divides the logits before drawing. Default 1. */
  readonly temperature: number;
  /** Draw among this many best tokens; 0 for all. Default 0. */
  readonly topK: number;
  /** Draw among the best tokens whose probabilities reach this sum; 1 for all. Default 1. */
  readonly topP: number;
  /** Above 1 makes tokens that the answer already has less likely (CTRL, arXiv 1909.05858). Default 1. */
  readonly repetitionPenalty: number;
  /** No run of this many tokens occurs twice in an answer; 0 for no limit. Default 0. */
  readonly noRepeatNgramSize: number;
  /** Taken from a token's logit for every time that the answer already has it, as OpenAI defines it. Default 0. */
  readonly frequencyPenalty: number;
  /** Taken once from the logit of every token that the answer already has, as OpenAI defines it. Default 0. */
  readonly presencePenalty: number;
  /** Above 1: beam search with so many beams; with doSample its candidates are drawn. Default 1. */
  readonly numBeams: number;
  /** Beam search: exponent of the length by which a score is divided; above 0 favours long answers. Default 1. */
  readonly lengthPenalty: number;
  /** Beam search: end as soon as there are as many finished answers as beams. Default false. */
  readonly earlyStopping: boolean;
  /** The answer ends before the first of these texts. Default none. */
  readonly stop: readonly string[];
  /** Makes sampling repeatable; a fresh one is drawn where it is absent. */
  readonly seed?: number | undefined;
  /** Counts as the first token of every answer for penalties and scores. */
  readonly bosTokenId: number;
  /** The answer ends with any of these tokens. */
  readonly eosTokenIds: readonly number[];
  /** Fills ended rows of a batch. */
  readonly padTokenId: number;
}

/** Greedy decoding with LLaMA's special tokens: what the reference's `generate` does when told nothing. */
export const plainSettings: GenerationSettings = {
  maxNewTokens: 256,
  doSample: false,
  temperature: 1,
  topK: 0,
  topP: 1,
  repetitionPenalty: 1,
  noRepeatNgramSize: 0,
  frequencyPenalty: 0,
  presencePenalty: 0,
  numBeams: 1,
  lengthPenalty: 1,
  earlyStopping: false,
  stop: [],
  bosTokenId: 1,
  eosTokenIds: [2],
  padTokenId: 0,
};

/**
 * Complete settings: what is given, over the defaults. Fields that are undefined count as absent.
 *
 * @param companions what else may stand among them; it is checked and left out
 * @throws SettingsError that lists every problem: wrong types, ranges, unknown names.
 */
export function completeSettings(
  given: Partial<GenerationSettings>,
  defaults: GenerationSettings = plainSettings,
  companions: Readonly<Record<string, z.ZodType>> = {},
): GenerationSettings {
  if (typeof given !== "object" || given === null || Array.isArray(given)) {
    throw new SettingsError(`generation settings: must be an object, got ${described(given)}`);
  }
  return checked(given, defaults, "generation settings", (name) => name, companions);
}

/** @param nameOf what a setting is called where it was given */
function checked(
  given: Partial<GenerationSettings>,
  defaults: GenerationSettings,
  where: string,
  nameOf: (name: string) => string,
  companions: Readonly<Record<string, z.ZodType>> = {},
): GenerationSettings {
  const present = Object.entries(given).filter(([, value]) => value !== undefined);
  const [own, others] = [false, true].map((isOther) =>
    Object.fromEntries(present.filter(([name]) => Object.hasOwn(companions, name) === isOther)),
  );
  const parsed = schema.safeParse({ ...defaults, ...own });
  const known = [...Object.keys(schema.shape), ...Object.keys(companions)];
  const issues = parsed.error?.issues.flatMap((issue) => {
    const [name, ...rest] = issue.path;
    const path = name === undefined ? [] : [nameOf(String(name)), ...rest];
    return problemTexts({ ...issue, path }, known);
  });
  const problems = [...(issues ?? []), ...optionProblems(others, companions)];
  if (parsed.data !== undefined && problems.length === 0) return parsed.data;
  throw new SettingsError(`${where}: ${problems.join("; ")}`);
}

function problemTexts(issue: z.core.$ZodIssue, known: readonly string[]): string[] {
  if (issue.code === "unrecognized_keys") {
    return issue.keys.map((key) => {
      const near = nearestName(key, known);
      const next = near === undefined ? `there are ${known.join(", ")}` : `did you mean ${near}?`;
      return `no setting is called ${shortened(key)} (${next})`;
    });
  }
  const hint = issue.path[0] === "temperature" ? " (for the best token each time set doSample to false)" : "";
  const message = issue.message.replace(/^Invalid input: /, "").replace(/^Too/, "too");
  return [`${issue.path.join(".")}: ${message}${hint}`];
}

/** The names that Hugging Face's generation_config.json and `generate` use, and ours. */
const publishedNames: Record<string, keyof GenerationSettings> = {
  max_new_tokens: "maxNewTokens",
  do_sample: "doSample",
  temperature: "temperature",
  top_k: "topK",
  top_p: "topP",
  repetition_penalty: "repetitionPenalty",
  no_repeat_ngram_size: "noRepeatNgramSize",
  frequency_penalty: "frequencyPenalty",
  presence_penalty: "presencePenalty",
  num_beams: "numBeams",
  length_penalty: "lengthPenalty",
  early_stopping: "earlyStopping",
  stop_strings: "stop",
  stop: "stop",
  seed: "seed",
  bos_token_id: "bosTokenId",
  eos_token_id: "eosTokenIds",
  eos: "eosTokenIds",
  pad_token_id: "padTokenId",
  pad: "padTokenId",
};

/**
 * Settings from JSON in Hugging Face's spelling (`max_new_tokens`, `eos_token_id` as a number or a list,
 * `max_length` that counts BOS and the new tokens) or in ours. Unknown names are kept, so that
 * {@link completeSettings} reports them with all other problems.
 */
export function settingsFromJson(json: object): Partial<GenerationSettings> {
  const settings: Record<string, unknown> = {};
  for (const [name, value] of Object.entries(json)) {
    if (value === null || name === "max_length") continue;
    const own = publishedNames[name] ?? name;
    settings[own] = lists.includes(own) && !Array.isArray(value) ? [value] : value;
  }
  if ("max_length" in json && typeof json.max_length === "number") {
    settings.maxNewTokens ??= json.max_length - 1;
  }
  return settings;
}

/** Settings that may be given as one value or as a list. */
const lists = ["eosTokenIds", "stop"];

/** What is only used where tokens are drawn, or by several beams. */
const ofSampling = ["temperature", "topK", "topP"] as const;
const ofBeams = ["lengthPenalty", "earlyStopping"] as const;

/**
 * Defaults from a model's generation_config.json: the fields that are settings here; what other programs keep
 * in that file is passed over. As transformers reads it: null and an id below zero say that there is none; zeros of
 * sampling do no harm where the file is greedy, nor settings of beam search where there is one beam.
 *
 * @param where the file, for the message
 * @throws SettingsError that lists every problem by the file's own names
 */
export function settingsFromGenerationConfig(
  json: object,
  where = "generation_config.json",
): GenerationSettings {
  if (Array.isArray(json)) throw new SettingsError(`${where}: must be a JSON object, got a list`);
  const known = Object.entries(json).filter(([name]) => name in publishedNames || name === "max_length");
  const given: Record<string, unknown> = withoutNegativeIds(settingsFromJson(Object.fromEntries(known)));
  if (given.doSample !== true) dropOff(given, ofSampling);
  if ((given.numBeams ?? 1) === 1) dropRefused(given, ofBeams);
  const nameOf = (own: string): string => {
    const name = known.find(([published]) => publishedNames[published] === own)?.[0];
    const shown = name ?? (own === "maxNewTokens" ? "max_length" : own);
    return shown === own ? own : `${shown} (${own})`;
  };
  return checked(given, plainSettings, where, nameOf);
}

/** Settings of transformers that are not computed here, each with the value that asks for nothing. */
const notComputed: Readonly<Record<string, unknown>> = {
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
const notComputedInSampling: Readonly<Record<string, unknown>> = {
  epsilon_cutoff: 0,
  eta_cutoff: 0,
  min_p: 0,
  top_h: 0,
  typical_p: 1,
};

/**
 * A warning for what a generation_config.json asks for that would change the answers and is not computed here; undefined
 * where there is nothing of the kind.
 */
export function generationWarning(json: object, where = "generation_config.json"): string | undefined {
  const sampling = "do_sample" in json && json.do_sample === true;
  const table = { ...notComputed, ...(sampling && notComputedInSampling) };
  const asked = Object.entries(json).filter(([name, value]) => {
    const isEmpty = value === null || (Array.isArray(value) && value.length === 0);
    return name in table && !isEmpty && value !== false && value !== table[name];
  });
  if (asked.length === 0) return undefined;
  const shown = asked.map(([name, value]) => `${name} ${JSON.stringify(value).slice(0, 40)}`);
  return `${where}: asks for what is not computed here: ${shown.join(", ")}; answers may differ from transformers'`;
}

/** Files of many models say −1 for a token that there is not. */
function withoutNegativeIds(given: Record<string, unknown>): Record<string, unknown> {
  const isToken = (id: unknown): boolean => typeof id !== "number" || id >= 0;
  const { bosTokenId, padTokenId, eosTokenIds, ...rest } = given;
  const ends = Array.isArray(eosTokenIds) ? eosTokenIds.filter(isToken) : eosTokenIds;
  const hasEnds = !Array.isArray(ends) || ends.length > 0 || (eosTokenIds as unknown[]).length === 0;
  return {
    ...rest,
    ...(isToken(bosTokenId) && { bosTokenId }),
    ...(isToken(padTokenId) && { padTokenId }),
    ...(hasEnds && { eosTokenIds: ends }),
  };
}

/** Takes out what would be refused: `early_stopping: "never"` of one beam. */
function dropRefused(given: Record<string, unknown>, names: typeof ofBeams): void {
  for (const name of names) if (!schema.shape[name].safeParse(given[name]).success) delete given[name];
}

/** Takes out zeros and what is below them, by which people say that a way of sampling is off. */
function dropOff(given: Record<string, unknown>, names: typeof ofSampling): void {
  for (const name of names) {
    const value = given[name];
    if (typeof value === "number" && value <= 0) delete given[name];
  }
}
