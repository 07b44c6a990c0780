import type { TextStream } from "../tokenizer/index.ts";
import { tokenLogprobs } from "./logprobs.ts";
import type { Answer, FinishReason, SampledToken, TokenConstraint } from "./request.ts";
import { argmax, type Sampler, samplerOf } from "./sampler.ts";
import { type GenerationSettings, SettingsError } from "./settings.ts";
import { StopStrings } from "./stop-strings.ts";
import { suppressTokens } from "./suppress-tokens.ts";

/** What a sequence needs beside its settings. */
export interface SequenceOptions {
  /** Turns its tokens into text; without it the text stays empty. */
  readonly stream?: TextStream | undefined;
  /** Ids that are never sampled and never reported, because they stand for no token. */
  readonly suppressedIds?: readonly number[] | undefined;
  /** Which tokens may come next. Default: any. */
  readonly constraint?: TokenConstraint | undefined;
  /** Reports the log-probability of each token and of so many likeliest ones in its place. Default: no report. */
  readonly topLogprobs?: number | undefined;
}

/** The state of one sequence that is being generated: its tokens and text so far, its sampler, why it has finished. */
export class SequenceState {
  readonly #settings: GenerationSettings;
  readonly #sampler: Sampler;
  readonly #history: number[];
  readonly #options: SequenceOptions;
  readonly #stops: StopStrings;
  #text = "";
  #unread = "";
  #logprobs: SampledToken[] = [];
  #finish: FinishReason | undefined;

  /** @throws SettingsError where the options need one beam and there are several */
  constructor(settings: GenerationSettings, options: SequenceOptions) {
    const { constraint, topLogprobs } = options;
    if (settings.numBeams > 1 && (constraint !== undefined || topLogprobs !== undefined)) {
      throw new SettingsError(
        `numBeams: a constraint and log-probabilities need one beam, got ${settings.numBeams}; set it to 1`,
      );
    }
    this.#settings = settings;
    this.#sampler = samplerOf(settings);
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

  /** Samples the next token from its logits, which are overwritten. */
  sampleNext(logits: Float32Array): void {
    const { constraint, topLogprobs, suppressedIds = [] } = this.#options;
    suppressTokens(logits, suppressedIds, this.#settings.eosTokenIds);
    const original = topLogprobs === undefined ? undefined : logits.slice();
    const isUnconstrained = constraint === undefined && suppressedIds.length === 0;
    const id = isUnconstrained ? this.#sampler(logits, this.#history) : this.#sampleConstrained(logits);
    constraint?.accept(id);
    if (original !== undefined) this.#logprobs.push(tokenLogprobs(original, id, topLogprobs!));
    this.append(id);
  }

  /** A token that the constraint allows, also where penalties leave none of these. */
  #sampleConstrained(logits: Float32Array): number {
    this.#options.constraint?.forbid(logits);
    const allowed = logits.slice();
    const id = this.#sampler(logits, this.#history);
    return allowed[id] > -Infinity ? id : argmax(allowed);
  }

  /** Appends a token that was sampled or found by beam search. */
  append(id: number): void {
    const { eosTokenIds, maxNewTokens } = this.#settings;
    this.#history.push(id);
    const isEos = eosTokenIds.includes(id);
    if (!isEos) this.#addText(this.#stops.push(this.#options.stream?.push(id) ?? ""));
    if (this.#stops.found) this.#finish = "stop";
    else if (isEos) this.finish("end");
    else if (this.#history.length > maxNewTokens) this.finish("length");
  }

  /** Ends the sequence: no token follows. */
  finish(reason: FinishReason): void {
    this.#addText(this.#stops.push(this.#options.stream?.end() ?? ""));
    this.#addText(this.#stops.end());
    this.#finish = this.#stops.found ? "stop" : reason;
  }

  /** The text since the last call. */
  takeText(): string {
    const text = this.#unread;
    this.#unread = "";
    return text;
  }

  /** The log-probabilities of the tokens since the last call. */
  takeLogprobs(): SampledToken[] {
    const logprobs = this.#logprobs;
    this.#logprobs = [];
    return logprobs;
  }

  /** Its tokens. */
  get ids(): readonly number[] {
    return this.#history.slice(1);
  }

  /** How many tokens it has. */
  get length(): number {
    return this.#history.length - 1;
  }

  /** The answer, once it is finished. */
  result(): Answer {
    return { ids: this.ids, text: this.#text, finishReason: this.#finish ?? "length" };
  }

  #addText(text: string): void {
    this.#text += text;
    this.#unread += text;
  }
}
