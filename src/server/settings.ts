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
 * @param longest `max_completion_tokens`, or `max_tokens` where that is absent
 */
export function settingsOf(
  asked: AskedSettings,
  longest: number | undefined,
  defaults: GenerationSettings,
  limits: Limits,
): GenerationSettings {
  checkLimits(asked, longest, limits);
  const given: Record<string, unknown> = {
    maxNewTokens: longest ?? Math.min(defaults.maxNewTokens, limits.tokens),
    ...drawing(asked),
    topK: asked.top_k,
    stop: typeof asked.stop === "string" ? [asked.stop] : asked.stop,
    seed: asked.seed,
    frequencyPenalty: asked.frequency_penalty,
    presencePenalty: asked.presence_penalty,
    numBeams: asked.num_beams,
    noRepeatNgramSize: asked.no_repeat_ngram_size,
    repetitionPenalty: asked.repetition_penalty,
    lengthPenalty: asked.length_penalty,
  };
  const present = Object.entries(given).filter(([, value]) => value !== null && value !== undefined);
  return completeSettings(Object.fromEntries(present), defaults);
}

/** The settings of the further answers to a request: they are drawn with seeds of their own. */
export function settingsOfChoice(settings: GenerationSettings, choice: number): GenerationSettings {
  return settings.seed === undefined ? settings : { ...settings, seed: settings.seed + choice };
}

function drawing({ temperature, top_p, top_k }: AskedSettings): Partial<GenerationSettings> {
  const topP = typeof top_p === "number" ? { topP: Math.max(top_p, leastTopP) } : {};
  if (temperature === 0) return { ...topP, doSample: false };
  if (typeof temperature === "number") return { ...topP, doSample: true, temperature };
  return typeof top_p === "number" || typeof top_k === "number" ? { ...topP, doSample: true } : {};
}

function checkLimits(asked: AskedSettings, longest: number | undefined, limits: Limits): void {
  const { n, num_beams } = asked;
  const most: [param: string, value: number | null | undefined, limit: number][] = [
    ["max_tokens", longest, limits.tokens],
    ["n", n, limits.choices],
    ["num_beams", num_beams, limits.beams],
  ];
  for (const [param, value, limit] of most) {
    if (typeof value === "number" && value > limit) {
      throw badRequest(`${param}: must be at most ${limit} on this server, got ${value}`, param);
    }
  }
}
