import {
  type Adapter,
  loadAdapter,
  mergeLora,
  type NamedTensors,
  type OpenedCheckpoint,
  openFitting,
  openRun,
  type RunCheckpoint,
  readAll,
} from "../checkpoint/index.ts";
import { defaultFrames, type Fidelity, modelPreprocessor, type Preprocessor } from "../image/index.ts";
import { describeParameters, type OwlConfig, parseConfig, type Stage } from "../model/index.ts";
import { joinPath, pathKind } from "../platform/index.ts";
import { type DeviceOptions, openDevice, type StoredParameters } from "../runtime/index.ts";
import { loadTokenizer, type Tokenizer } from "../tokenizer/index.ts";
import type { Answer } from "./answer.ts";
import type { AttentionMaps } from "./attention-maps.ts";
import {
  type AnswerSettings,
  type ChatMessage,
  type ChatSettings,
  conversationPrompt,
  type PromptOptions,
} from "./chat.ts";
import { Engine, type EngineOptions } from "./engine.ts";
import { Generator, type GeneratorOptions, type GeneratorRequest } from "./generator.ts";
import { LoadedModel } from "./loaded-model.ts";
import {
  type ForwardResult,
  forward,
  type GradientResult,
  type ModelInputs,
  stageGradients,
} from "./numbers.ts";
import { type PictureSource, type ReadingLimits, readMedia } from "./picture-source.ts";
import type { Prompt } from "./prompt.ts";
import { Reply } from "./reply.ts";
import type { TokenConstraint } from "./request.ts";
import {
  completeSettings,
  type GenerationSettings,
  SettingsError,
  settingsFromGenerationConfig,
} from "./settings.ts";
import { areMappable, storedParameters } from "./stored-weights.ts";
import { tokenlessIds } from "./tokenless-ids.ts";

export interface LoadOptions {
  /** Where the model runs. Default "cpu". */
  readonly device?: DeviceOptions["device"] | undefined;
  /** Threads of the CPU kernels. Default: one for each processor. */
  readonly threads?: number | undefined;
  /** Whether idle threads wait by looping: faster on an idle machine, slower on a busy one. Default false. */
  readonly spinning?: boolean | undefined;
  /** How ONNX Runtime is reached; see `openDevice`. */
  readonly binding?: DeviceOptions["binding"] | undefined;
  /** A LoRA adapter: a directory as PEFT writes it, or its safetensors or `.bin` file. */
  readonly adapter?: string | undefined;
  /** `"reference"` reads pictures as the released code does, oddities included. Default `"default"`. */
  readonly fidelity?: Fidelity | undefined;
  /** Frames that the model sees of a video, spread over its length. Default 4, as in the released code. */
  readonly framesPerVideo?: number | undefined;
}

/** The parts an owl is made of. */
interface Parts {
  readonly directory: string;
  readonly config: OwlConfig;
  readonly base: NamedTensors;
  readonly adapter: Adapter | undefined;
  readonly model: LoadedModel;
  readonly tokenizer: Tokenizer | undefined;
  readonly preprocessor: Preprocessor;
  readonly defaults: GenerationSettings;
  readonly fidelity: Fidelity;
  readonly framesPerVideo: number;
  readonly progress: { readonly step: number; readonly steps: number } | undefined;
}

/**
 * A model directory in the published layout, ready to answer.
 *
 * ```ts
 * import { Owl } from "mplug-owl";
 *
 * const owl = await Owl.load("models/owl-nano");
 * const reply = owl.chat([{ role: "user", content: "what do cats eat?" }]);
 * for await (const piece of reply) process.stdout.write(piece);
 * await owl.close();
 * ```
 */
export class Owl {
  readonly #parts: Parts;
  readonly #generator: Generator;

  private constructor(parts: Parts) {
    this.#parts = parts;
    this.#generator = new Generator(parts.model, tokensOf(parts));
  }

  /**
   * Reads `config.json`, the weights, and, as far as they are there, the tokenizer, `generation_config.json` and
   * `preprocessor_config.json` of a directory.
   *
   * @throws an Error that names the file and everything in it that does not fit
   */
  static async load(directory: string, options: LoadOptions = {}): Promise<Owl> {
    const run = await runAt(directory);
    if (typeof run === "string") return Owl.load(run, options);
    const { adapter: adapterPath, fidelity = "default", device, threads, spinning, binding } = options;
    const { framesPerVideo = defaultFrames } = options;
    const opened = await openDevice({
      ...(device !== undefined && { device }),
      ...(threads !== undefined && { threads }),
      ...(spinning !== undefined && { spinning }),
      ...(binding !== undefined && { binding }),
    });
    if (run !== undefined && adapterPath !== undefined) throw unfinishedError(directory, adapterPath);
    const mapped = opened.copiesFeeds && adapterPath === undefined && run === undefined;
    const { checkpoint, config, base, stored } = await readModel(run?.base ?? directory, mapped);
    if (stored !== undefined && adapterPath !== undefined) throw adapterError(directory, adapterPath);
    const adapter = adapterPath === undefined ? run?.trained : await loadAdapter(adapterPath);
    const merged = adapter ? mergeLora(base, adapter, adapterPath ?? directory) : base;
    const model = new LoadedModel(config, merged, opened, stored);
    if (stored !== undefined) await model.ready();
    return new Owl({
      directory,
      config,
      base,
      adapter,
      model,
      tokenizer: await tokenizerIfThere(run?.settings ?? directory, adapter?.promptTemplate),
      preprocessor: modelPreprocessor(
        checkpoint.preprocessorConfig,
        config.vision.imageSize,
        checkpoint.preprocessorFile,
        config.video ? "crop" : "squeeze",
      ),
      defaults: defaultsOf(checkpoint, config),
      fidelity,
      framesPerVideo,
      progress: run && { step: run.step, steps: run.steps },
    });
  }

  /** Where an owl comes from a run that is not done, how far it is; else undefined. */
  get progress(): { readonly step: number; readonly steps: number } | undefined {
    return this.#parts.progress;
  }

  /** Sizes of the model. */
  get config(): OwlConfig {
    return this.#parts.config;
  }

  /** What settings are where a call says nothing: generation_config.json. */
  get defaults(): GenerationSettings {
    return this.#parts.defaults;
  }

  /** @throws Error where the directory has no tokenizer */
  get tokenizer(): Tokenizer {
    const { tokenizer, directory } = this.#parts;
    if (tokenizer === undefined) {
      throw new Error(
        `${directory}: must hold tokenizer.json or tokenizer.model to handle text, got neither`,
      );
    }
    return tokenizer;
  }

  /**
   * The model's answer to a conversation that ends with a user's message, as pieces of text while it is made. A
   * conversation that goes on from the last one computes only what is new, and no picture is encoded twice.
   *
   * Settings and messages are checked when the reply is first asked for text.
   */
  chat(messages: readonly ChatMessage[], settings: ChatSettings = {}): Reply {
    return new Reply(this.#stream(messages, settings));
  }

  /** Answers to many conversations, many at once: the same answers as one by one, in a fraction of the time. */
  async chatAll(
    conversations: readonly (readonly ChatMessage[])[],
    settings: ChatSettings = {},
  ): Promise<Answer[]> {
    const { truncation = "auto", ...given } = settings;
    const { maxNewTokens } = given;
    const prompts: Prompt[] = [];
    for (const messages of conversations) {
      prompts.push(await this.prompt(messages, { truncation, maxNewTokens }));
    }
    return this.generateBatch(prompts, given);
  }

  /**
   * A conversation as the model sees it: ids (−1 at the positions of pictures, −2 at those of videos) and pixels. A
   * model that takes no videos gets each as `framesPerVideo` numbered pictures, and the notes say so.
   */
  async prompt(messages: readonly ChatMessage[], options: PromptOptions = {}): Promise<Prompt> {
    return conversationPrompt(messages, { ...this.#parts, tokenizer: this.tokenizer }, options);
  }

  /** Continues one prompt. Without a tokenizer the answer's text is empty. */
  async generate(prompt: Prompt, settings: AnswerSettings = {}): Promise<Answer> {
    const { complete, request } = await this.#requestOf(settings);
    return this.#generator.answer(prompt, complete, request);
  }

  /** Continues many prompts, `batchSize` (default 64) at a time: the same answers as one by one. */
  async generateBatch(
    prompts: readonly Prompt[],
    settings: AnswerSettings & { readonly batchSize?: number } = {},
  ): Promise<Answer[]> {
    const { batchSize, ...given } = settings;
    const { complete, request } = await this.#requestOf(given);
    return this.#generator.answerAll(prompts, complete, request, batchSize);
  }

  /** Makes answers for many who ask at the same time, as a server needs it. Close it before the owl. */
  engine(options: EngineOptions = {}): Engine {
    return new Engine(this.#parts.model, tokensOf(this.#parts), options);
  }

  /**
   * Where the visual abstractor looks at a picture: for each of its layers and heads the share of the attention that
   * every visual token gives to every patch. Of videos there are no maps: give a frame as a picture.
   */
  async attention(picture: PictureSource, limits: ReadingLimits = {}): Promise<AttentionMaps> {
    const { model, preprocessor, fidelity, framesPerVideo } = this.#parts;
    const reading = { ...limits, preprocessor, fidelity, framesPerVideo };
    const [read] = await readMedia([{ type: "image", image: picture }], reading);
    return model.attention(read);
  }

  /** One forward pass over whole rows: hidden states, visual tokens, logits and, where asked, the loss. */
  async forward(inputs: ModelInputs): Promise<ForwardResult> {
    const { config, model } = this.#parts;
    return forward(config, model.parameters, inputs, model.device, model.stored);
  }

  /**
   * The loss of `inputs` and its gradient by every parameter that a stage trains. A LoRA's values are those of
   * the adapter the owl was loaded with.
   */
  async gradients(inputs: ModelInputs, stage: Stage): Promise<GradientResult> {
    const { config, base, adapter, model } = this.#parts;
    return stageGradients(config, base, inputs, stage, adapter, model.device);
  }

  /** Releases the compiled programs. Answers under way must have ended. */
  async close(): Promise<void> {
    await this.#parts.model.close();
  }

  async *#stream(
    messages: readonly ChatMessage[],
    { truncation = "auto", ...settings }: ChatSettings,
  ): AsyncGenerator<string, Answer> {
    const { complete, request } = await this.#requestOf(settings);
    const { maxNewTokens } = complete;
    const prompt = await this.prompt(messages, { truncation, maxNewTokens });
    return yield* this.#generator.stream(prompt, complete, request);
  }

  /** @throws SettingsError, JsonSchemaError */
  async #requestOf({ signal, json = false, ...given }: AnswerSettings): Promise<{
    readonly complete: GenerationSettings;
    readonly request: GeneratorRequest;
  }> {
    const complete = completeSettings(given, this.defaults);
    if (json === false) return { complete, request: { signal } };
    // Schemas and regular expressions are much to load for those who want none.
    const { jsonConstraint } = await import("../constraint/index.ts");
    const { tokenizer } = this;
    const { eosTokenIds } = complete;
    const constraint = (maxNewTokens: number): TokenConstraint =>
      jsonConstraint(json === true ? undefined : json, tokenizer, { eosTokenIds, maxNewTokens });
    return { complete, request: { signal, constraint } };
  }
}

/**
 * The settings and weights of a model directory, proven to fit each other before the weights are read. Those that are
 * quantised stay in their files, as do others with `mapped`, where their format allows it.
 */
async function readModel(
  directory: string,
  mapped: boolean,
): Promise<{
  checkpoint: OpenedCheckpoint;
  config: OwlConfig;
  base: NamedTensors;
  stored: StoredParameters | undefined;
}> {
  const { config, checkpoint } = await openFitting(directory, parseConfig, describeParameters);
  const { weights } = checkpoint;
  try {
    if (config.quantization !== undefined || (mapped && areMappable(weights))) {
      return { checkpoint, config, base: new Map(), stored: await storedParameters(weights) };
    }
    return { checkpoint, config, base: await readAll(weights), stored: undefined };
  } finally {
    await weights.close();
  }
}

/** What answers need of the tokenizer, where there is one. */
function tokensOf({ tokenizer, config }: Parts): GeneratorOptions {
  if (tokenizer === undefined) return {};
  return { textStream: tokenizer.stream, tokenless: tokenlessIds(tokenizer, config.language.vocabulary) };
}

/** A run's directory stands for its model, or for its last checkpoint; addresses are none. */
async function runAt(directory: string): Promise<string | RunCheckpoint | undefined> {
  return directory.includes("://") ? undefined : openRun(directory);
}

function unfinishedError(directory: string, adapter: string): Error {
  return new Error(
    `${adapter}: an adapter stands beside a model, got the checkpoint of a run that is not done, ${directory}; \`owl train RECIPE --resume\` finishes it`,
  );
}

function adapterError(directory: string, adapter: string): Error {
  return new Error(
    `${adapter}: an adapter needs weights in floating point, got the quantised ones of ${directory}; merge it into the checkpoint they were converted from and convert that`,
  );
}

/** An adapter that was taught by another template is asked by that one. */
async function tokenizerIfThere(directory: string, template: unknown): Promise<Tokenizer | undefined> {
  const settings = template === undefined ? {} : { prompt_template: template };
  for (const name of ["tokenizer.json", "tokenizer.model"]) {
    if ((await pathKind(joinPath(directory, name))) === "file") return loadTokenizer(directory, settings);
  }
  return undefined;
}

/** What generation_config.json says, over the special ids of config.json. */
function defaultsOf(checkpoint: OpenedCheckpoint, { language }: OwlConfig): GenerationSettings {
  const { generationConfig, directory } = checkpoint;
  const where = joinPath(directory, "generation_config.json");
  if (generationConfig !== undefined && (typeof generationConfig !== "object" || generationConfig === null)) {
    throw new SettingsError(
      `${where}: must be a JSON object, got ${JSON.stringify(generationConfig).slice(0, 40)}`,
    );
  }
  const ids = {
    bos_token_id: language.bosId,
    eos_token_id: [language.eosId, ...(language.otherEosIds ?? [])],
    pad_token_id: language.padId,
  };
  const said = Object.entries(generationConfig ?? {}).filter(([, value]) => value !== null);
  return settingsFromGenerationConfig({ ...ids, ...Object.fromEntries(said) }, where);
}
