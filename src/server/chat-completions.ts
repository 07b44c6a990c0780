import type { EngineAnswer, GenerationPiece } from "../generation/index.ts";
import {
  type Choice,
  checkPrompts,
  choicesOf,
  endsOf,
  finishReasonOf,
  makeAnswers,
  notesOf,
  reserveAnswers,
  usageOf,
} from "./answers.ts";
import { parseBody } from "./body.ts";
import { chatPrompt } from "./chat-prompt.ts";
import { constraintsOf } from "./constraints.ts";
import { badRequest } from "./errors.ts";
import { eventStream } from "./event-stream.ts";
import { TokenReport } from "./logprobs.ts";
import type { OpenModel } from "./models.ts";
import { type ChatRequest, chatSchema } from "./schema.ts";
import { settingsOf } from "./settings.ts";
import type { ApiRequest } from "./state.ts";

/** A validated request with its model and the prompt and settings of each choice. */
interface Chat {
  readonly body: ChatRequest;
  readonly model: OpenModel;
  readonly choices: readonly Choice[];
  /** What every piece and the whole reply begin with. */
  readonly head: { readonly id: string; readonly created: number; readonly model: string };
}

/** `POST /v1/chat/completions`. */
export async function chatCompletions(request: ApiRequest): Promise<Response> {
  const body = parseBody(chatSchema, request.body);
  const model = request.state.models.get(body.model);
  requireConsistentFields(body);
  const n = body.n ?? 1;
  const settings = settingsOf(body, model.owl.defaults, request.state.limits);
  const constraint = await constraintsOf(body.response_format, model, settings);
  reserveAnswers(request, n);
  const prompt = await chatPrompt(request, body, model, settings.maxNewTokens);
  checkPrompts(model, [prompt], "messages");
  const topLogprobs = body.logprobs === true ? (body.top_logprobs ?? 0) : undefined;
  const choices = choicesOf([prompt], n, (one) => ({
    prompt: one,
    settings,
    topLogprobs,
    constraint,
  }));
  const created = Math.floor(Date.now() / 1000);
  const chat = {
    body,
    model,
    choices,
    head: { id: `chatcmpl-${request.context.id}`, created, model: model.name },
  };
  return body.stream === true ? streamed(request, chat) : whole(request, chat);
}

/** Fields that contradict each other. */
function requireConsistentFields(body: ChatRequest): void {
  if (body.max_tokens !== undefined && body.max_completion_tokens !== undefined) {
    throw badRequest(
      "max_tokens: must not be given beside max_completion_tokens, its newer name",
      "max_tokens",
    );
  }
  if ((body.top_logprobs ?? 0) > 0 && body.logprobs !== true) {
    throw badRequest("top_logprobs: needs logprobs: true", "top_logprobs");
  }
  if (body.stream_options !== undefined && body.stream !== true) {
    throw badRequest("stream_options: needs stream: true", "stream_options");
  }
  const isConstrained = (body.response_format?.type ?? "text") !== "text";
  if ((body.num_beams ?? 1) > 1 && (body.logprobs === true || isConstrained)) {
    throw badRequest(
      "num_beams: must be 1 with logprobs or a response_format, which follow one answer",
      "num_beams",
    );
  }
}

function reports({ body, model, choices }: Chat): TokenReport[] | undefined {
  if (body.logprobs !== true) return undefined;
  return choices.map(({ settings }) => new TokenReport(model.owl.tokenizer, settings.eosTokenIds));
}

async function whole(request: ApiRequest, chat: Chat): Promise<Response> {
  const { body, model, choices, head } = chat;
  const report = reports(chat);
  const content: object[][] = choices.map(() => []);
  const answers = await makeAnswers(request, model, choices, (index, { tokens }) => {
    if (report !== undefined) content[index].push(...report[index].chat(tokens));
  });
  return Response.json(
    {
      ...head,
      object: "chat.completion",
      choices: answers.map(({ text, finishReason }, index) => ({
        index,
        message: { role: "assistant", content: text, refusal: null },
        logprobs: report === undefined ? null : { content: content[index], refusal: null },
        finish_reason: finishReasonOf(finishReason),
      })),
      usage: usageOf(answers, body.n ?? 1),
      ...notesOf(answers),
    },
    { headers: { "cache-control": "no-store" } },
  );
}

function streamed(request: ApiRequest, chat: Chat): Response {
  const { body, model, choices, head } = chat;
  const wantsUsage = body.stream_options?.include_usage === true;
  const report = reports(chat);
  return eventStream(request, async (send) => {
    const chunk = (choicesOfChunk: object[], more: object = {}): void =>
      send({
        ...head,
        object: "chat.completion.chunk",
        choices: choicesOfChunk,
        ...(wantsUsage && { usage: null }),
        ...more,
      });
    const delta = (index: number, content: object, logprobs: object | null): void =>
      chunk([{ index, delta: content, logprobs, finish_reason: null }]);
    for (const index of choices.keys()) delta(index, { role: "assistant", content: "", refusal: null }, null);
    const onPiece = (index: number, { text, tokens }: GenerationPiece): void => {
      const content = report?.[index].chat(tokens) ?? [];
      if (text === "" && content.length === 0) return;
      delta(index, { content: text }, report === undefined ? null : { content, refusal: null });
    };
    const answers: EngineAnswer[] = await makeAnswers(request, model, choices, onPiece);
    for (const { index, reason, notes } of endsOf(answers)) {
      chunk([{ index, delta: {}, logprobs: null, finish_reason: reason }], notes);
    }
    if (wantsUsage) chunk([], { usage: usageOf(answers, body.n ?? 1) });
  });
}
