import { parseBody } from "./body.ts";
import { messagesNeverLeftOut, withBoundedTexts } from "./chat-prompt.ts";
import { contextLengthError, requireFittingText } from "./context-length.ts";
import { ApiError } from "./errors.ts";
import { readMessages } from "./media.ts";
import { combinedError } from "./media-errors.ts";
import { textsOf } from "./message-schema.ts";
import { feedbackSchema } from "./schema.ts";
import { type ApiRequest, mediaReading } from "./state.ts";

/** `POST /v1/feedback`. */
export async function feedback(request: ApiRequest): Promise<Response> {
  const { state, context } = request;
  if (state.feedback === undefined) {
    throw new ApiError(404, "this server keeps no feedback; it is started with --feedback FILE", {
      code: "feedback_off",
    });
  }
  const given = parseBody(feedbackSchema, request.body);
  const model = state.models.get(given.model);
  requireFittingText(
    model,
    [...textsOf(messagesNeverLeftOut(given.messages)), given.answer],
    "messages",
    true,
  );
  const reading = mediaReading(request);
  const { messages, problems } = await context.race(readMessages(given.messages, reading));
  if (problems.length > 0) throw combinedError(problems);
  try {
    await state.feedback.write(withBoundedTexts(messages, model.maxCharacters), model, given);
  } catch (error) {
    throw contextLengthError(error, "messages", true);
  }
  return new Response(null, { status: 204 });
}
