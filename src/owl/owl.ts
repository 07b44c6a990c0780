import {
  type ChatAnswer,
  Engine,
  type EngineOptions,
  type GenerationRequest,
  type GenerationSettings,
  generateBatch,
  idsWithoutToken,
  type MakeConstraint,
  type TextOptions,
} from "../generation/index.ts";
import type { Prompt } from "../inference/index.ts";
import {
  type AttentionMaps,
  type ForwardResult,
  forward,
  type GradientResult,
  type ModelInputs,
  stageGradients,
} from "../inspection/index.ts";
import type { OwlConfig, Stage } from "../model/index.ts";
import { checkOptions, described } from "../platform/index.ts";
import { PromptError } from "../prompt/index.ts";
import type { Tokenizer } from "../tokenizer/index.ts";
import { type AttentionMapOptions, attentionOn, attentionRules, noTokenizer } from "./attention.ts";
import {
  type AnswerSettings,
  type ChatSettings,
  checkPromptOptions,
  conversationPrompt,
  conversationTiles,
  type PromptOptions,
  type TilesOf,
} from "./chat.ts";
import { type BatchSettings, type ChatAllSettings, readSettings } from "./chat-settings.ts";
import { type Conversation, messagesOf } from "./conversation.ts";
import { loadParts, type ModelInMemory, type OwlParts, partsInMemory } from "./load.ts";
import type { LoadOptions } from "./load-options.ts";
import type { ImageSource } from "./read-media.ts";
import { Reply } from "./reply.ts";

/**
 * A model directory in the published layout, ready to answer.
 *
 * ```ts
 * import { Owl } from "mplug-owl";
 *
 * const owl = await Owl.load();
 * for await (const piece of owl.chat("what do cats eat?")) process.stdout.write(piece);
 * await owl.close();
 * ```
 */
export class Owl {
  readonly #parts: OwlParts;
  #engine: Engine | undefined;

  private constructor(parts: OwlParts) {
    this.#parts = parts;
  }

  /**
   * Reads `config.json`, the weights, and, as far as they are there, the tokenizer, `generation_config.json` and
   * `preprocessor_config.json` of a model's directory.
   *
   * @param model a directory (a path or a `file:` URL), `"owl-nano"` (the model that comes with the package; also where
   *   nothing is said), or `"org/name"` for a repo of the hub that was fetched; in a browser an address
   * @throws an Error that names the file and everything in it that does not fit; OptionsError; HubError where there is
   *   no such model, with what fetches it
   */
  static async load(model?: string | URL, options: LoadOptions = {}): Promise<Owl> {
    return new Owl(await loadParts(model, options));
  }

  /**
   * An owl over a model that is in memory already; closing it closes the model.
   *
   * @internal
   */
  static over(model: ModelInMemory): Owl {
    return new Owl(partsInMemory(model));
  }

  /** Warnings of the loading: an adapter of another base model, generation settings that are not supported. */
  get warnings(): readonly string[] {
    return this.#parts.warnings;
  }

  /** The progress of the training run whose checkpoint was loaded; undefined for a finished model. */
  get progress(): { readonly step: number; readonly steps: number } | undefined {
    return this.#parts.progress;
  }

  /** Sizes of the model. */
  get config(): OwlConfig {
    return this.#parts.config;
  }

  /** The default generation settings: generation_config.json. */
  get defaults(): GenerationSettings {
    return this.#parts.defaults;
  }

  /** @throws Error where the directory has no tokenizer; ClosedError */
  get tokenizer(): Tokenizer {
    const { tokenizer, directory } = this.#open;
    if (tokenizer === undefined) throw noTokenizer(directory);
    return tokenizer;
  }

  /**
   * The model's answer to a conversation that ends with a user's message, as pieces of text while it is made. A
   * conversation that goes on from the last one computes only what is new, and no picture is encoded twice.
   *
   * Settings and messages are checked when the reply is first asked for text.
   *
   * @param conversation all messages so far; a text or a single message is a conversation that begins
   */
  chat(conversation: Conversation, settings: ChatSettings = {}): Reply {
    return new Reply(this.#stream(conversation, settings));
  }

  /** Answers to many conversations, many at once: the same answers as one by one, in a fraction of the time. */
  async chatAll(
    conversations: readonly Conversation[],
    settings: ChatAllSettings = {},
  ): Promise<ChatAnswer[]> {
    if (!Array.isArray(conversations)) {
      throw new PromptError(
        `chatAll: must be given a list of conversations, got ${described(conversations)}`,
      );
    }
    // Mistakes in settings are told before pictures are read.
    const { maxNewTokens } = readSettings(settings, this.#open.defaults, "chatAll");
    const { truncation = "auto", templateVariables, ...given } = settings;
    const options = { truncation, maxNewTokens, templateVariables, signal: given.signal };
    const prompts: Prompt[] = [];
    for (const conversation of conversations) prompts.push(await this.prompt(conversation, options));
    return this.generateBatch(prompts, given);
  }

  /**
   * A conversation as the model sees it: ids (−1 at the positions of pictures, −2 at those of videos) and pixels. A
   * model that takes no videos gets each as `framesPerVideo` numbered pictures, and the notes say so.
   *
   * @throws PromptError naming what is wrong with the messages, or a ContextLengthError; ImageError, VideoError, FileError;
   *   OptionsError; ClosedError
   */
  async prompt(conversation: Conversation, options: PromptOptions = {}): Promise<Prompt> {
    checkPromptOptions(options);
    const parts = { ...this.#open, tokenizer: this.tokenizer };
    return conversationPrompt(messagesOf(conversation), parts, options);
  }

  /**
   * How many tiles each picture of a conversation has, for what counts its positions; undefined where the model reads
   * pictures whole.
   *
   * @internal
   */
  async tilesOf(conversation: Conversation): Promise<TilesOf | undefined> {
    return conversationTiles(messagesOf(conversation), this.#open);
  }

  /** Continues one prompt. Without a tokenizer the answer's text is empty. */
  async generate(prompt: Prompt, settings: AnswerSettings = {}): Promise<ChatAnswer> {
    const complete = readSettings(settings, this.#open.defaults, "generate");
    const request = await this.#requestOf(complete, settings);
    const pieces = this.#pieces({ prompt, settings: complete, ...request });
    for (;;) {
      const { done, value } = await pieces.next();
      if (done) return value;
    }
  }

  /** Continues many prompts, `batchSize` (default 64) at a time: the same answers as one by one. */
  async generateBatch(prompts: readonly Prompt[], settings: BatchSettings = {}): Promise<ChatAnswer[]> {
    const complete = readSettings(settings, this.#open.defaults, "generateBatch");
    const request = await this.#requestOf(complete, settings);
    const { model } = this.#parts;
    const { batchSize } = settings;
    return this.#whileOpen(() =>
      generateBatch(model, textOptions(this.#parts), { prompts, settings: complete, batchSize, ...request }),
    );
  }

  /**
   * As {@link generateBatch}, but of the whole vocabulary: ids that stand for no token are chosen too, as other implementations do.
   *
   * @internal
   */
  async generateIds(prompts: readonly Prompt[], settings: GenerationSettings): Promise<ChatAnswer[]> {
    const { model } = this.#open;
    return this.#whileOpen(() => generateBatch(model, {}, { prompts, settings }));
  }

  /** An engine that answers many requests at the same time, as a server needs it. Close it before the owl. */
  engine(options: EngineOptions = {}): Engine {
    return new Engine(this.#open.model, textOptions(this.#parts), options);
  }

  /**
   * Attention maps on a picture: for each layer and head of the visual abstractor the attention probabilities of every visual token over the
   * patches; of a picture that is read in tiles those of the whole. Of a model without an abstractor (mPLUG-Owl3): for each
   * layer that looks at pictures those of the prompt's tokens behind the picture, put together from the squares that it is cut to. Of videos there
   * are no maps: give a frame as a picture.
   *
   * @throws PromptError, ContextLengthError, what reading the picture throws; OptionsError; ClosedError
   */
  async attention(picture: ImageSource, options: AttentionMapOptions = {}): Promise<AttentionMaps> {
    const parts = this.#open;
    checkOptions("attention", options, attentionRules);
    return this.#whileOpen(() => attentionOn(picture, parts, options));
  }

  /** One forward pass over whole rows: hidden states, visual tokens, logits and, where asked, the loss. */
  async forward(inputs: ModelInputs): Promise<ForwardResult> {
    return forward(this.#open.model, inputs);
  }

  /**
   * The loss of `inputs` and its gradient by every parameter that a stage trains. A LoRA's values are those of
   * the adapter the owl was loaded with.
   */
  async gradients(inputs: ModelInputs, stage: Stage): Promise<GradientResult> {
    const { config, base, adapter, model } = this.#open;
    return stageGradients(config, base, inputs, stage, adapter, model.device);
  }

  /** Releases the compiled programs; answers under way end with a ClosedError. To close twice is fine. */
  async close(): Promise<void> {
    this.#parts.pixelCache.clear();
    await this.#parts.model.close();
    await this.#engine?.close();
  }

  /** As {@link close}, for `await using owl = await Owl.load()`. */
  async [Symbol.asyncDispose](): Promise<void> {
    await this.close();
  }

  /** The parts. @throws ClosedError */
  get #open(): OwlParts {
    this.#parts.model.requireOpen();
    return this.#parts;
  }

  /** Runs a task; where it fails because the owl was closed meanwhile, throws a ClosedError instead. */
  async #whileOpen<T>(task: () => Promise<T>): Promise<T> {
    try {
      return await task();
    } catch (error) {
      this.#parts.model.requireOpen();
      throw error;
    }
  }

  async *#stream(conversation: Conversation, settings: ChatSettings): AsyncGenerator<string, ChatAnswer> {
    const complete = readSettings(settings, this.#open.defaults, "chat");
    const request = await this.#requestOf(complete, settings);
    const { maxNewTokens } = complete;
    const { truncation = "auto", templateVariables, signal } = settings;
    const options = { truncation, maxNewTokens, templateVariables, signal };
    const prompt = await this.prompt(conversation, options);
    return yield* this.#pieces({ prompt, settings: complete, ...request });
  }

  /** The text of an answer as it comes. Requests at the same time share one engine. */
  async *#pieces(request: GenerationRequest): AsyncGenerator<string, ChatAnswer> {
    this.#engine ??= Engine.offline(this.#open.model, textOptions(this.#parts));
    const pieces = this.#engine.generate(request);
    try {
      for (;;) {
        const { done, value } = await pieces.next();
        if (done) {
          const { cachedTokens, ...answer } = value;
          return answer;
        }
        if (value.text !== "") yield value.text;
      }
    } catch (error) {
      this.#parts.model.requireOpen();
      throw error;
    } finally {
      await pieces.return(undefined as never);
    }
  }

  /** @throws JsonSchemaError */
  async #requestOf(
    { eosTokenIds }: GenerationSettings,
    { signal, json = false }: AnswerSettings,
  ): Promise<Pick<GenerationRequest, "signal" | "constraint">> {
    if (json === false) return { signal };
    // Schemas and regular expressions are much to load for those who want none.
    const { jsonConstraint } = await import("../constraint/index.ts");
    const { tokenizer } = this;
    const constraint: MakeConstraint = (maxNewTokens) =>
      jsonConstraint(json === true ? undefined : json, tokenizer, { eosTokenIds, maxNewTokens });
    return { signal, constraint };
  }
}

/** What answers need of the tokenizer, where there is one. */
function textOptions({ tokenizer, config }: OwlParts): TextOptions {
  if (tokenizer === undefined) return {};
  return {
    textStream: tokenizer.stream,
    suppressedIds: idsWithoutToken(tokenizer, config.language.vocabulary),
  };
}
