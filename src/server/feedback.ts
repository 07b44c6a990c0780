import { parseBody } from "./body.ts";
import { shortened, thoseThatStay } from "./chat-prompt.ts";
import { lengthRefusal, requireFittingText } from "./context-length.ts";
import { ApiError } from "./errors.ts";
import { readMessages } from "./media.ts";
import { allOf } from "./media-problems.ts";
import { textsOf } from "./message-schema.ts";
import { feedbackSchema } from "./schema.ts";
import { type Asking, mediaReading } from "./state.ts";

/** `POST /v1/feedback`. */
export async function feedback(asking: Asking): Promise<Response> {
  const { state, exchange } = asking;
  if (state.feedback === undefined) {
    throw new ApiError(404, "this server keeps no feedback; it is started with --feedback FILE", {
      code: "feedback_off",
    });
  }
  const given = parseBody(feedbackSchema, asking.body);
  const model = state.models.get(given.model);
  requireFittingText(model, [...textsOf(thoseThatStay(given.messages)), given.answer], "messages", true);
  const reading = mediaReading(asking);
  const { messages, problems } = await exchange.race(readMessages(given.messages, reading));
  if (problems.length > 0) throw allOf(problems);
  try {
    await state.feedback.write(shortened(messages, model.mostCharacters), model, given);
  } catch (error) {
    throw lengthRefusal(error, "messages", true);
  }
  return new Response(null, { status: 204 });
}
