import { z } from "zod";

// `null` stands for "not given" in OpenAI's protocol, so every field may be null.

const count = z.int().positive();
const penalty = z.number().min(-2).max(2);
const probability = z.number().min(0).max(1);
/** OpenAI takes at most four. */
const stops = z.union([z.string().min(1), z.array(z.string().min(1)).max(4)]);

const textPart = z.strictObject({ type: z.literal("text"), text: z.string() });
const address = z.strictObject({
  url: z.string(),
  /** A hint; pictures are always seen in the model's one size. */
  detail: z.enum(["auto", "low", "high"]).nullish(),
});
const imagePart = z.strictObject({ type: z.literal("image_url"), image_url: address });
const videoPart = z.strictObject({ type: z.literal("video_url"), video_url: address });
const userContent = z.union([
  z.string(),
  z.array(z.discriminatedUnion("type", [textPart, imagePart, videoPart])).min(1),
]);
const textContent = z.union([z.string(), z.array(textPart).min(1)]);

const message = z.discriminatedUnion("role", [
  z.strictObject({ role: z.literal("system"), content: textContent, name: z.string().nullish() }),
  z.strictObject({ role: z.literal("developer"), content: textContent, name: z.string().nullish() }),
  z.strictObject({ role: z.literal("user"), content: userContent, name: z.string().nullish() }),
  z.strictObject({
    role: z.literal("assistant"),
    content: textContent,
    name: z.string().nullish(),
    refusal: z.null().optional(),
  }),
]);

export const messagesSchema = z.array(message).min(1);
/** Messages as they come. */
export type ApiMessage = z.infer<typeof message>;

/** What chat and completions have in common: how an answer is made. */
const settings = {
  model: z.string(),
  max_tokens: count.nullish(),
  temperature: z.number().min(0).max(2).nullish(),
  top_p: probability.nullish(),
  top_k: z.int().nonnegative().nullish(),
  stop: stops.nullish(),
  seed: z.int().nullish(),
  n: count.nullish(),
  frequency_penalty: penalty.nullish(),
  presence_penalty: penalty.nullish(),
  num_beams: count.nullish(),
  no_repeat_ngram_size: z.int().nonnegative().nullish(),
  repetition_penalty: z.number().positive().max(10).nullish(),
  length_penalty: z.number().min(-10).max(10).nullish(),
  stream: z.boolean().nullish(),
  stream_options: z
    .strictObject({ include_usage: z.boolean().nullish(), include_obfuscation: z.literal(false).nullish() })
    .nullish(),
  /** Names of whoever asks, which change nothing. */
  user: z.string().nullish(),
  metadata: z.record(z.string(), z.string()).nullish(),
  safety_identifier: z.string().nullish(),
  prompt_cache_key: z.string().nullish(),
};

const responseFormat = z.discriminatedUnion("type", [
  z.strictObject({ type: z.literal("text") }),
  z.strictObject({ type: z.literal("json_object") }),
  z.strictObject({
    type: z.literal("json_schema"),
    json_schema: z.strictObject({
      name: z.string(),
      description: z.string().nullish(),
      strict: z.boolean().nullish(),
      schema: z.record(z.string(), z.unknown()),
    }),
  }),
]);

export const chatSchema = z.strictObject({
  ...settings,
  messages: messagesSchema,
  max_completion_tokens: count.nullish(),
  logprobs: z.boolean().nullish(),
  top_logprobs: z.int().min(0).max(20).nullish(),
  response_format: responseFormat.nullish(),
  // What OpenAI's clients may send although it asks for nothing.
  store: z.literal(false).nullish(),
  modalities: z.tuple([z.literal("text")]).nullish(),
  service_tier: z.enum(["auto", "default"]).nullish(),
  tools: z.array(z.unknown()).max(0, "this server has no tools").nullish(),
  tool_choice: z.literal("none", "this server has no tools").nullish(),
  logit_bias: z.strictObject({}, "this server has no logit_bias").nullish(),
});
export type ChatRequest = z.infer<typeof chatSchema>;

const promptIds = z.array(z.int().nonnegative()).min(1);

export const completionSchema = z.strictObject({
  ...settings,
  prompt: z.union([z.string(), z.array(z.string()).min(1), promptIds, z.array(promptIds).min(1)]),
  logprobs: z.int().min(0).max(5).nullish(),
  best_of: z.literal(1, "only one answer is made for each choice").nullish(),
  echo: z.literal(false, "the prompt is not repeated").nullish(),
  suffix: z.literal("", "nothing can be put behind an answer").nullish(),
  logit_bias: z.strictObject({}, "this server has no logit_bias").nullish(),
});
export type CompletionRequest = z.infer<typeof completionSchema>;

/** Fields that say how an answer is made, of either request. */
export type AskedSettings = Partial<Pick<ChatRequest, keyof ChatRequest & keyof typeof settings>>;

export const feedbackSchema = z.strictObject({
  model: z.string(),
  messages: messagesSchema,
  answer: z.string().min(1),
  rating: z.enum(["up", "down", "flag"]),
  note: z.string().max(10_000).nullish(),
});
export type Feedback = z.infer<typeof feedbackSchema>;

export const attentionSchema = z.strictObject({ model: z.string(), image: z.string() });

/** One thing that is wrong with a request. */
export interface Problem {
  /** Where: `messages[0].content`; empty for the request as a whole. */
  readonly param: string;
  readonly text: string;
}

type Issue = z.core.$ZodIssue;

/** The problems that a schema found, in words for whoever wrote the request. */
export function problemsOf(issues: readonly Issue[], prefix: readonly PropertyKey[] = []): Problem[] {
  return issues.flatMap((issue): Problem[] => {
    const path = [...prefix, ...issue.path];
    if (issue.code === "unrecognized_keys") {
      return issue.keys.map((key) => ({
        param: paramOf([...path, key]),
        text: "no such field is supported here",
      }));
    }
    if (issue.code === "invalid_union" && issue.errors.length > 0) {
      return problemsOf(nearest(issue.errors), path);
    }
    return [{ param: paramOf(path), text: textOf(issue) }];
  });
}

/** Of several forms that a value may have, the one it is nearest to: that goes wrong deepest inside. */
function nearest(forms: readonly (readonly Issue[])[]): readonly Issue[] {
  const depth = (issues: readonly Issue[]): number => Math.max(0, ...issues.map(({ path }) => path.length));
  const isOtherType = (issues: readonly Issue[]): boolean =>
    issues.some(({ code, path }) => code === "invalid_type" && path.length === 0);
  const [best] = [...forms].sort(
    (a, b) => Number(isOtherType(a)) - Number(isOtherType(b)) || depth(b) - depth(a),
  );
  return best;
}

function paramOf(path: readonly PropertyKey[]): string {
  return path.reduce<string>(
    (text, key) =>
      typeof key === "number" ? `${text}[${key}]` : `${text}${text === "" ? "" : "."}${String(key)}`,
    "",
  );
}

function textOf(issue: Issue): string {
  const message = issue.message.replace(/^Invalid input: /, "").replace(/^Invalid option: /, "");
  if (issue.code === "invalid_union" && "discriminator" in issue) {
    return `no such ${String(issue.discriminator)} is supported here`;
  }
  // In JSON nothing is undefined.
  const said = message.replace(/received undefined$/, "received nothing");
  return said.replace(/^Too/, "too").replace(/^Invalid/, "invalid");
}
