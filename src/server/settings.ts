import { completeSettings, type GenerationSettings } from "../generation/index.ts";
import { badRequest } from "./errors.ts";
import type { Limits } from "./limits.ts";
import type { AskedSettings } from "./schema.ts";

/** The least probability mass that still leaves the best token to be drawn. */
const leastTopP = 1e-9;

/**
 * How an answer is made, from OpenAI's fields and ours over the model's own defaults. A temperature of 0 takes the
 * best token each time; another one, or `top_p` or `top_k` without one, draws tokens. What is not given is as the
 * model's generation_config.json says.
 *
 * @param defaultTokens new tokens where the request does not say how many; absent: as the model's defaults have it
 */
export function settingsOf(
  asked: AskedSettings & { readonly max_completion_tokens?: number | undefined },
  defaults: GenerationSettings,
  limits: Limits,
  defaultTokens = Math.min(defaults.maxNewTokens, limits.tokens),
): GenerationSettings {
  const { max_tokens, max_completion_tokens, n, num_beams } = asked;
  requireAtMost(limits.tokens, { max_tokens, max_completion_tokens });
  requireAtMost(limits.choices, { n });
  requireAtMost(limits.beams, { num_beams });
  const given: Record<string, unknown> = {
    maxNewTokens: max_completion_tokens ?? max_tokens ?? defaultTokens,
    ...drawing(asked),
    topK: asked.top_k,
    stop: typeof asked.stop === "string" ? [asked.stop] : asked.stop,
    seed: seedOf(asked.seed),
    frequencyPenalty: asked.frequency_penalty,
    presencePenalty: asked.presence_penalty,
    numBeams: num_beams,
    noRepeatNgramSize: asked.no_repeat_ngram_size,
    repetitionPenalty: asked.repetition_penalty,
    lengthPenalty: asked.length_penalty,
  };
  const present = Object.entries(given).filter(([, value]) => value !== undefined);
  return completeSettings(Object.fromEntries(present), defaults);
}

/** The settings of the further answers to a request: they are drawn with seeds of their own. */
export function settingsOfChoice(settings: GenerationSettings, choice: number): GenerationSettings {
  return settings.seed === undefined ? settings : { ...settings, seed: settings.seed + choice };
}

/** OpenAI's seeds may be negative; these stand behind all others. */
function seedOf(seed: number | undefined): number | undefined {
  return typeof seed === "number" && seed < 0 ? Number.MAX_SAFE_INTEGER + seed + 1 : seed;
}

function drawing({ temperature, top_p, top_k }: AskedSettings): Partial<GenerationSettings> {
  const topP = typeof top_p === "number" ? { topP: Math.max(top_p, leastTopP) } : {};
  if (temperature === 0) return { ...topP, doSample: false };
  if (typeof temperature === "number") return { ...topP, doSample: true, temperature };
  return typeof top_p === "number" || typeof top_k === "number" ? { ...topP, doSample: true } : {};
}

function requireAtMost(limit: number, given: Readonly<Record<string, number | undefined>>): void {
  for (const [param, value] of Object.entries(given)) {
    if (typeof value === "number" && value > limit) {
      throw badRequest(`${param}: must be at most ${limit} on this server, got ${value}`, param);
    }
  }
}
