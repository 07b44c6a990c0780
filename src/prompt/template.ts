import { z } from "zod";
import { type OwlConfig, readsTiles } from "../model/index.ts";
import { modelFiles } from "../model-files/index.ts";
import { createTokenizer, type Tokenizer } from "../tokenizer/index.ts";
import { PromptError } from "./error.ts";

/** How conversations are written for a model, as it was trained. */
export interface PromptTemplate {
  /** The system prompt on the first line; empty for none. */
  readonly system: string;
  /** What begins a user's line. */
  readonly user: string;
  /** What begins an assistant's line. */
  readonly assistant: string;
  /**
   * Where text is cut before it is turned into ids (each piece gets a leading space token of its own). `"pictures"`: only
   * there, as the reference's processor does. `"turns"`: also at the beginnings of lines, and answers end with eos, which
   * is how the reference cuts training samples; so the model is asked with the very ids it was taught with.
   */
  readonly cut: "pictures" | "turns";
}

/** First line of the reference's training data and README. */
export const trainingSystemPrompt =
  "The following is a conversation between a curious human and AI assistant. " +
  "The assistant gives helpful, detailed, and polite answers to the user's questions.";

/** First line in the reference's web demo. */
export const demoSystemPrompt =
  "The following is a conversation between a curious human and AI. " +
  "The AI gives helpful, detailed, and polite answers to the human's questions.";

/** The template of the published checkpoints. */
export const publishedTemplate: PromptTemplate = {
  system: trainingSystemPrompt,
  user: "Human: ",
  assistant: "AI: ",
  cut: "pictures",
};

/** The template of UReader's evaluation and demo, which give no system prompt. */
export const readerTemplate: PromptTemplate = { ...publishedTemplate, system: "" };

/**
 * The tokenizer of a model, whose weights may tell how it is asked where no file of its directory does: a reader of pictures in
 * tiles has {@link readerTemplate}.
 */
export function withModelTemplate(tokenizer: Tokenizer, config: Pick<OwlConfig, "tilePositions">): Tokenizer {
  const { json, configuration } = tokenizer;
  const isSaid = hasTemplate(tokenizer) || (configuration.chat_template ?? undefined) !== undefined;
  if (isSaid || !readsTiles(config)) return tokenizer;
  return createTokenizer(json, { ...configuration, prompt_template: readerTemplate });
}

/** Whether a tokenizer's directory says how conversations are written; else it is as published. */
export function hasTemplate({ configuration }: Tokenizer): boolean {
  return configuration.prompt_template !== undefined;
}

/**
 * A model directory's tokenizer files, by name, with a template of its own in tokenizer_config.json: that is how the
 * model is asked from then on.
 */
export function withTemplate(
  files: Readonly<Record<string, Uint8Array>>,
  template: unknown,
): Record<string, Uint8Array> {
  return withSettings(files, { prompt_template: template });
}

/** The same with the words that conversations without a system message begin with, of a model with a chat template. */
export function withSystemPrompt(
  files: Readonly<Record<string, Uint8Array>>,
  words: string,
): Record<string, Uint8Array> {
  return withSettings(files, { system_prompt: words === "" ? undefined : words });
}

/**
 * What an adapter says of how its model is asked, as keys of tokenizer_config.json: the template that it was trained with, or of
 * a model with a chat template the words in front of its conversations.
 *
 * @param given what the adapter's file holds; undefined: nothing
 */
export function taughtSettings(given: unknown): Readonly<Record<string, unknown>> {
  if (given === undefined) return {};
  const words: unknown = Object(given).system_prompt;
  return words === undefined ? { prompt_template: given } : { system_prompt: words };
}

/** The same with keys of tokenizer_config.json. */
export function withSettings(
  files: Readonly<Record<string, Uint8Array>>,
  settings: Readonly<Record<string, unknown>>,
): Record<string, Uint8Array> {
  const name = modelFiles.tokenizerConfig;
  const before: unknown = files[name] === undefined ? {} : JSON.parse(textOf(files[name]));
  const after = { ...(before as object), ...settings };
  return { ...files, [name]: new TextEncoder().encode(`${JSON.stringify(after, null, 2)}\n`) };
}

const textOf = (bytes: Uint8Array): string => new TextDecoder().decode(bytes);

const templateSetting = z.strictObject({
  system: z.string().default(publishedTemplate.system),
  user: z.string().min(1).default(publishedTemplate.user),
  assistant: z.string().min(1).default(publishedTemplate.assistant),
  cut: z.enum(["pictures", "turns"]).default(publishedTemplate.cut),
});

/**
 * The template that a model directory carries: key `prompt_template` of its tokenizer_config.json (beside the place where
 * others keep `chat_template`); what is left out there is as published.
 * @throws PromptError where that key holds something else
 */
export function promptTemplate({ configuration }: Tokenizer): PromptTemplate {
  const { success, data, error } = templateSetting.safeParse(configuration.prompt_template ?? {});
  if (success) return data;
  throw new PromptError(
    `tokenizer_config.json: prompt_template must be a template, got\n${z.prettifyError(error)}`,
  );
}

/**
 * What conversations without a system message begin with, of a model with a chat template: the words in front of the rows
 * that it was trained with (key `system_prompt` of tokenizer_config.json); "" where there are none.
 */
export function systemPromptFor({ configuration }: Pick<Tokenizer, "configuration">): string {
  const { system_prompt: words = "" } = configuration;
  if (typeof words === "string") return words;
  throw new PromptError(`tokenizer_config.json: system_prompt must be a text, got ${JSON.stringify(words)}`);
}
