import { checkPrompt, type LoadedModel, type Prompt } from "../inference/index.ts";
import { Engine } from "./engine.ts";
import type { TextOptions } from "./engine-options.ts";
import type { ChatAnswer, GenerationRequest } from "./request.ts";

/** Answers made at once by default. */
const defaultBatchSize = 64;

/** Prompts to be answered with the same settings. */
export interface BatchRequest extends Omit<GenerationRequest, "prompt" | "topLogprobs"> {
  readonly prompts: readonly Prompt[];
  /** Answers made at once. Default 64. */
  readonly batchSize?: number | undefined;
}

/**
 * Answers to many prompts, many at once, in an engine of their own: the same answers as one by one. When one fails, the
 * others end.
 *
 * @throws what the first that failed threw; PromptError before anything is computed
 */
export async function generateBatch(
  model: LoadedModel,
  text: TextOptions,
  { prompts, batchSize = defaultBatchSize, signal, ...request }: BatchRequest,
): Promise<ChatAnswer[]> {
  for (const prompt of prompts) checkPrompt(prompt, model.config);
  // Every beam search has a cache of its own; one at a time is enough.
  const running = request.settings.numBeams > 1 ? 1 : Math.max(1, Math.min(batchSize, prompts.length));
  const engine = Engine.offline(model, text, running);
  // Each request has a signal of its own: Node warns of more than ten listeners on one.
  const stops = new Set<AbortController>();
  const stop = (reason: unknown): void => {
    for (const one of stops) one.abort(reason);
  };
  const abort = (): void => stop(signal?.reason);
  const answer = async (prompt: Prompt): Promise<ChatAnswer> => {
    signal?.throwIfAborted();
    const own = new AbortController();
    stops.add(own);
    const answered = await engine.answer({ ...request, prompt, signal: own.signal });
    stops.delete(own);
    const { cachedTokens, ...rest } = answered;
    return rest;
  };
  // Prompts of similar length go together, so that a prefill computes little padding.
  const order = [...prompts.keys()].sort((a, b) => prompts[a].ids.length - prompts[b].ids.length).values();
  const answers: ChatAnswer[] = [];
  const work = async (): Promise<void> => {
    for (const i of order) answers[i] = await answer(prompts[i]);
  };
  signal?.addEventListener("abort", abort);
  try {
    await Promise.all(Array.from({ length: running }, work));
  } catch (error) {
    stop(error);
    throw error;
  } finally {
    signal?.removeEventListener("abort", abort);
    await engine.close();
  }
  return answers;
}
