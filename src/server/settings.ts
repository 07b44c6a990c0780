import {
  completeSettings,
  type GenerationSettings,
  settingsRows,
  withImpliedSampling,
} from "../generation/index.ts";
import { badRequest } from "./errors.ts";
import type { Limits } from "./limits.ts";
import type { RequestSettings } from "./schema.ts";

/**
 * How an answer is made, from OpenAI's fields and ours over the model's own defaults, by OpenAI's convention of when to
 * sample (`withImpliedSampling`). What is not given is as the model's generation_config.json says.
 *
 * @param defaultTokens new tokens where the request does not say how many; absent: as the model's defaults have it
 */
export function settingsOf(
  asked: RequestSettings & { readonly max_completion_tokens?: number | undefined },
  defaults: GenerationSettings,
  limits: Limits,
  defaultTokens = Math.min(defaults.maxNewTokens, limits.tokens),
): GenerationSettings {
  const { max_tokens, max_completion_tokens, n, num_beams } = asked;
  requireAtMost(limits.tokens, { max_tokens, max_completion_tokens });
  requireAtMost(limits.choices, { n });
  requireAtMost(limits.beams, { num_beams });
  const given = {
    ...settingsOfFields(asked),
    maxNewTokens: max_completion_tokens ?? max_tokens ?? defaultTokens,
    seed: seedOf(asked.seed),
    stop: typeof asked.stop === "string" ? [asked.stop] : asked.stop,
  };
  const present = Object.entries(given).filter(([, value]) => value !== undefined);
  return completeSettings(withImpliedSampling(Object.fromEntries(present)), defaults);
}

/** The fields that are settings, by the settings' own names. */
function settingsOfFields(fields: Readonly<Record<string, unknown>>): Partial<GenerationSettings> {
  return Object.fromEntries(
    settingsRows.flatMap(([name, { http }]) => (http === null ? [] : [[name, fields[http.name]]])),
  );
}

/** The settings of the further answers to a request: they are sampled with seeds of their own. */
export function settingsOfChoice(settings: GenerationSettings, choice: number): GenerationSettings {
  const { seed } = settings;
  if (seed === undefined) return settings;
  const left = Number.MAX_SAFE_INTEGER - seed;
  return { ...settings, seed: choice <= left ? seed + choice : choice - left - 1 };
}

/** OpenAI's seeds may be negative; these stand behind all others. */
function seedOf(seed: number | undefined): number | undefined {
  return typeof seed === "number" && seed < 0 ? Number.MAX_SAFE_INTEGER + seed + 1 : seed;
}

function requireAtMost(limit: number, given: Readonly<Record<string, number | undefined>>): void {
  for (const [param, value] of Object.entries(given)) {
    if (typeof value === "number" && value > limit) {
      throw badRequest(`${param}: must be at most ${limit} on this server, got ${value}`, param);
    }
  }
}
