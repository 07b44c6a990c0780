import type { TokenConstraint } from "../constraint/index.ts";
import {
  checkPrompt,
  Decoder,
  type LoadedModel,
  type PositionKey,
  type Prompt,
  placedPictures,
  positionKeys,
} from "../inference/index.ts";
import type { TextStream } from "../tokenizer/index.ts";
import { type Answer, decodeBeams, decodeTogether, GrowingAnswer } from "./answer.ts";
import { roomySettings, withNotes } from "./answer-room.ts";
import type { GenerationSettings } from "./settings.ts";

export interface GeneratorOptions {
  /** Makes a new stream of text for an answer (`tokenizer.stream`); without it answers have ids only. */
  readonly textStream?: (() => TextStream) | undefined;
  /** Ids of the model that stand for no token; they are never chosen. Default none. */
  readonly tokenless?: readonly number[] | undefined;
}

/** What may go with a request for answers. */
export interface GeneratorRequest {
  /** Ends the answers before their next token. */
  readonly signal?: AbortSignal | undefined;
  /** Makes what says which tokens may come next, for one answer that has at most so many; absent: any may. */
  readonly constraint?: ((maxNewTokens: number) => TokenConstraint) | undefined;
}

/** How many answers a batch makes at once, where nothing is said. */
const batchSize = 64;

/** The KV cache of the last conversation and what its positions hold. */
interface Conversation {
  readonly decoder: Decoder;
  readonly keys: readonly (number | string)[];
}

/** Continues prompts. Answers may be asked for at the same time; each has its own state. */
export class Generator {
  readonly #model: LoadedModel;
  readonly #options: GeneratorOptions;
  #conversation: Conversation | undefined;

  constructor(model: LoadedModel, options: GeneratorOptions = {}) {
    this.#model = model;
    this.#options = options;
  }

  /** Positions of the last conversation that its KV cache holds. */
  get cachedPositions(): number {
    return this.#conversation?.keys.length ?? 0;
  }

  /**
   * An answer as pieces of text, and at the end as a whole. A prompt that begins as the last conversation did
   * only computes what is new (same ids, same pictures). With beams the text comes in one piece.
   *
   * @throws PromptError, SettingsError, or the signal's reason when it is aborted (seen before every token)
   */
  async *stream(
    prompt: Prompt,
    settings: GenerationSettings,
    request: GeneratorRequest = {},
  ): AsyncGenerator<string, Answer> {
    const { signal } = request;
    checkPrompt(prompt, this.#model.config);
    signal?.throwIfAborted();
    const allowed = roomySettings(settings, prompt, this.#model.config);
    const answer = this.#growing(allowed, request);
    const conversation = this.#takeConversation(prompt);
    const { decoder } = conversation;
    const logits = await decoder.prefill([prompt], conversation.reused);
    try {
      signal?.throwIfAborted();
      if (settings.numBeams > 1) {
        await this.#searchBeams(decoder, logits[0], allowed, answer, signal);
        const text = answer.takeText();
        if (text !== "") yield text;
      } else {
        for await (const _ of decodeTogether(decoder, logits, [answer], signal)) {
          const text = answer.takeText();
          if (text !== "") yield text;
        }
      }
      return withNotes(answer.result(), prompt, settings, this.#model.config);
    } finally {
      const keys = [...this.#keysOf(prompt), ...answer.result().ids];
      this.#conversation = { decoder, keys: keys.slice(0, decoder.lengths[0]) };
    }
  }

  /** A whole answer. See {@link stream}. */
  async answer(prompt: Prompt, settings: GenerationSettings, request?: GeneratorRequest): Promise<Answer> {
    const stream = this.stream(prompt, settings, request);
    for (;;) {
      const { done, value } = await stream.next();
      if (done) return value;
    }
  }

  /**
   * Answers to many prompts, many at once: the same answers as one by one. Prompts of like length go together.
   *
   * @param size answers made at once
   */
  async answerAll(
    prompts: readonly Prompt[],
    settings: GenerationSettings,
    request: GeneratorRequest = {},
    size = batchSize,
  ): Promise<Answer[]> {
    for (const prompt of prompts) checkPrompt(prompt, this.#model.config);
    const order = [...prompts.keys()].sort((a, b) => prompts[a].ids.length - prompts[b].ids.length);
    const answers: Answer[] = [];
    for (let at = 0; at < order.length; at += size) {
      const some = order.slice(at, at + size);
      request.signal?.throwIfAborted();
      const made = await this.#answerBatch(
        some.map((i) => prompts[i]),
        settings,
        request,
      );
      for (const [k, i] of some.entries()) answers[i] = made[k];
    }
    return answers;
  }

  async #answerBatch(
    prompts: readonly Prompt[],
    settings: GenerationSettings,
    request: GeneratorRequest,
  ): Promise<Answer[]> {
    const { signal } = request;
    const answers = prompts.map((prompt) =>
      this.#growing(roomySettings(settings, prompt, this.#model.config), request),
    );
    if (settings.numBeams > 1) {
      for (const [i, prompt] of prompts.entries()) {
        const decoder = new Decoder(this.#model, this.#model.newCache(1));
        const [logits] = await decoder.prefill([prompt]);
        await this.#searchBeams(
          decoder,
          logits,
          roomySettings(settings, prompt, this.#model.config),
          answers[i],
          signal,
        );
      }
    } else {
      const decoder = new Decoder(this.#model, this.#model.newCache(prompts.length));
      const logits = await decoder.prefill(prompts);
      for await (const _ of decodeTogether(decoder, logits, answers, signal)) void _;
    }
    return answers.map((answer, i) => withNotes(answer.result(), prompts[i], settings, this.#model.config));
  }

  async #searchBeams(
    decoder: Decoder,
    logits: Float32Array,
    settings: GenerationSettings,
    answer: GrowingAnswer,
    signal: AbortSignal | undefined,
  ): Promise<void> {
    const { tokenless } = this.#options;
    const beams = decoder.repeated(settings.numBeams);
    for (const id of await decodeBeams(beams, logits, settings, signal, tokenless)) {
      if (!answer.finished) answer.add(id);
    }
    if (!answer.finished) answer.end("end");
  }

  #growing(allowed: GenerationSettings, { constraint }: GeneratorRequest): GrowingAnswer {
    return new GrowingAnswer(allowed, {
      stream: this.#options.textStream?.(),
      tokenless: this.#options.tokenless,
      constraint: constraint?.(allowed.maxNewTokens),
    });
  }

  #keysOf(prompt: Prompt): PositionKey[] {
    return positionKeys(prompt.ids, placedPictures(prompt, this.#model.config));
  }

  /** The last conversation's cache, cut to what it has in common with the prompt; a new one if that is nothing. */
  #takeConversation(prompt: Prompt): { decoder: Decoder; reused: number } {
    const last = this.#conversation;
    this.#conversation = undefined;
    const keys = this.#keysOf(prompt);
    // At least one token must be computed, for its logits.
    const most = Math.min(last?.keys.length ?? 0, keys.length - 1);
    let reused = 0;
    while (reused < most && last?.keys[reused] === keys[reused]) reused++;
    if (last !== undefined && reused > 0) return { decoder: last.decoder, reused };
    return { decoder: new Decoder(this.#model, this.#model.newCache(1)), reused: 0 };
  }
}
