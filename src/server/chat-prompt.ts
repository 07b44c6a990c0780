import type { Prompt } from "../generation/index.ts";
import { type ReadMessage, readMessages } from "./media.ts";
import { allOf, decodingProblems } from "./media-problems.ts";
import { textsOf } from "./message-schema.ts";
import { type OpenModel, requireFittingText } from "./models.ts";
import type { ChatRequest } from "./schema.ts";
import { type Asking, mediaReading } from "./state.ts";

/**
 * The prompt that the messages of a request are for its model.
 * @throws ApiError that names every broken picture and video, PromptError, or the reason why the exchange ended
 */
export async function chatPrompt(asking: Asking, asked: ChatRequest, model: OpenModel): Promise<Prompt> {
  const { exchange, state } = asking;
  requireFittingText(model, textsOf(asked.messages), "messages");
  const reading = mediaReading(asking);
  const { messages, params, problems } = await exchange.race(readMessages(asked.messages, reading));
  const limits = { maxPixels: state.limits.pixels, signal: exchange.signal };
  const decode = (some: readonly ReadMessage[]): Promise<Prompt> =>
    exchange.race(state.decoding.run(() => model.owl.prompt(some, limits), exchange.signal));
  try {
    // Where some are broken, the others are decoded all the same, so that all that are wrong are told at once.
    const prompt = await decode(
      problems.length === 0 ? messages : [{ role: "user", content: mediaOf(messages) }],
    );
    if (problems.length === 0) return prompt;
  } catch (error) {
    exchange.signal.throwIfAborted();
    const found = decodingProblems(error, params);
    if (found.length + problems.length === 0) throw error;
    throw allOf([...problems, ...found]);
  }
  throw allOf(problems);
}

/** The pictures and videos of messages, without the texts. */
function mediaOf(messages: readonly ReadMessage[]): Exclude<ReadMessage["content"], string> {
  return messages.flatMap(({ content }) =>
    typeof content === "string" ? [] : content.filter(({ type }) => type !== "text"),
  );
}
