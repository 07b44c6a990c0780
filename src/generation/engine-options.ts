import type { CacheStatistics } from "../inference/index.ts";
import { type OptionRules, option } from "../platform/index.ts";
import type { TextStream } from "../tokenizer/index.ts";

/** Bounds of an engine. */
export interface EngineOptions {
  /** Requests that run at once; further ones wait in order. Default 8. */
  readonly maxRunning?: number | undefined;
  /**
   * Positions of a prompt that are computed between two decode steps (chunked prefill); an odd number counts as the next.
   * Default 128.
   */
  readonly prefillChunk?: number | undefined;
  /**
   * Bytes of keys and values that the prefixes of ended sequences may take in the KV cache; 0 for none. Default: what two
   * of the longest conversations for each running request take, at most 2 GiB.
   */
  readonly keyValueCacheBytes?: number | undefined;
  /** Bytes of visual tokens that the model caches. Default: as it is, 68 MB from the start. */
  readonly visualCacheBytes?: number | undefined;
}

/** What an engine needs of a tokenizer. */
export interface TextOptions {
  /** Makes a new stream of text for an answer (`tokenizer.stream`); without it answers have ids only. */
  readonly textStream?: (() => TextStream) | undefined;
  /** Ids of the model that stand for no token; they are never chosen. Default none. */
  readonly suppressedIds?: readonly number[] | undefined;
}

/** What each of an engine's options must be. */
export const engineRules: OptionRules<EngineOptions> = {
  maxRunning: option.count,
  prefillChunk: option.count,
  keyValueCacheBytes: option.size,
  visualCacheBytes: option.size,
};

/** What an engine has done so far, and what it is doing. */
export interface EngineStatistics {
  /** Requests that run. */
  readonly running: number;
  /** Requests that wait for others to end. */
  readonly waiting: number;
  /** Requests that ended: with an answer, aborted, or failed. */
  readonly ended: number;
  /** Positions of all prompts so far, visual tokens included. */
  readonly promptTokens: number;
  /** How many of them were cached. */
  readonly cachedTokens: number;
  /** New tokens of all answers so far. */
  readonly generatedTokens: number;
  /** Decode steps, each of which added a token to every running sequence. */
  readonly decodeSteps: number;
  /** Prefills of a chunk of a prompt. */
  readonly prefillRuns: number;
  /** Prompts with a cached prefix, and those without. */
  readonly prefixCache: CacheStatistics;
  /** Images and videos whose visual tokens were cached, and those that were encoded; none within a cached prefix. */
  readonly visualCache: CacheStatistics;
}
