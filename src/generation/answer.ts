import type { Decoder } from "../inference/index.ts";
import type { TextStream } from "../tokenizer/index.ts";
import { BeamSearch } from "./beam-search.ts";
import type { Answer, FinishReason, ReportedToken, TokenConstraint } from "./request.ts";
import { type GenerationSettings, SettingsError } from "./settings.ts";
import { StopStrings } from "./stop-strings.ts";
import { highest, type TokenChoice, tokenChoice } from "./token-choice.ts";
import { reportToken } from "./token-report.ts";
import { forbidIds } from "./tokenless-ids.ts";

export type { Answer, FinishReason } from "./request.ts";

/** What an answer needs beside its settings. */
export interface AnswerOptions {
  /** Turns its tokens into text; without it the text stays empty. */
  readonly stream?: TextStream | undefined;
  /** Ids that are never chosen and in no report, because they stand for no token. */
  readonly tokenless?: readonly number[] | undefined;
  /** Which tokens may come next; absent: any. */
  readonly constraint?: TokenConstraint | undefined;
  /** Reports each token's log-probability and those of so many likeliest ones; absent: no report. */
  readonly topLogprobs?: number | undefined;
}

/** One answer on its way: chooses its tokens, turns them into text, knows when it ends. */
export class GrowingAnswer {
  readonly #settings: GenerationSettings;
  readonly #choice: TokenChoice;
  readonly #history: number[];
  readonly #options: AnswerOptions;
  readonly #stops: StopStrings;
  #text = "";
  #fresh = "";
  #reports: ReportedToken[] = [];
  #finish: FinishReason | undefined;

  /** @throws SettingsError where the options need one beam and there are several */
  constructor(settings: GenerationSettings, options: AnswerOptions) {
    const { constraint, topLogprobs } = options;
    if (settings.numBeams > 1 && (constraint !== undefined || topLogprobs !== undefined)) {
      throw new SettingsError(
        `numBeams: a constraint and log-probabilities need one beam, got ${settings.numBeams}; set it to 1`,
      );
    }
    this.#settings = settings;
    this.#choice = tokenChoice(settings);
    this.#history = [settings.bosTokenId];
    this.#options = options;
    this.#stops = new StopStrings(settings.stop);
  }

  get finished(): boolean {
    return this.#finish !== undefined;
  }

  get lastToken(): number {
    return this.#history[this.#history.length - 1];
  }

  /** The next token, chosen from its logits (which are overwritten). */
  choose(logits: Float32Array): void {
    const { constraint, topLogprobs, tokenless = [] } = this.#options;
    forbidIds(logits, tokenless, this.#settings.eosTokenIds);
    const original = topLogprobs === undefined ? undefined : logits.slice();
    const isFree = constraint === undefined && tokenless.length === 0;
    const id = isFree ? this.#choice(logits, this.#history) : this.#constrained(logits);
    constraint?.accept(id);
    if (original !== undefined) this.#reports.push(reportToken(original, id, topLogprobs!));
    this.add(id);
  }

  /** A token that is allowed, also where a penalty removes every one of these. */
  #constrained(logits: Float32Array): number {
    this.#options.constraint?.forbid(logits);
    const allowed = logits.slice();
    const id = this.#choice(logits, this.#history);
    return allowed[id] > -Infinity ? id : highest(allowed);
  }

  /** Takes a token as the next one. */
  add(id: number): void {
    const { eosTokenIds, maxNewTokens } = this.#settings;
    this.#history.push(id);
    const isEnd = eosTokenIds.includes(id);
    if (!isEnd) this.#show(this.#stops.push(this.#options.stream?.push(id) ?? ""));
    if (this.#stops.found) this.#finish = "stop";
    else if (isEnd) this.end("end");
    else if (this.#history.length > maxNewTokens) this.end("length");
  }

  /** No more tokens come. */
  end(reason: FinishReason): void {
    this.#show(this.#stops.push(this.#options.stream?.end() ?? ""));
    this.#show(this.#stops.end());
    this.#finish = this.#stops.found ? "stop" : reason;
  }

  /** The text that has come since the last call. */
  takeText(): string {
    const text = this.#fresh;
    this.#fresh = "";
    return text;
  }

  /** The reports of the tokens that have come since the last call. */
  takeReports(): ReportedToken[] {
    const reports = this.#reports;
    this.#reports = [];
    return reports;
  }

  /** How many tokens there are. */
  get length(): number {
    return this.#history.length - 1;
  }

  /** The answer, once it is finished. */
  result(): Answer {
    return { ids: this.#history.slice(1), text: this.#text, finishReason: this.#finish ?? "length" };
  }

  #show(text: string): void {
    this.#text += text;
    this.#fresh += text;
  }
}

/**
 * The best answer of a beam search as the reference returns it: where it ended before the longest length, the
 * first of the eos ids closes it. `logits` are the prompt's; every row of `beams` holds the prompt. `tokenless` ids are
 * never chosen.
 */
export async function decodeBeams(
  beams: Decoder,
  logits: Float32Array,
  settings: GenerationSettings,
  signal: AbortSignal | undefined,
  tokenless: readonly number[] = [],
): Promise<number[]> {
  const { numBeams, maxNewTokens, eosTokenIds } = settings;
  const search = new BeamSearch(settings);
  let next: readonly Float32Array[] = Array.from({ length: numBeams }, () => logits.slice());
  for (;;) {
    for (const one of next) forbidIds(one, tokenless, eosTokenIds);
    const { sources, tokens } = search.advance(next);
    if (search.done) break;
    beams.select(sources);
    signal?.throwIfAborted();
    next = await beams.decode(tokens);
  }
  const ids = search.hypotheses()[0].ids.slice(1);
  return ids.length < maxNewTokens ? [...ids, ...eosTokenIds.slice(0, 1)] : ids;
}
