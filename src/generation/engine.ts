import type { TextStream } from "../tokenizer/index.ts";
import { decodeBeams, decodeTogether, GrowingAnswer } from "./answer.ts";
import { Decoder } from "./decoder.ts";
import type { LoadedModel } from "./loaded-model.ts";
import { checkPrompt } from "./prompt.ts";
import type { EngineAnswer, GenerationPiece, GenerationRequest } from "./request.ts";
import { SettingsError } from "./settings.ts";

/** Bounds of an engine. */
export interface EngineOptions {
  /** Answers that are made at once; further requests wait in order. Default 8. */
  readonly maxRunning?: number | undefined;
  /** Positions of a prompt that are computed between two steps of the running answers. Default 128. */
  readonly prefillChunk?: number | undefined;
  /** Bytes of keys and values that are kept of ended conversations. Default 256 MiB. */
  readonly keyValueCacheBytes?: number | undefined;
  /** Bytes of visual tokens that are kept. Default 64 MiB. */
  readonly visualCacheBytes?: number | undefined;
}

/** What a cache has done so far, and what it holds now. */
export interface CacheStatistics {
  readonly hits: number;
  readonly misses: number;
  readonly entries: number;
  readonly bytes: number;
}

/** What an engine has done so far, and what it is doing. */
export interface EngineStatistics {
  /** Requests whose answers are being made. */
  readonly running: number;
  /** Requests that wait for their turn. */
  readonly waiting: number;
  /** Requests that ended: with an answer, aborted, or failed. */
  readonly ended: number;
  /** Positions of all prompts so far, visual tokens included. */
  readonly promptTokens: number;
  /** How many of them were in the KV cache already. */
  readonly cachedTokens: number;
  /** New tokens of all answers so far. */
  readonly generatedTokens: number;
  /** Requests that began as a kept conversation does, and those that did not. */
  readonly prefixCache: CacheStatistics;
  /** Pictures and videos whose visual tokens were kept, and those that had to be encoded. */
  readonly visualCache: CacheStatistics;
}

const noCache: CacheStatistics = { hits: 0, misses: 0, entries: 0, bytes: 0 };

/** Makes answers for many who ask at the same time. */
export class Engine {
  readonly #model: LoadedModel;
  readonly #textStream: (() => TextStream) | undefined;
  #running = 0;
  #waiting = 0;
  #ended = 0;
  #promptTokens = 0;
  #generatedTokens = 0;
  #turn: Promise<void> = Promise.resolve();

  constructor(model: LoadedModel, textStream: (() => TextStream) | undefined, _options: EngineOptions = {}) {
    this.#model = model;
    this.#textStream = textStream;
  }

  get statistics(): EngineStatistics {
    return {
      running: this.#running,
      waiting: this.#waiting,
      ended: this.#ended,
      promptTokens: this.#promptTokens,
      cachedTokens: 0,
      generatedTokens: this.#generatedTokens,
      prefixCache: noCache,
      visualCache: noCache,
    };
  }

  /**
   * One answer, token by token. Nothing happens before it is iterated; one who stops iterating ends the answer.
   *
   * @throws PromptError, SettingsError, or the signal's reason when it is aborted
   */
  async *generate(request: GenerationRequest): AsyncGenerator<GenerationPiece, EngineAnswer> {
    checkRequest(request, this.#model);
    const before = this.#turn;
    let release = (): void => undefined;
    this.#turn = new Promise((resolve) => {
      release = resolve;
    });
    this.#waiting++;
    await before;
    this.#waiting--;
    this.#running++;
    try {
      return yield* this.#answer(request);
    } finally {
      this.#running--;
      this.#ended++;
      release();
    }
  }

  /** Waits for the answers under way. Later requests are errors. */
  async close(): Promise<void> {
    await this.#turn;
  }

  async *#answer(request: GenerationRequest): AsyncGenerator<GenerationPiece, EngineAnswer> {
    const { prompt, signal, constraint, topLogprobs } = request;
    signal?.throwIfAborted();
    const room = this.#model.config.language.maxPositions - prompt.ids.length + 1;
    const settings = { ...request.settings, maxNewTokens: Math.min(request.settings.maxNewTokens, room) };
    const answer = new GrowingAnswer(settings, { stream: this.#textStream?.(), constraint, topLogprobs });
    const decoder = new Decoder(this.#model, this.#model.newCache(1));
    const logits = await decoder.prefill([prompt]);
    this.#promptTokens += prompt.ids.length;
    signal?.throwIfAborted();
    if (settings.numBeams > 1) {
      for (const id of await decodeBeams(decoder, logits[0], settings, signal)) {
        if (!answer.finished) answer.add(id);
      }
      if (!answer.finished) answer.end("end");
      this.#generatedTokens += answer.length;
      yield { text: answer.takeText(), tokens: [] };
    } else {
      for await (const _ of decodeTogether(decoder, logits, [answer], signal)) {
        this.#generatedTokens++;
        yield { text: answer.takeText(), tokens: answer.takeReports() };
      }
    }
    const { notes } = prompt;
    return {
      ...answer.result(),
      ...(notes && { notes }),
      promptTokens: prompt.ids.length,
      cachedTokens: 0,
    };
  }
}

function checkRequest(
  { prompt, settings, constraint, topLogprobs }: GenerationRequest,
  model: LoadedModel,
): void {
  checkPrompt(prompt, model.config);
  if (settings.numBeams > 1 && (constraint !== undefined || topLogprobs !== undefined)) {
    throw new SettingsError(
      `request: a constraint and log-probabilities need one beam, got ${settings.numBeams}; set numBeams to 1`,
    );
  }
}
