import type {
  EngineAnswer,
  FinishReason,
  GenerationPiece,
  GenerationRequest,
  GenerationSettings,
  MakeConstraint,
} from "../generation/index.ts";
import { checkPrompt, type Prompt } from "../inference/index.ts";
import { contextLengthError, type PromptField } from "./context-length.ts";
import { queueFullError } from "./limits.ts";
import type { OpenModel } from "./models.ts";
import { settingsOfChoice } from "./settings.ts";
import type { ApiRequest } from "./state.ts";

/** One of the answers to a request. */
export interface Choice {
  readonly prompt: Prompt;
  readonly settings: GenerationSettings;
  readonly topLogprobs?: number | undefined;
  readonly constraint?: MakeConstraint | undefined;
}

/** `n` answers to each prompt, in the order of OpenAI's indices. */
export function choicesOf(
  prompts: readonly Prompt[],
  n: number,
  choice: (prompt: Prompt) => Choice,
): Choice[] {
  return prompts.flatMap((prompt) =>
    Array.from({ length: n }, (_, i) => {
      const one = choice(prompt);
      return { ...one, settings: settingsOfChoice(one.settings, i) };
    }),
  );
}

/** Reserves room in the queue for so many answers until the response has ended. @throws ApiError 429 where it is full */
export function reserveAnswers({ context, state }: ApiRequest, count: number): void {
  const release = state.queue.take(count);
  if (release === undefined) throw queueFullError(state.limits.queue);
  context.onEnd(release);
}

/** Checks that the model can take the prompts, before a response has begun, while its status can still say so. */
export function checkPrompts(model: OpenModel, prompts: readonly Prompt[], field: PromptField): void {
  try {
    for (const prompt of prompts) checkPrompt(prompt, model.owl.config);
  } catch (error) {
    throw contextLengthError(error, field);
  }
}

/**
 * Generates the answers concurrently. When one fails, the others are aborted.
 *
 * @param onPiece called with every piece, and the index of its answer
 * @throws the error of the first one that failed
 */
export async function makeAnswers(
  request: ApiRequest,
  model: OpenModel,
  choices: readonly Choice[],
  onPiece: (index: number, piece: GenerationPiece) => void = () => undefined,
): Promise<EngineAnswer[]> {
  const stop = new AbortController();
  const signal = AbortSignal.any([request.context.signal, stop.signal]);
  let failure: unknown;
  const made = await Promise.all(
    choices.map((choice, index) =>
      makeAnswer(request, model, { ...choice, signal }, (piece) => onPiece(index, piece)).catch(
        (error: unknown) => {
          failure ??= error;
          stop.abort(error);
        },
      ),
    ),
  );
  if (failure !== undefined) throw failure;
  return made as EngineAnswer[];
}

async function makeAnswer(
  { state: { metrics } }: ApiRequest,
  { engine, name }: OpenModel,
  request: GenerationRequest,
  onPiece: (piece: GenerationPiece) => void,
): Promise<EngineAnswer> {
  const pieces = engine.generate(request);
  const start = performance.now();
  let first: number | undefined;
  for (;;) {
    const { done, value } = await pieces.next();
    const now = performance.now();
    if (first === undefined) {
      first = now;
      metrics.began(name, (now - start) / 1000);
    }
    if (done) {
      metrics.ended(name, value.finishReason, value.ids.length, (now - first) / 1000);
      return value;
    }
    onPiece(value);
  }
}

/** Why an answer ended, as OpenAI's protocol has it: `length` wherever an answer was cut short. */
export function finishReasonOf(reason: FinishReason): "stop" | "length" {
  return reason === "length" ? "length" : "stop";
}

/** How a stream ends. */
export interface StreamEnd {
  readonly index: number;
  readonly reason: "stop" | "length";
  readonly notes: { readonly notes?: readonly string[] };
}

/**
 * The ends of a stream's answers, notes with the last of them: a piece without a choice comes only where usage was asked
 * for, because many programs read the first choice of every piece.
 */
export function endsOf(answers: readonly EngineAnswer[]): StreamEnd[] {
  return answers.map(({ finishReason }, index) => ({
    index,
    reason: finishReasonOf(finishReason),
    notes: index === answers.length - 1 ? notesOf(answers) : {},
  }));
}

/** What answers cost; a prompt counts once, however many answers it got. */
export function usageOf(answers: readonly EngineAnswer[], n: number): object {
  const firsts = answers.filter((_, i) => i % n === 0);
  const sum = (numbers: readonly number[]): number => numbers.reduce((all, one) => all + one, 0);
  const prompt_tokens = sum(firsts.map(({ promptTokens }) => promptTokens));
  const completion_tokens = sum(answers.map(({ ids }) => ids.length));
  return {
    prompt_tokens,
    completion_tokens,
    total_tokens: prompt_tokens + completion_tokens,
    prompt_tokens_details: { cached_tokens: sum(firsts.map(({ cachedTokens }) => cachedTokens)) },
  };
}

/** What should be known about how the question was put to the model, where there is something. */
export function notesOf(answers: readonly EngineAnswer[]): { notes?: readonly string[] } {
  const notes = [...new Set(answers.flatMap((answer) => answer.notes ?? []))];
  return notes.length === 0 ? {} : { notes };
}
