import type { GenerationPiece } from "../generation/index.ts";
import type { Prompt } from "../inference/index.ts";
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
import { requireFittingText } from "./context-length.ts";
import { badRequest } from "./errors.ts";
import { eventStream } from "./event-stream.ts";
import { TokenReport } from "./logprobs.ts";
import type { OpenModel } from "./models.ts";
import { type CompletionRequest, completionSchema } from "./schema.ts";
import { settingsOf } from "./settings.ts";
import type { ApiRequest } from "./state.ts";

interface Completion {
  readonly body: CompletionRequest;
  readonly model: OpenModel;
  readonly choices: readonly Choice[];
  readonly head: {
    readonly id: string;
    readonly object: "text_completion";
    readonly created: number;
    readonly model: string;
  };
}

/** OpenAI's default of `max_tokens` for this route. */
const defaultTokens = 16;

/** `POST /v1/completions`: continues texts as they are, without a chat template. */
export async function completions(request: ApiRequest): Promise<Response> {
  const body = parseBody(completionSchema, request.body);
  const { models, limits } = request.state;
  const model = models.get(body.model);
  if (body.stream_options && body.stream !== true) {
    throw badRequest("stream_options: needs stream: true", "stream_options");
  }
  const settings = settingsOf(body, model.owl.defaults, limits, defaultTokens);
  const prompts = promptsOf(body, model);
  const n = body.n ?? 1;
  if (prompts.length * n > limits.choices) {
    throw badRequest(
      `prompt: must ask for at most ${limits.choices} answers on this server, got ${prompts.length * n}`,
      "prompt",
    );
  }
  checkPrompts(model, prompts, "prompt");
  reserveAnswers(request, prompts.length * n);
  const topLogprobs = body.logprobs;
  const completion: Completion = {
    body,
    model,
    choices: choicesOf(prompts, n, (prompt) => ({ prompt, settings, topLogprobs })),
    head: {
      id: `cmpl-${request.context.id}`,
      object: "text_completion",
      created: Math.floor(Date.now() / 1000),
      model: model.name,
    },
  };
  return body.stream === true ? streamed(request, completion) : whole(request, completion);
}

function promptsOf({ prompt }: CompletionRequest, model: OpenModel): Prompt[] {
  const list: (string | number[])[] =
    typeof prompt === "string" ? [prompt] : isIds(prompt) ? [prompt] : prompt;
  requireFittingText(
    model,
    list.map((one) => (typeof one === "string" ? one : "")),
    "prompt",
  );
  const { tokenizer } = model.owl;
  // A raw prompt contains its special tokens. There can be no image, so `<image>` is text.
  return list.map((one) => ({
    ids: typeof one === "string" ? [...tokenizer.start, ...tokenizer.encode(one)] : one,
    pictures: [],
  }));
}

function isIds(prompt: readonly (string | number | number[])[]): prompt is number[] {
  return typeof prompt[0] === "number";
}

function reports({ body, model, choices }: Completion): TokenReport[] | undefined {
  if (typeof body.logprobs !== "number") return undefined;
  return choices.map(({ settings }) => new TokenReport(model.owl.tokenizer, settings.eosTokenIds));
}

async function whole(request: ApiRequest, completion: Completion): Promise<Response> {
  const { body, model, choices, head } = completion;
  const report = reports(completion);
  const tokens: GenerationPiece["tokens"][number][][] = choices.map(() => []);
  const answers = await makeAnswers(request, model, choices, (index, piece) => {
    tokens[index].push(...piece.tokens);
  });
  return Response.json(
    {
      ...head,
      choices: answers.map(({ text, finishReason }, index) => ({
        index,
        text,
        logprobs: report?.[index].completion(tokens[index]) ?? null,
        finish_reason: finishReasonOf(finishReason),
      })),
      usage: usageOf(answers, body.n ?? 1),
      ...notesOf(answers),
    },
    { headers: { "cache-control": "no-store" } },
  );
}

function streamed(request: ApiRequest, completion: Completion): Response {
  const { body, model, choices, head } = completion;
  const wantsUsage = body.stream_options?.include_usage === true;
  const report = reports(completion);
  return eventStream(request, async (send) => {
    const piece = (choice: object, more: object = {}): void =>
      send({ ...head, choices: [choice], ...(wantsUsage && { usage: null }), ...more });
    const answers = await makeAnswers(request, model, choices, (index, { text, tokens }) => {
      const logprobs = report?.[index].completion(tokens) ?? null;
      if (text !== "" || (logprobs?.tokens.length ?? 0) > 0) {
        piece({ index, text, logprobs, finish_reason: null });
      }
    });
    for (const { index, reason, notes } of endsOf(answers)) {
      piece({ index, text: "", logprobs: null, finish_reason: reason }, notes);
    }
    if (wantsUsage) send({ ...head, choices: [], usage: usageOf(answers, body.n ?? 1) });
  });
}
