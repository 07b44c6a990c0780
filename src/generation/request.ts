import type { TokenConstraint } from "../constraint/index.ts";
import type { Prompt } from "../inference/index.ts";
import type { GenerationSettings } from "./settings.ts";

export type { TokenConstraint };

/** Makes the constraint of one answer. */
export type MakeConstraint = (maxNewTokens: number) => TokenConstraint;

/** One answer that an engine is asked for. */
export interface GenerationRequest {
  readonly prompt: Prompt;
  readonly settings: GenerationSettings;
  /** Ends the answer before its next token; the iteration then throws the signal's reason. */
  readonly signal?: AbortSignal | undefined;
  /** Makes what says which tokens may come next, for an answer of at most so many tokens. Absent: any may. */
  readonly constraint?: MakeConstraint | undefined;
  /** Reports each token's log-probability and those of so many likeliest ones (0 for none of these). Absent: no report. */
  readonly topLogprobs?: number | undefined;
}

/** A token and the natural logarithm of its probability under the model, before penalties, temperature and constraints. */
export interface TokenLogprob {
  readonly id: number;
  readonly logprob: number;
}

/** A new token of an answer with the likeliest tokens at its place, best first. */
export interface ReportedToken extends TokenLogprob {
  readonly top: readonly TokenLogprob[];
}

/** What came with one step: text of whole characters (empty while one is unfinished) and, where asked, its tokens. */
export interface GenerationPiece {
  readonly text: string;
  readonly tokens: readonly ReportedToken[];
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
  /** What should be known about how the question was put to the model; absent: nothing. */
  readonly notes?: readonly string[] | undefined;
}

/** A finished answer with what it cost. */
export interface EngineAnswer extends Answer {
  /** Positions of the prompt, visual tokens included. */
  readonly promptTokens: number;
  /** How many of them were in the KV cache already. */
  readonly cachedTokens: number;
}
