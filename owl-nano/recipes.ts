import type { OwlConfig } from "../src/model/index.ts";
import type { TrainingRecipe } from "../src/training/index.ts";

/** Entries of the tokenizer: all that the language stage's words need; every name but "ice cream" is one token. */
export const VOCABULARY = 1536;

/** Texts that the tokenizer is learnt from. */
export const TOKENIZER_TEXTS = 20_000;

/** The seed of data and parameters of every stage. */
export const SEED = 20230427;

/**
 * owl-nano: 64-pixel pictures, a ViT of 1.3 M parameters, an abstractor of 0.7 M, a LLaMA of 2.4 M: 9 MB in float16.
 * Seeing is the bottleneck within the two hours: a fifth layer would see a fifth fewer pictures; 550 facts and a grammar need no larger language model.
 */
export const OWL_NANO: OwlConfig = {
  vision: {
    tower: "clip",
    hidden: 160,
    layers: 4,
    heads: 5,
    intermediate: 640,
    imageSize: 64,
    patchSize: 8,
    epsilon: 1e-6,
    initializerRange: 0.02,
  },
  // Twelve queries: one or two things and a color; more would cost time in every stage that reads them.
  abstractor: { hidden: 160, layers: 2, heads: 5, intermediate: 448, epsilon: 1e-6, initializerRange: 0.02 },
  language: {
    family: "llama",
    hidden: 192,
    layers: 4,
    heads: 6,
    keyValueHeads: 6,
    headDim: 32,
    intermediate: 512,
    vocabulary: VOCABULARY,
    epsilon: 1e-6,
    ropeTheta: 10_000,
    maxPositions: 256,
    tiedEmbeddings: false,
    bosId: 1,
    eosId: 2,
    padId: 0,
    initializerRange: 0.02,
  },
  numQueryTokens: 12,
};

/** What the stages share: the paper's betas (0.9, 0.98) and cosine; a small model takes a large rate and little decay. */
const SHARED = {
  batch: 32,
  // Two halves side by side on a thread each: a fifth faster than two threads that share every operator.
  microBatch: 16,
  schedule: "cosine",
  warmup: 200,
  minLearningRateRatio: 0.03,
  betas: [0.9, 0.98],
  epsilon: 1e-6,
  weightDecay: 0.05,
  maxGradNorm: 1,
  seed: SEED,
  saveEvery: 500,
} as const;

/** Fifty thousand texts, some 2.1 M tokens: each fact is met about seventy times in all its wordings; after 32 thousand 97 % were known. */
const language: TrainingRecipe = {
  ...SHARED,
  name: "owl-nano language",
  stage: "language",
  steps: 1600,
  maxTokens: 160,
  learningRate: 2e-3,
};

/**
 * Our stand-in for CLIP's pre-training; most of the compute goes here: 896 thousand scenes of one to four things. The same drawings
 * come again and again in other dress, so the decay is three times that of the other stages.
 */
const vision: TrainingRecipe = {
  ...SHARED,
  name: "owl-nano vision",
  stage: "vision",
  steps: 28_000,
  maxTokens: 65,
  learningRate: 1.5e-3,
  warmup: 400,
  weightDecay: 0.15,
};

/** Stage 1's learning-rate multipliers: the layers between recognition and word embeddings learn fully, the rest slowly. */
function alignMultipliers({ abstractor }: OwlConfig): Readonly<Record<string, number>> {
  const last = `abstractor.encoder.layers.${abstractor.layers - 1}.crossattention.output.mlp`;
  return {
    [`${last}.w2`]: 1,
    [`${last}.ffn_ln`]: 1,
    "abstractor.visual_fc": 1,
    "abstractor.vit_eos": 1,
    abstractor: 0.1,
    query_tokens: 0.1,
    vision_model: 0.05,
  };
}

/** The language model can read already and the patches are named already, and the abstractor begins as a reader of those names
 * (`initialiseAbstractor`). What is left to learn is how to say them, so that has the rate; the reading itself and the vision encoder,
 * which see the training designs alone here, go on at a small part of it and forget little of what they can tell of others. */
const align: TrainingRecipe = {
  ...SHARED,
  name: "owl-nano stage 1",
  stage: "1",
  steps: 2500,
  maxTokens: 64,
  learningRate: 1.2e-3,
  warmup: 50,
  learningRateMultipliers: alignMultipliers(OWL_NANO),
};

/** LoRA and abstractor, as the paper says; half of each batch is text alone. */
const instruct: TrainingRecipe = {
  ...SHARED,
  name: "owl-nano stage 2",
  stage: "2",
  steps: 1500,
  maxTokens: 160,
  learningRate: 1e-3,
  warmup: 100,
  weightDecay: 1e-4,
  learningRateMultipliers: { abstractor: 0.1, query_tokens: 0.1 },
  lora: { rank: 8, alpha: 32, dropout: 0, targets: ["q_proj", "v_proj"] },
};

/** The stages in the order in which they need one another; `language` and `vision` are independent. */
export const RECIPES = { language, vision, align, instruct } as const;

export type StageName = keyof typeof RECIPES;

/** Eight things that look unlike each other. */
export const SHORT_CONCEPTS = [
  "frog",
  "penguin",
  "banana",
  "carrot",
  "guitar",
  "umbrella",
  "sunflower",
  "ambulance",
];

/** A tenth of owl-nano, for the test that learning works: all four stages, from nothing, in a minute and a half. */
export const SHORT_OWL: OwlConfig = {
  vision: { ...OWL_NANO.vision, hidden: 64, layers: 2, heads: 2, intermediate: 192 },
  abstractor: { ...OWL_NANO.abstractor, hidden: 64, layers: 1, heads: 2, intermediate: 128 },
  language: {
    ...OWL_NANO.language,
    hidden: 64,
    layers: 2,
    heads: 2,
    keyValueHeads: 2,
    intermediate: 176,
    vocabulary: 512,
  },
  numQueryTokens: 6,
};

const SHORT = {
  batch: 16,
  microBatch: 8,
  warmup: 20,
  weightDecay: 0.01,
  saveEvery: 10_000,
  learningRate: 3e-3,
} as const;

export const SHORT_RECIPES: Readonly<Record<StageName, TrainingRecipe>> = {
  language: { ...language, ...SHORT, name: "short language", steps: 1400 },
  vision: { ...vision, ...SHORT, name: "short vision", steps: 660 },
  // Here the abstractor begins at random, so all of it has the rate.
  align: {
    ...align,
    ...SHORT,
    name: "short stage 1",
    steps: 500,
    learningRateMultipliers: { vision_model: 0.1 },
  },
  instruct: {
    ...instruct,
    ...SHORT,
    name: "short stage 2",
    steps: 160,
    learningRateMultipliers: { abstractor: 0.3, query_tokens: 0.3 },
  },
};
