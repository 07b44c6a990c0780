import type { z } from "zod";
import { completeSettings, type GenerationSettings } from "../generation/index.ts";
import { option } from "../platform/index.ts";
import type { AnswerSettings, ChatSettings } from "./chat.ts";

/** The option of calls that make many answers. */
interface Batch {
  /** Answers generated at once. Default 64. */
  readonly batchSize?: number | undefined;
}

/** Settings of answers to many prompts. */
export type BatchSettings = AnswerSettings & Batch;

/** Settings of answers to many conversations. */
export type ChatAllSettings = ChatSettings & Batch;

/** An option of the call itself, which stands among the settings of generation. */
type CallOption = Exclude<keyof ChatAllSettings, keyof GenerationSettings>;

const rules: Readonly<Record<CallOption, z.ZodType>> = {
  signal: option.signal,
  json: option.json,
  truncation: option.oneOf(["auto", "disabled"]),
  templateVariables: option.object,
  batchSize: option.count,
};

/** The options of each call besides the settings of generation. */
const callOptions = {
  generate: ["signal", "json"],
  generateBatch: ["signal", "json", "batchSize"],
  chat: ["signal", "json", "truncation", "templateVariables"],
  chatAll: ["signal", "json", "truncation", "templateVariables", "batchSize"],
} as const satisfies Record<string, readonly CallOption[]>;

/**
 * Complete settings of a call, whose own options are checked, too, and left out.
 *
 * @throws SettingsError that lists every problem
 */
export function readSettings(
  given: ChatAllSettings,
  defaults: GenerationSettings,
  call: keyof typeof callOptions,
): GenerationSettings {
  const schemas = Object.fromEntries(callOptions[call].map((name) => [name, rules[name]]));
  return completeSettings(given, defaults, schemas);
}
