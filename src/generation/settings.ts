import { z } from "zod";
import { described, nearestName, optionProblems, shortened } from "../platform/index.ts";
import {
  type Bounds,
  type GenerationSettings,
  type SettingName,
  type SettingRow,
  samplingNotComputed,
  settingsNotComputed,
  settingsRows,
  settingsTable,
} from "./settings-table.ts";

export type { GenerationSettings };

/** Invalid settings; the message lists every problem. */
export class SettingsError extends Error {
  override name = "SettingsError";
}

/** A zod schema of numbers within bounds. */
export function numberSchema(type: "integer" | "number", { above, min, max }: Bounds): z.ZodNumber {
  let schema: z.ZodNumber = type === "integer" ? z.int() : z.number();
  if (above !== undefined) schema = schema.gt(above);
  if (min !== undefined) schema = schema.min(min);
  return max === undefined ? schema : schema.max(max);
}

function schemaOf({ type, bounds, default: standard }: SettingRow): z.ZodType {
  if (type === "boolean") return z.boolean();
  if (type === "strings") return z.array(z.string().min(1)).readonly();
  if (type === "tokenIds") return z.array(z.int().nonnegative()).readonly();
  const schema = numberSchema(type, bounds);
  return standard === undefined ? schema.optional() : schema;
}

const schema = z.strictObject(Object.fromEntries(settingsRows.map(([name, row]) => [name, schemaOf(row)])));

/** Greedy decoding with LLaMA's special tokens: what the reference's `generate` does by default. */
export const plainSettings = Object.fromEntries(
  settingsRows.flatMap(([name, row]) => (row.default === undefined ? [] : [[name, row.default]])),
) as unknown as GenerationSettings;

/**
 * Complete settings: the given ones over the defaults. Fields that are undefined count as absent.
 *
 * @param callOptions schemas of options of the call that may stand among them; they are checked and left out
 * @throws SettingsError that lists every problem: wrong types, ranges, unknown names.
 */
export function completeSettings(
  given: Partial<GenerationSettings>,
  defaults: GenerationSettings = plainSettings,
  callOptions: Readonly<Record<string, z.ZodType>> = {},
): GenerationSettings {
  if (typeof given !== "object" || given === null || Array.isArray(given)) {
    throw new SettingsError(`generation settings: must be an object, got ${described(given)}`);
  }
  return checked(given, defaults, "generation settings", (name) => name, callOptions);
}

/** @param nameOf the name of a setting in its source, for the message */
function checked(
  given: Partial<GenerationSettings>,
  defaults: GenerationSettings,
  where: string,
  nameOf: (name: string) => string,
  callOptions: Readonly<Record<string, z.ZodType>> = {},
): GenerationSettings {
  const present = Object.entries(given).filter(([, value]) => value !== undefined);
  const [settings, options] = [false, true].map((isOption) =>
    Object.fromEntries(present.filter(([name]) => Object.hasOwn(callOptions, name) === isOption)),
  );
  const parsed = schema.safeParse({ ...defaults, ...settings });
  const known = [...Object.keys(schema.shape), ...Object.keys(callOptions)];
  const issues = parsed.error?.issues.flatMap((issue) => {
    const [name, ...rest] = issue.path;
    const path = name === undefined ? [] : [nameOf(String(name)), ...rest];
    return problemTexts({ ...issue, path }, known);
  });
  const problems = [...(issues ?? []), ...optionProblems(options, callOptions)];
  if (parsed.data !== undefined && problems.length === 0) return parsed.data as GenerationSettings;
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

/** The names of settings here, by their names in generation_config.json and `generate`. */
const publishedNames: Readonly<Record<string, SettingName>> = Object.fromEntries(
  settingsRows.flatMap(([name, { huggingFace }]) => huggingFace.map((published) => [published, name])),
);

/**
 * Settings from JSON under Hugging Face's names (`max_new_tokens`, `eos_token_id` as a number or a list, `max_length`,
 * which counts BOS and the new tokens) or those of this package. Unknown names are kept, so that
 * {@link completeSettings} reports them with all other problems.
 */
export function settingsFromJson(json: object): Partial<GenerationSettings> {
  const settings: Record<string, unknown> = {};
  for (const [name, value] of Object.entries(json)) {
    if (value === null || name === "max_length") continue;
    const own = publishedNames[name] ?? name;
    settings[own] = isList(own) && !Array.isArray(value) ? [value] : value;
  }
  if ("max_length" in json && typeof json.max_length === "number") {
    settings.maxNewTokens ??= json.max_length - 1;
  }
  return settings;
}

/** Whether a setting may be given as one value or as a list. */
const isList = (name: string): boolean =>
  Object.hasOwn(settingsTable, name) && Array.isArray(settingsTable[name as SettingName].default);

const namesUsedWith = (what: SettingRow["usedWith"]): readonly SettingName[] =>
  settingsRows.filter(([, { usedWith }]) => usedWith === what).map(([name]) => name);
/** A seed alone does not ask for sampling: programs send one with every request. */
const samplingNames = namesUsedWith("sampling").filter((name) => name !== "seed");
const beamNames = namesUsedWith("beams");

/** Whether settings are given that only make sense when sampling. */
export const asksForSampling = (given: Partial<GenerationSettings>): boolean =>
  samplingNames.some((name) => given[name] !== undefined);

/** The least top-p that still leaves the most probable token. */
const leastTopP = 1e-9;

/**
 * Settings by the convention of OpenAI's protocol and the AI SDK, where whether to sample follows from the others: a
 * temperature of 0 takes the most probable token each time; another one, or another setting of sampling without a
 * temperature, samples. A top-p of 0 leaves the most probable token.
 */
export function withImpliedSampling(given: Partial<GenerationSettings>): Partial<GenerationSettings> {
  const { temperature, topP, ...others } = given;
  const samples = temperature !== 0 && asksForSampling(given);
  return {
    ...others,
    ...(topP !== undefined && { topP: Math.max(topP, leastTopP) }),
    ...(temperature === 0 ? { doSample: false } : temperature !== undefined && { temperature }),
    ...(samples && { doSample: true }),
  };
}

/**
 * Defaults from a model's generation_config.json: the fields that are settings here; what other programs keep
 * in that file is ignored. As in transformers, null and a negative id mean that there is none. Invalid settings that the file
 * does not use are ignored, too: zeros of sampling settings where it is greedy, beam search settings where there is one beam.
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
  if (given.doSample !== true) dropDisabled(given, samplingNames);
  if ((given.numBeams ?? 1) === 1) dropInvalid(given, beamNames);
  const nameOf = (own: string): string => {
    const name = known.find(([published]) => publishedNames[published] === own)?.[0];
    const shown = name ?? (own === "maxNewTokens" ? "max_length" : own);
    return shown === own ? own : `${shown} (${own})`;
  };
  return checked(given, plainSettings, where, nameOf);
}

/**
 * A warning that names the settings of a generation_config.json that would change the answers and are not supported here;
 * undefined where there are none.
 */
export function generationWarning(json: object, where = "generation_config.json"): string | undefined {
  const sampling = "do_sample" in json && json.do_sample === true;
  const table = { ...settingsNotComputed, ...(sampling && samplingNotComputed) };
  const unsupported = Object.entries(json).filter(([name, value]) => {
    const isEmpty = value === null || (Array.isArray(value) && value.length === 0);
    return name in table && !isEmpty && value !== false && value !== table[name];
  });
  if (unsupported.length === 0) return undefined;
  const shown = unsupported.map(([name, value]) => `${name} ${JSON.stringify(value).slice(0, 40)}`);
  return `${where}: asks for what is not computed here: ${shown.join(", ")}; answers may differ from transformers'`;
}

/** The files of many models have −1 for a token that does not exist. */
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

/** Deletes invalid values, such as `early_stopping: "never"` with one beam. */
function dropInvalid(given: Record<string, unknown>, names: readonly SettingName[]): void {
  for (const name of names) if (!schema.shape[name].safeParse(given[name]).success) delete given[name];
}

/** Deletes values of zero and below, which files use to disable a sampling setting. */
function dropDisabled(given: Record<string, unknown>, names: readonly SettingName[]): void {
  for (const name of names) {
    const value = given[name];
    if (typeof value === "number" && value <= 0) delete given[name];
  }
}
