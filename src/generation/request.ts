import type { TokenConstraint } from "../constraint/index.ts";
import type { Prompt } from "../inference/index.ts";
import type { GenerationSettings } from "./settings.ts";

export type { TokenConstraint };

/** Makes the constraint of one answer. */
export type MakeConstraint = (maxNewTokens: number) => TokenConstraint;

/** What an engine is asked for: one answer to a prompt. */
export interface GenerationRequest {
  readonly prompt: Prompt;
  readonly settings: GenerationSettings;
  /** Ends the answer before its next token; the iteration then throws the signal's reason. */
  readonly signal?: AbortSignal | undefined;
  /** Makes the constraint on the tokens of an answer, which has at most so many. Default: any token may come. */
  readonly constraint?: MakeConstraint | undefined;
  /** Reports the log-probability of each token and of so many likeliest ones in its place (0: none of these). Default: no report. */
  readonly topLogprobs?: number | undefined;
}

/** A token and the natural logarithm of its probability under the model, before penalties, temperature and constraints. */
export interface TokenLogprob {
  readonly id: number;
  readonly logprob: number;
}

/** A new token of an answer, with the likeliest tokens in its place, best first. */
export interface SampledToken extends TokenLogprob {
  readonly top: readonly TokenLogprob[];
}

/** What one decode step added: text of whole characters (empty while one is incomplete) and, where asked for, its tokens. */
export interface GenerationPiece {
  readonly text: string;
  readonly tokens: readonly SampledToken[];
}

/** Why an answer ended: the model ended it, a stop string came, or no more tokens were allowed. */
export type FinishReason = "end" | "stop" | "length";

/** A finished answer. */
export interface Answer {
  /** The new tokens; the last one is the end-of-sequence token where the model ended the answer. */
  readonly ids: readonly number[];
  /** Empty where the model has no tokenizer. */
  readonly text: string;
  readonly finishReason: FinishReason;
  /** What the reader should know about the prompt or the answer, such as that one was cut; absent: nothing. */
  readonly notes?: readonly string[] | undefined;
}

/** A finished answer with the length of its prompt. */
export interface ChatAnswer extends Answer {
  /** Positions of the prompt, those of pictures and videos included, as the model got it. */
  readonly promptTokens: number;
}

/** A finished answer with its use of the KV cache. */
export interface EngineAnswer extends ChatAnswer {
  /** How many of them were in the KV cache. */
  readonly cachedTokens: number;
}
