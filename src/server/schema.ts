import { z } from "zod";
import { numberSchema, type SettingName, settingsRows, type settingsTable } from "../generation/index.ts";
import { isEmptyList, messagesSchema, unsupported } from "./message-schema.ts";

// `null` stands for "not given" in OpenAI's protocol: fields that are null are gone before a schema sees them.

const count = z.int().positive();
/** OpenAI takes at most four. */
const stops = z.union([z.string().min(1), z.array(z.string().min(1)).max(4)]);
/** A field that is accepted with any value and ignored. */
const ignored = z.unknown().optional();

const isOneOf =
  (...harmless: readonly unknown[]) =>
  (value: unknown): boolean =>
    harmless.includes(value);
const isEmpty = (value: unknown): boolean =>
  typeof value === "object" && value !== null && Object.keys(value).length === 0;

const noTools = "this server has no tools";

/** The field of a request that a setting of generation has, where it is a number. */
type NumberField<Name extends SettingName> = (typeof settingsTable)[Name] extends {
  readonly type: "integer" | "number";
  readonly http: { readonly name: infer Field extends string };
}
  ? Field
  : never;

/** The settings of generation that are numbers. */
const numberFields = Object.fromEntries(
  settingsRows.flatMap(([, { type, http }]) =>
    http !== null && (type === "integer" || type === "number")
      ? [[http.name, numberSchema(type, http.bounds).optional()]]
      : [],
  ),
) as { [Name in SettingName as NumberField<Name>]: z.ZodOptional<z.ZodNumber> };

/** What chat and completions have in common: how an answer is made. */
const settings = {
  model: z.string(),
  ...numberFields,
  stop: stops.optional(),
  n: count.optional(),
  stream: z.boolean().optional(),
  stream_options: z
    .strictObject({
      include_usage: z.boolean().optional(),
      include_obfuscation: z.literal(false).optional(),
      continuous_usage_stats: z.literal(false).optional(),
    })
    .optional(),
  logit_bias: unsupported("this server has no logit_bias", isEmpty),
  /** Who the end user is; ignored. */
  user: z.string().optional(),
  metadata: z.record(z.string(), z.string()).optional(),
  safety_identifier: z.string().optional(),
  /** Hints for caches: this server's need none. */
  prompt_cache_key: z.string().optional(),
  prompt_cache_retention: ignored,
  prompt_cache_options: ignored,
  cache_prompt: ignored,
};

const responseFormat = z.discriminatedUnion("type", [
  z.strictObject({ type: z.literal("text") }),
  z.strictObject({ type: z.literal("json_object") }),
  z.strictObject({
    type: z.literal("json_schema"),
    json_schema: z.strictObject({
      name: z.string(),
      description: z.string().optional(),
      strict: z.boolean().optional(),
      schema: z.record(z.string(), z.unknown()),
    }),
  }),
]);

export const chatSchema = z.strictObject({
  ...settings,
  messages: messagesSchema,
  /** What becomes of a conversation that is longer than the model's positions. */
  truncation: z.enum(["auto", "disabled"]).optional(),
  /** What the model's chat template is told beside the messages (the name that other servers have for it). */
  chat_template_kwargs: z.record(z.string(), z.unknown()).optional(),
  max_completion_tokens: count.optional(),
  logprobs: z.boolean().optional(),
  top_logprobs: z.int().min(0).max(20).optional(),
  response_format: responseFormat.optional(),
  // What OpenAI's clients may send although it asks for nothing.
  store: unsupported("this server keeps no conversations", isOneOf(false)),
  modalities: z.tuple([z.literal("text")]).optional(),
  service_tier: z.enum(["auto", "default"]).optional(),
  tools: unsupported(noTools, isEmptyList),
  tool_choice: unsupported(noTools, isOneOf("none")),
  parallel_tool_calls: z.boolean().optional(),
  reasoning_effort: unsupported("this server's models do not reason", isOneOf("none")),
  verbosity: unsupported("this server's models have one verbosity", isOneOf("medium")),
  web_search_options: unsupported("this server does not search", () => false),
  /** What an answer will look like: it may make one faster and changes none. */
  prediction: ignored,
});
export type ChatRequest = z.infer<typeof chatSchema>;

const promptIds = z.array(z.int().nonnegative()).min(1);

export const completionSchema = z.strictObject({
  ...settings,
  prompt: z.union([z.string(), z.array(z.string()).min(1), promptIds, z.array(promptIds).min(1)]),
  logprobs: z.int().min(0).max(5).optional(),
  best_of: unsupported("only one answer is made for each choice", isOneOf(1)),
  echo: unsupported("the prompt is not repeated", isOneOf(false)),
  suffix: unsupported("nothing can be put behind an answer", isOneOf("")),
  truncation: unsupported("a prompt has no turns that could be left out", isOneOf("disabled")),
});
export type CompletionRequest = z.infer<typeof completionSchema>;

/** Fields that say how an answer is made, of either request. */
export type RequestSettings = Partial<Pick<ChatRequest, keyof ChatRequest & keyof typeof settings>>;

export const feedbackSchema = z.strictObject({
  model: z.string(),
  messages: messagesSchema,
  answer: z.string().min(1),
  rating: z.enum(["up", "down", "flag"]),
  note: z.string().max(10_000).optional(),
});
export type Feedback = z.infer<typeof feedbackSchema>;

export const attentionSchema = z.strictObject({
  model: z.string(),
  image: z.string(),
  question: z.string().min(1).optional(),
});
