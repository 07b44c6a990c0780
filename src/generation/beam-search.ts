import { freshSeed, type Random, xoshiro128 } from "../primitives/index.ts";
import { type LogitsProcessor, logSoftmax, penaltiesOf, warpersOf } from "./logits-processors.ts";
import type { GenerationSettings } from "./settings.ts";
import { suppressTokens } from "./suppress-tokens.ts";

/** A finished answer: BOS and the new tokens without the eos, and its score. */
export interface Hypothesis {
  readonly ids: readonly number[];
  /** Sum of the log probabilities / length ** lengthPenalty; the length counts BOS. */
  readonly score: number;
}

/** Where each beam of the next decode step comes from, and which token it adds. */
export interface BeamStep {
  readonly sources: readonly number[];
  readonly tokens: readonly number[];
}

interface Candidate {
  readonly source: number;
  readonly token: number;
  readonly score: number;
}

/**
 * Beam search for one prompt as transformers 4.28.1 does it (its BeamSearchScorer): twice as many candidates
 * as beams a step; an eos candidate ranked behind the beams is dropped; lengths count the BOS; at the maximum
 * length the open beams count as hypotheses too.
 *
 * With `doSample` the candidates are drawn instead of taken in order, as its beam_sample does it: temperature, top-k
 * and top-p act on the sums of log probabilities, as many candidates as above are drawn without replacement from all
 * beams together, and all beams may act in the first step.
 */
export class BeamSearch {
  readonly #settings: GenerationSettings;
  readonly #hypotheses: Hypothesis[] = [];
  #histories: number[][];
  #scores: Float32Array;
  #done = false;
  readonly #penalties: readonly LogitsProcessor[];
  readonly #warpers: readonly LogitsProcessor[];
  readonly #random: Random | undefined;

  constructor(settings: GenerationSettings) {
    const { numBeams, bosTokenId, doSample, seed } = settings;
    this.#settings = settings;
    this.#histories = Array.from({ length: numBeams }, () => [bosTokenId]);
    // All beams start equal: where nothing is drawn, only the first may act in the first step.
    this.#scores = new Float32Array(numBeams).fill(doSample ? 0 : -1e9, 1);
    this.#penalties = penaltiesOf(settings);
    this.#warpers = doSample ? warpersOf(settings, 2) : [];
    this.#random = doSample ? xoshiro128(seed ?? freshSeed()) : undefined;
  }

  /** Whether no further step is needed or allowed. */
  get done(): boolean {
    return this.#done || this.#histories[0].length > this.#settings.maxNewTokens;
  }

  /** Takes each beam's logits [vocabulary] (and changes them); returns how the beams go on. */
  advance(logits: readonly Float32Array[]): BeamStep {
    const candidates = this.#candidates(logits);
    const { numBeams, eosTokenIds } = this.#settings;
    const next: Candidate[] = [];
    for (const [rank, candidate] of candidates.entries()) {
      if (next.length === numBeams) break;
      if (!eosTokenIds.includes(candidate.token)) next.push(candidate);
      else if (rank < numBeams) this.#finish(this.#histories[candidate.source], candidate.score);
    }
    if (next.length < numBeams) {
      throw new RangeError(
        `beam search: ${numBeams} beams need as many tokens that are not an end of sequence, got ${next.length}; use fewer beams or eos ids`,
      );
    }
    this.#histories = next.map(({ source, token }) => [...this.#histories[source], token]);
    this.#scores = Float32Array.from(next, ({ score }) => score);
    this.#done = this.#isDone(candidates[0].score);
    return { sources: next.map(({ source }) => source), tokens: next.map(({ token }) => token) };
  }

  /** The tokens of each open beam. */
  get beams(): readonly (readonly number[])[] {
    return this.#histories.map((ids) => ids.slice(1));
  }

  /** All hypotheses, best first. Call it once, when the search is done. */
  hypotheses(): Hypothesis[] {
    if (!this.#done) {
      for (const [beam, ids] of this.#histories.entries()) this.#finish(ids, this.#scores[beam]);
    }
    return this.#hypotheses.toReversed().sort((a, b) => b.score - a.score);
  }

  #candidates(logits: readonly Float32Array[]): Candidate[] {
    // The reference takes twice as many as beams; more are only reached where several eos ids fill those.
    const { numBeams, eosTokenIds } = this.#settings;
    const best = new BestCandidates(numBeams * (1 + Math.max(1, eosTokenIds.length)));
    for (const [source, scores] of logits.entries()) {
      logSoftmax(scores);
      for (const process of this.#penalties) process(scores, this.#histories[source]);
      for (let token = 0; token < scores.length; token++) scores[token] += this.#scores[source];
      for (const process of this.#warpers) process(scores, this.#histories[source]);
      for (let token = 0; token < scores.length; token++) this.#offer(best, source, token, scores[token]);
    }
    return this.#random === undefined
      ? best.candidates
      : best.candidates.toSorted((a, b) => b.score - a.score);
  }

  #offer(best: BestCandidates, source: number, token: number, score: number): void {
    if (this.#random === undefined) best.offer(source, token, score, score);
    // The largest of the scores with Gumbel noise added are a draw without replacement (Vieira 2014).
    else if (score > -Infinity) best.offer(source, token, score, score + gumbel(this.#random));
  }

  #finish(ids: readonly number[], sum: number): void {
    const { numBeams, lengthPenalty } = this.#settings;
    const score = sum / ids.length ** lengthPenalty;
    const kept = this.#hypotheses;
    if (kept.length >= numBeams && score <= this.#worst()) return;
    kept.push({ ids, score });
    if (kept.length > numBeams)
      kept.splice(
        kept.findIndex((one) => one.score === this.#worst()),
        1,
      );
  }

  #worst(): number {
    return Math.min(...this.#hypotheses.map(({ score }) => score));
  }

  #isDone(bestCandidate: number): boolean {
    const { numBeams, earlyStopping, lengthPenalty } = this.#settings;
    if (this.#hypotheses.length < numBeams) return false;
    // The best running score is divided by the length with this step's token (that version adds one more for
    // every earlier unfinished prompt of a batch; here a batch changes nothing).
    return earlyStopping || this.#worst() >= bestCandidate / this.#histories[0].length ** lengthPenalty;
  }
}

/** Noise of the standard Gumbel distribution; finite, because half a step is added to the uniform number. */
function gumbel(random: Random): number {
  return -Math.log(-Math.log(random() + 2 ** -33));
}

/** The best few of many candidates by their rank, in descending order; of equals the earlier offered comes first. */
class BestCandidates {
  readonly candidates: Candidate[] = [];
  readonly #ranks: number[] = [];
  readonly #limit: number;
  #threshold = -Infinity;

  constructor(limit: number) {
    this.#limit = limit;
  }

  offer(source: number, token: number, score: number, rank: number): void {
    const ranks = this.#ranks;
    if (ranks.length === this.#limit && !(rank > this.#threshold)) return;
    let at = ranks.length;
    while (at > 0 && ranks[at - 1] < rank) at--;
    this.candidates.splice(at, 0, { source, token, score });
    ranks.splice(at, 0, rank);
    if (ranks.length > this.#limit) {
      this.candidates.pop();
      ranks.pop();
    }
    if (ranks.length === this.#limit) this.#threshold = ranks[this.#limit - 1];
  }
}

/** A row of a KV cache for each beam of a prompt. */
export interface BeamRows {
  /**
   * Row i goes on where row `sources[i]` was, by one token; returns the logits [vocabulary] after each row.
   *
   * @param beams the tokens of each row behind the prompt
   */
  advance(
    sources: readonly number[],
    beams: readonly (readonly number[])[],
  ): Promise<readonly Float32Array[]>;
}

/** How the beams of one prompt are decoded. */
export interface BeamSearchOptions {
  readonly settings: GenerationSettings;
  /** Ids that are never chosen. Default none. */
  readonly suppressedIds?: readonly number[] | undefined;
  /** Ends the search before its next decode step. */
  readonly signal?: AbortSignal | undefined;
}

/**
 * The new tokens of the best hypothesis, as the reference returns them: where it ended before the longest length, the
 * first of the eos ids closes it.
 *
 * @param rows hold the prompt for every beam
 * @param logits those after the prompt [vocabulary]
 */
export async function runBeamSearch(
  rows: BeamRows,
  logits: Float32Array,
  { settings, suppressedIds = [], signal }: BeamSearchOptions,
): Promise<number[]> {
  const { numBeams, maxNewTokens, eosTokenIds } = settings;
  const search = new BeamSearch(settings);
  let next: readonly Float32Array[] = Array.from({ length: numBeams }, () => logits.slice());
  for (;;) {
    for (const one of next) suppressTokens(one, suppressedIds, eosTokenIds);
    const { sources } = search.advance(next);
    if (search.done) break;
    signal?.throwIfAborted();
    next = await rows.advance(sources, search.beams);
  }
  const ids = search.hypotheses()[0].ids.slice(1);
  return ids.length < maxNewTokens ? [...ids, ...eosTokenIds.slice(0, 1)] : ids;
}
