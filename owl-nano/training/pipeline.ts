import { existsSync, mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { availableParallelism } from "node:os";
import { join } from "node:path";
import {
  adapterFrom,
  mergeLora,
  readSafetensors,
  type StateDict,
  saveCheckpoint,
} from "../../src/checkpoint/index.ts";
import {
  denseReader,
  mix,
  type Reader,
  type RowEncoder,
  type TokenBatch,
  tokenReader,
} from "../../src/data/index.ts";
import { CLIP_PREPROCESSOR, publishedPreprocessor, toPixelValues } from "../../src/image/index.ts";
import { configJson, type OwlConfig, patchCount, tokensPerImage } from "../../src/model/index.ts";
import { encodeCaption, encodePlainText, encodeTrainingSample } from "../../src/prompt/index.ts";
import { type Device, openDevice } from "../../src/runtime/index.ts";
import { allocate, type HostTensor } from "../../src/tensor/index.ts";
import {
  createTokenizer,
  type Tokenizer,
  type TokenizerJson,
  trainTokenizer,
} from "../../src/tokenizer/index.ts";
import {
  accumulationSteps,
  createTrainer,
  denseObjective,
  languageObjective,
  type Objective,
  openReplicas,
  type TrainingBatch,
  type TrainingEvent,
  type TrainingOutcome,
  type TrainingRecipe,
  train,
} from "../../src/training/index.ts";
import { COLORS } from "../concepts/colors.ts";
import type { Concept } from "../concepts/concepts.ts";
import { renderPicture, TRAINING_PICTURES } from "../pictures/pictures.ts";
import { randomFor } from "../random.ts";
import type { StageName } from "../recipes.ts";
import { caption, type Scene, sampleScene } from "../texts/captions.ts";
import { languageText } from "../texts/language-texts.ts";
import { initialiseAbstractor } from "./abstractor-initialisation.ts";
import {
  captionSource,
  languageSource,
  type Material,
  pictureDialogueSource,
  textDialogueSource,
  visionSource,
} from "./sources.ts";

/** A model to be trained from nothing: sizes, recipes, what it learns from, and where its stages are kept. */
export interface Plan {
  readonly config: OwlConfig;
  readonly recipes: Readonly<Record<StageName, TrainingRecipe>>;
  readonly material: Material;
  readonly tokenizerTexts: number;
  /** Whether stage 1 begins with `initialiseAbstractor`'s weights; a weakly trained head is no good initialisation. */
  readonly initialisesAbstractor: boolean;
  readonly directory: string;
}

export interface StageOptions {
  readonly threads?: number;
  readonly signal?: AbortSignal;
  readonly onEvent?: (event: TrainingEvent) => void;
}

/** A conversation begins so; other texts are plain. */
const CONVERSATION = /^Human: /;

/** No system sentence, and pieces cut at turns in use as in training. */
const TEMPLATE = { system: "", cut: "turns" } as const;

/** The tokenizer of a plan, learnt from a sample of the language stage's texts the first time. */
export function planTokenizer({ directory, config, recipes, material, tokenizerTexts }: Plan): Tokenizer {
  const path = join(directory, "tokenizer.json");
  if (!existsSync(path)) {
    const seed = recipes.language.seed + 1;
    const texts = Array.from({ length: tokenizerTexts }, (_, i) => languageText(material.concepts, seed, i));
    const json = trainTokenizer(texts, { vocabularySize: config.language.vocabulary });
    mkdirSync(directory, { recursive: true });
    writeFileSync(path, `${JSON.stringify(json)}\n`);
  }
  return createTokenizer(JSON.parse(readFileSync(path, "utf8")) as TokenizerJson, {
    prompt_template: TEMPLATE,
  });
}

/** Pixels as the model takes them. */
export function preprocessor(config: OwlConfig): typeof CLIP_PREPROCESSOR {
  return { ...CLIP_PREPROCESSOR, size: config.vision.imageSize };
}

/** Where a stage's state is kept. */
export function stageDirectory(plan: Plan, stage: StageName): string {
  return join(plan.directory, stage);
}

async function trainedIn(plan: Plan, stage: StageName): Promise<StateDict> {
  const path = join(stageDirectory(plan, stage), "state", "model.safetensors");
  if (!existsSync(path))
    throw new Error(`owl-nano: stage "${stage}" must be trained first; ${path} is not there`);
  return readSafetensors(path);
}

/** What earlier stages learnt; later ones win. */
async function weightsBefore(plan: Plan, stage: StageName): Promise<StateDict> {
  const before: Readonly<Record<StageName, readonly StageName[]>> = {
    language: [],
    vision: [],
    align: ["language", "vision"],
    instruct: ["language", "align"],
  };
  const parts = await Promise.all(before[stage].map((earlier) => trainedIn(plan, earlier)));
  return new Map(parts.flatMap((tensors) => [...tensors]));
}

/** Pictures that the abstractor's initialisation is fitted to. */
const INITIALISATION_PICTURES = 640;

/** The abstractor's initialisation from stage V's head. */
async function initialisedAbstractor(plan: Plan, weights: StateDict, device: Device): Promise<StateDict> {
  const { config, material, recipes } = plan;
  const { seed } = recipes.align;
  const tokenizer = planTokenizer(plan);
  const scene = (things: readonly Concept[], color: number): Scene => ({ things, color });
  const at = (text: Scene, place: number): number =>
    encodeCaption(caption(text), tokenizer, {
      maxLength: 64,
      tokensPerImage: tokensPerImage(config),
      where: "first reading",
    }).ids.at(place)!;
  const [first] = material.concepts;
  const pictures = Array.from({ length: INITIALISATION_PICTURES }, (_, i) => {
    const random = randomFor(seed, "first reading", i + 1);
    return renderPicture(
      sampleScene(material.concepts, 0, random),
      material.designs,
      TRAINING_PICTURES,
      random,
    );
  });
  const pixels = preprocessor(config);
  return initialiseAbstractor(
    {
      config,
      weights,
      pictures,
      pixelsOf: (picture) => toPixelValues(picture, pixels),
      words: [
        // "a dog on a blue background.": the name behind the picture and the article, the color before the noun.
        ...COLORS.map((_, row) => ({ row, token: at(scene([first], row), -4) })),
        ...material.concepts.map((concept) => ({
          row: COLORS.length + concept.index,
          token: at(scene([concept], 0), tokensPerImage(config) + 2),
        })),
      ],
      seed,
    },
    device,
  );
}

/** Rows of the embedding table that stand for special tokens and single bytes; text hardly uses them. */
const BYTE_ROWS = 259;

/**
 * A fresh `visual_fc` whose outputs are as large as the trained word embeddings. At the usual deviation they would be five times
 * larger, and the frozen layers, which add to them, would hardly be heard at the visual positions.
 */
function matchedProjection(
  { vision, language }: OwlConfig,
  embeddings: HostTensor,
  seed: number,
): HostTensor {
  const words = (embeddings.data as Float32Array).subarray(BYTE_ROWS * language.hidden);
  const size = Math.sqrt(words.reduce((sum, value) => sum + value * value, 0) / words.length);
  const projection = allocate("float32", [language.hidden, vision.hidden]);
  const random = randomFor(seed, "visual_fc", 0);
  // Uniform numbers of this bound have the deviation size / √width; the abstractor's outputs are of size one.
  const bound = (size / Math.sqrt(vision.hidden)) * Math.sqrt(3);
  for (let i = 0; i < projection.data.length; i++) projection.data[i] = random.range(-bound, bound);
  return projection;
}

/** The abstractor's weights at the beginning of stage 1 that are not random. */
async function initialAbstractor(plan: Plan, weights: StateDict, device: Device): Promise<StateDict> {
  if (plan.initialisesAbstractor) return initialisedAbstractor(plan, weights, device);
  const embeddings = weights.get("language_model.model.embed_tokens.weight")!;
  const projection = matchedProjection(plan.config, embeddings, plan.recipes.align.seed);
  return new Map([["abstractor.visual_fc.weight", projection]]);
}

/** Stage 1 learns captions; elsewhere a text is a conversation or plain, as it begins. */
function rowEncoder(plan: Plan, tokenizer: Tokenizer, stage: StageName): RowEncoder {
  const options = { maxLength: plan.recipes[stage].maxTokens, tokensPerImage: tokensPerImage(plan.config) };
  const pixels = preprocessor(plan.config);
  return ({ text, images }, _index, name) => {
    const where = { ...options, where: name };
    const sample =
      stage === "align"
        ? encodeCaption(text, tokenizer, where)
        : CONVERSATION.test(text)
          ? encodeTrainingSample(text, tokenizer, where)
          : encodePlainText(text, tokenizer, options);
    const { ids, lossMask, spans } = sample;
    return { ids, lossMask, spans, pixels: images.map((image) => toPixelValues(image, pixels)), name };
  };
}

function tokenBatches(plan: Plan, stage: Exclude<StageName, "vision">): Reader<TokenBatch> {
  const { material, config } = plan;
  const { batch, microBatch = batch, seed, maxTokens } = plan.recipes[stage];
  const half = batch / 2;
  const sources = {
    language: () => languageSource(material.concepts, seed, batch),
    align: () => captionSource(material, seed),
    instruct: () =>
      mix(
        [textDialogueSource(material.concepts, seed, half), pictureDialogueSource(material, seed, half)],
        [1, 1],
      ),
  };
  return tokenReader(sources[stage](), {
    batch,
    microBatch,
    tokensPerImage: tokensPerImage(config),
    imageSize: config.vision.imageSize,
    // Few different sizes: each is a program to compile.
    rounding: { tokens: stage === "align" ? 8 : 32, maxTokens, losses: microBatch * 16 },
    encode: rowEncoder(plan, planTokenizer(plan), stage),
  });
}

interface StageSetup<S> {
  readonly objective: Objective<S>;
  readonly reader: Reader<TrainingBatch<S>>;
}

async function run<S>(
  plan: Plan,
  stage: StageName,
  course: StageSetup<S>,
  options: StageOptions,
): Promise<TrainingOutcome> {
  const recipe = plan.recipes[stage];
  const threads = options.threads ?? availableParallelism();
  const device = await openDevice({ threads });
  const weights = await weightsBefore(plan, stage);
  if (stage === "align")
    for (const [name, tensor] of await initialAbstractor(plan, weights, device)) weights.set(name, tensor);
  const replicas = await openReplicas(recipe, Math.min(threads, accumulationSteps(recipe)), { threads });
  const trainer = await createTrainer({ replicas, objective: course.objective, recipe, weights });
  try {
    return await train({
      trainer,
      recipe,
      reader: course.reader,
      directory: stageDirectory(plan, stage),
      resume: true,
      ...(options.signal === undefined ? {} : { signal: options.signal }),
      ...(options.onEvent === undefined ? {} : { onEvent: options.onEvent }),
    });
  } finally {
    trainer.dispose();
  }
}

/** Trains one stage, from where it stopped if it did; a finished one is left alone. */
export async function trainStage(
  plan: Plan,
  stage: StageName,
  options: StageOptions = {},
): Promise<TrainingOutcome> {
  const { config, material, recipes } = plan;
  if (stage !== "vision") {
    const course = {
      objective: languageObjective(config, recipes[stage]),
      reader: tokenBatches(plan, stage),
    };
    return run(plan, stage, course, options);
  }
  const { batch, microBatch, seed } = recipes.vision;
  const source = visionSource(material, seed);
  const pixels = preprocessor(config);
  const reader = denseReader(source, {
    batch,
    microBatch,
    imageSize: config.vision.imageSize,
    patches: patchCount(config.vision),
    encode: ({ image, labels }) => ({ pixels: toPixelValues(image, pixels), labels }),
  });
  return run(plan, stage, { objective: denseObjective(config, source.classes), reader }, options);
}

/** The weights after a stage: LoRA merged, the throw-away head of stage V left out. */
export async function weightsAfter(plan: Plan, stage: "align" | "instruct"): Promise<StateDict> {
  const base = new Map([...(await weightsBefore(plan, "align")), ...(await trainedIn(plan, "align"))]);
  for (const name of base.keys()) if (name.startsWith("dense_head.")) base.delete(name);
  if (stage === "align") return base;
  const { lora } = plan.recipes.instruct;
  if (lora === undefined) throw new Error("stage 2: its recipe must have lora, got none");
  const adapter = adapterFrom(await trainedIn(plan, "instruct"), undefined, "stage 2");
  return mergeLora(base, { ...adapter, settings: { ...adapter.settings, alpha: lora.alpha } });
}

/** Writes the model directory in the published layout: float16 weights, config, tokenizer, preprocessor. */
export async function saveModel(plan: Plan, directory: string): Promise<void> {
  const tokenizer = planTokenizer(plan);
  await saveCheckpoint(directory, {
    config: { ...configJson(plan.config), torch_dtype: "float16" },
    tensors: await weightsAfter(plan, "instruct"),
    floatType: "F16",
    generationConfig: {
      max_new_tokens: 64,
      do_sample: false,
      bos_token_id: 1,
      eos_token_id: 2,
      pad_token_id: 0,
    },
    preprocessorConfig: publishedPreprocessor(preprocessor(plan.config)),
    files: {
      "tokenizer.json": `${JSON.stringify(tokenizer.json)}\n`,
      "tokenizer_config.json": `${JSON.stringify(tokenizer.configuration, null, 2)}\n`,
    },
  });
}
