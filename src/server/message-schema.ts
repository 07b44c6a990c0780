import { z } from "zod";

/** A field for a feature that is not supported: values that use it are errors, neutral ones are accepted. */
export function unsupported(
  message: string,
  isHarmless: (value: unknown) => boolean,
): z.ZodOptional<z.ZodUnknown> {
  return z
    .unknown()
    .refine(isHarmless, { error: message, params: { unsupported: true } })
    .optional();
}

export const isEmptyList = (value: unknown): boolean => Array.isArray(value) && value.length === 0;
/** A field that is accepted and ignored. */
const ignored = z.unknown().optional();

/** A hint for caches of other servers. */
const hints = { cache_control: ignored };
const textPart = z.strictObject({ type: z.literal("text"), text: z.string(), ...hints });
/** A text of an answer, with the citations that clients send back. */
const answerTextPart = z.strictObject({ ...textPart.shape, annotations: ignored });
const refusalPart = z.strictObject({ type: z.literal("refusal"), refusal: z.string() });
const address = z.preprocess(
  (value) => (typeof value === "string" ? { url: value } : value),
  z.strictObject({
    url: z.string(),
    /** A hint; pictures are always seen in the model's one size. */
    detail: z.enum(["auto", "low", "high"]).optional(),
    /** A hint of the type, which the content tells. */
    format: ignored,
  }),
);
const imagePart = z.strictObject({ type: z.literal("image_url"), image_url: address, ...hints });
const videoPart = z.strictObject({ type: z.literal("video_url"), video_url: address, ...hints });

const userContent = z.union([
  z.string(),
  z.array(z.discriminatedUnion("type", [textPart, imagePart, videoPart])).min(1),
]);
const textContent = z.union([z.string(), z.array(textPart).min(1)]);
/** An assistant's message; clients send back also empty ones. */
const answerContent = z.union([
  z.string(),
  z.array(z.discriminatedUnion("type", [answerTextPart, refusalPart])),
]);

const name = z.string().optional();
const noTools = "this server has no tools";

const message = z.discriminatedUnion("role", [
  z.strictObject({ role: z.literal("system"), content: textContent, name, ...hints }),
  z.strictObject({ role: z.literal("developer"), content: textContent, name, ...hints }),
  z.strictObject({ role: z.literal("user"), content: userContent, name, ...hints }),
  z.strictObject({
    role: z.literal("assistant"),
    content: answerContent.optional(),
    name,
    refusal: z.string().optional(),
    tool_calls: unsupported(noTools, isEmptyList),
    function_call: unsupported(noTools, () => false),
    audio: unsupported("this server has no sound", () => false),
    images: unsupported("this server shows the model no pictures of answers", isEmptyList),
    // Fields that clients and other servers keep with an answer.
    id: ignored,
    annotations: ignored,
    parsed: ignored,
    reasoning: ignored,
    reasoning_content: ignored,
    reasoning_details: ignored,
    thinking: ignored,
    thinking_blocks: ignored,
    provider_specific_fields: ignored,
    ...hints,
  }),
]);

export const messagesSchema = z.array(message).min(1);
/** Messages as clients send them. */
export type ApiMessage = z.infer<typeof message>;

/** A part of a message, as this server reads it. */
export type ApiPart =
  | { readonly type: "text"; readonly text: string }
  | Pick<z.infer<typeof imagePart>, "type" | "image_url">
  | Pick<z.infer<typeof videoPart>, "type" | "video_url">;

/** The content of a message: a text, or parts. A `refusal` counts as the text of an answer. */
export function contentOf(message: ApiMessage): string | readonly ApiPart[] {
  if (message.role !== "assistant") return message.content;
  const { content = "", refusal } = message;
  const said = typeof content === "string" ? [content] : content.map(wordsOf);
  return [...said, refusal ?? ""].filter((text) => text !== "").join("\n");
}

const wordsOf = (part: z.infer<typeof textPart> | z.infer<typeof refusalPart>): string =>
  part.type === "text" ? part.text : part.refusal;

/** The texts of messages. */
export function textsOf(messages: readonly ApiMessage[]): string[] {
  return messages.map(contentOf).flatMap((content) => {
    if (typeof content === "string") return [content];
    return content.flatMap((part) => (part.type === "text" ? [part.text] : []));
  });
}
