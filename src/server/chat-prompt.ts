import type { Prompt } from "../inference/index.ts";
import { contextLengthError, requireFittingText } from "./context-length.ts";
import { type ReadMessage, readMessages } from "./media.ts";
import { combinedError, decodingErrors } from "./media-errors.ts";
import { type ApiMessage, textsOf } from "./message-schema.ts";
import type { OpenModel } from "./models.ts";
import type { ChatRequest } from "./schema.ts";
import { type ApiRequest, mediaReading } from "./state.ts";

/**
 * Makes the prompt of a chat request.
 *
 * @param maxNewTokens how long the answer may get: room for it is kept where turns are left out
 * @throws ApiError that names every broken picture and video, or both lengths where the conversation is too long;
 *   PromptError, or the reason why the request was aborted
 */
export async function chatPrompt(
  request: ApiRequest,
  body: ChatRequest,
  model: OpenModel,
  maxNewTokens: number,
): Promise<Prompt> {
  const { context, state } = request;
  const truncation = body.truncation ?? state.truncation;
  const isTruncated = truncation === "auto";
  const staying = isTruncated ? messagesNeverLeftOut(body.messages) : body.messages;
  requireFittingText(model, textsOf(staying), "messages", isTruncated);
  const reading = mediaReading(request);
  const { messages, params, problems } = await context.race(readMessages(body.messages, reading));
  const options = {
    ...{ truncation, maxNewTokens, maxPixels: state.limits.pixels, signal: context.signal },
    templateVariables: body.chat_template_kwargs,
  };
  const decode = (some: readonly ReadMessage[]): Promise<Prompt> =>
    context.race(state.decoding.run(() => model.owl.prompt(some, options), context.signal));
  try {
    if (problems.length === 0) return await decode(withBoundedTexts(messages, model.maxCharacters));
    // Where some images are broken, the others are decoded all the same, so that the error lists every broken one.
    await decode([{ role: "user", content: mediaOf(messages) }]);
  } catch (error) {
    context.signal.throwIfAborted();
    const found = decodingErrors(error, params);
    if (found.length > 0) throw combinedError([...problems, ...found]);
    if (problems.length === 0) throw contextLengthError(error, "messages", isTruncated);
  }
  throw combinedError(problems);
}

/** The messages that no truncation leaves out: the system's and the last one. */
export function messagesNeverLeftOut(messages: readonly ApiMessage[]): readonly ApiMessage[] {
  const last = messages.findLastIndex(({ role }) => role === "user");
  return messages.filter(({ role }, i) => i === last || role === "system" || role === "developer");
}

/** Cuts texts that cannot fit to just too many characters: the result is the same, and tokenizing them takes no time. */
export function withBoundedTexts(
  messages: readonly ReadMessage[],
  maxCharacters: number,
): readonly ReadMessage[] {
  const short = (text: string): string => text.slice(0, maxCharacters + 1);
  return messages.map(({ role, content }) => ({
    role,
    content:
      typeof content === "string"
        ? short(content)
        : content.map((part) => (part.type === "text" ? { ...part, text: short(part.text) } : part)),
  }));
}

/** The pictures and videos of messages, without the texts. */
function mediaOf(messages: readonly ReadMessage[]): Exclude<ReadMessage["content"], string> {
  return messages.flatMap(({ content }) =>
    typeof content === "string" ? [] : content.filter(({ type }) => type !== "text"),
  );
}
