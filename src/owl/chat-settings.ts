import type { z } from "zod";
import { completeSettings, type GenerationSettings } from "../generation/index.ts";
import { option } from "../platform/index.ts";
import type { AnswerSettings, ChatSettings } from "./chat.ts";

/** What may be said of many answers besides how each is made. */
interface Batch {
  /** Answers made at once. Default 64. */
  readonly batchSize?: number | undefined;
}

/** Settings of answers to many prompts. */
export type BatchSettings = AnswerSettings & Batch;

/** Settings of answers to many conversations. */
export type ChatAllSettings = ChatSettings & Batch;

/** What may stand among the settings that are a model's. */
type Companion = Exclude<keyof ChatAllSettings, keyof GenerationSettings>;

const rules: Readonly<Record<Companion, z.ZodType>> = {
  signal: option.signal,
  json: option.json,
  truncation: option.oneOf(["auto", "disabled"]),
  batchSize: option.count,
};

/** What each kind of call takes besides a model's settings. */
const companions = {
  generate: ["signal", "json"],
  generateBatch: ["signal", "json", "batchSize"],
  chat: ["signal", "json", "truncation"],
  chatAll: ["signal", "json", "truncation", "batchSize"],
} as const satisfies Record<string, readonly Companion[]>;

/**
 * Complete settings of a call. What else may stand among them is checked too.
 *
 * @throws SettingsError that lists every problem
 */
export function readSettings(
  given: ChatAllSettings,
  defaults: GenerationSettings,
  call: keyof typeof companions,
): GenerationSettings {
  const taken = Object.fromEntries(companions[call].map((name) => [name, rules[name]]));
  return completeSettings(given, defaults, taken);
}
