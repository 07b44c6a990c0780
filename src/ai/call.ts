import { type GenerationSettings, withImpliedSampling } from "../generation/index.ts";
import type { AnswerSettings, ChatMessage, PromptOptions } from "../owl/index.ts";
import { described } from "../platform/index.ts";
import { type ContentPart, PromptError } from "../prompt/index.ts";
import type { CallMessage, CallOptions, CallPart } from "./interface.ts";

/** The key of this provider in `providerOptions`. */
export const providerName = "mplug-owl";

type MediaPart = ContentPart<Uint8Array | URL, Uint8Array | URL>;

/** A call of the AI SDK as an `Owl` takes it. */
export interface OwlCall {
  readonly messages: readonly ChatMessage[];
  readonly settings: AnswerSettings;
  readonly truncation: PromptOptions["truncation"];
}

/**
 * Reads a call of the AI SDK.
 *
 * @throws PromptError naming everything that is not supported: tools, files that are neither pictures nor videos, …
 */
export function readCall(options: CallOptions): OwlCall {
  const { tools = [], abortSignal: signal, responseFormat, providerOptions } = options;
  const problems = tools.map(({ name }) => `this model has no tools, got ${described(name)}`);
  const messages = withOneSystemMessage(
    options.prompt.map((message, i) => readMessage(message, `message ${i}`, problems)),
  );
  if (problems.length > 0) throw new PromptError(`${providerName}: ${problems.join("; ")}`);
  const json = responseFormat?.type === "json" ? (responseFormat.schema ?? true) : undefined;
  const { truncation = "auto", ...own }: AnswerSettings & Pick<PromptOptions, "truncation"> =
    providerOptions?.[providerName] ?? {};
  return { messages, settings: { ...settingsOf(options), ...own, signal, json }, truncation };
}

/** The SDK's own settings; all others come by `providerOptions`. */
function settingsOf(options: CallOptions): Partial<GenerationSettings> {
  const { temperature, topP, topK, stopSequences, maxOutputTokens } = options;
  const { seed, presencePenalty, frequencyPenalty } = options;
  const given = { temperature, topP, topK, seed, presencePenalty, frequencyPenalty };
  const all = { ...given, maxNewTokens: maxOutputTokens, stop: stopSequences };
  const present = Object.entries(all).filter(([, value]) => value !== undefined);
  return withImpliedSampling(Object.fromEntries(present));
}

function readMessage({ role, content }: CallMessage, where: string, problems: string[]): ChatMessage {
  const parts = typeof content === "string" ? [{ type: "text", text: content }] : content;
  const read = parts.flatMap((part, i) => {
    const found = readPart(part, role);
    if (typeof found !== "string") return found;
    problems.push(`${where}, part ${i}: ${found}`);
    return [];
  });
  if (role === "user") return { role, content: read };
  const text = read.map((part) => (part.type === "text" ? part.text : "")).join("\n");
  return { role: role === "system" ? role : "assistant", content: text };
}

/** The parts that a part of the SDK becomes (none where it is ignored), or why it is not supported. */
function readPart({ type, text, mediaType = "", data }: CallPart, role: string): MediaPart[] | string {
  if (type === "text") return [{ type, text: text ?? "" }];
  // Reasoning of another model is no part of the conversation.
  if (type === "reasoning" && role === "assistant") return [];
  if (type !== "file" || role !== "user")
    return `this model takes text, pictures and videos, got ${described(type)}`;
  const source = typeof data === "string" ? new URL(`data:;base64,${data}`) : data;
  if (!(source instanceof Uint8Array) && !(source instanceof URL)) {
    return `a file must be bytes, base64 or an address, got ${described(data)}`;
  }
  if (mediaType.startsWith("image/")) return [{ type: "image", image: source }];
  if (mediaType.startsWith("video/")) return [{ type: "video", video: source }];
  return `this model takes files of image/* and video/*, got ${described(mediaType)}`;
}

/** The same messages with all system messages joined into one, in front. */
function withOneSystemMessage(messages: readonly ChatMessage[]): ChatMessage[] {
  const system = messages.filter(({ role }) => role === "system").map(({ content }) => content);
  const others = messages.filter(({ role }) => role !== "system");
  return system.length === 0 ? others : [{ role: "system", content: system.join("\n") }, ...others];
}
