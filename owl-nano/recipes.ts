import type { OwlConfig } from "../src/model/index.ts";
import type { TrainingRecipe } from "../src/training/index.ts";

/** Entries of the tokenizer: every word of the notes is one token, and so are nearly all words of the texts. */
export const VOCABULARY = 2048;

/** Texts that the tokenizer is learnt from. */
export const TOKENIZER_TEXTS = 20_000;

/** The seed of data and parameters of every stage. */
export const SEED = 20230427;

/** Side of the vision stage's pictures: less than half of the work of full ones, so that it sees twice as many. */
export const VISION_SIZE = 64;

/**
 * owl-nano: 96-pixel pictures, a ViT of 1.3 M parameters, an abstractor of 0.7 M, a LLaMA of 5 M. First weights are about one over the
 * root of the width: at the usual 0.02 queries and keys begin so small that attention is even for long.
 */
export const OWL_NANO: OwlConfig = {
  vision: {
    tower: "clip",
    hidden: 160,
    layers: 4,
    heads: 5,
    intermediate: 640,
    imageSize: 96,
    patchSize: 8,
    epsilon: 1e-6,
    initializerRange: 0.08,
  },
  abstractor: { hidden: 160, layers: 2, heads: 5, intermediate: 448, epsilon: 1e-6, initializerRange: 0.08 },
  language: {
    family: "llama",
    hidden: 256,
    layers: 5,
    heads: 8,
    keyValueHeads: 8,
    headDim: 32,
    intermediate: 688,
    vocabulary: VOCABULARY,
    epsilon: 1e-6,
    ropeTheta: 10_000,
    maxPositions: 1024,
    // What is looked up in a picture is a word, and said as a word: one table for both learns it in half of the steps.
    tiedEmbeddings: true,
    bosId: 1,
    eosId: 2,
    padId: 0,
    initializerRange: 0.04,
  },
  // A query for each cell of the notes (scenes/notes.ts): twelve columns, six rows.
  numQueryTokens: 72,
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

/** Stages of texts: an update has four micro-batches of about as many tokens (training/even-batches.ts), some 16 rows each. */
const TEXTS = { ...SHARED, batch: 64, microBatch: 16 } as const;

/** Texts, conversations and inventories, pictures given as notes: 20 M tokens. */
const language: TrainingRecipe = {
  ...TEXTS,
  name: "owl-nano language",
  stage: "language",
  steps: 4500,
  maxTokens: 576,
  learningRate: 2e-3,
};

/**
 * The language model goes on: for 1,675 steps it is asked for nothing but comparisons, of what it sees with what was asked, then of two
 * pictures (training/lessons.ts). Its rate begins anew, at half of the first.
 */
const comparing: TrainingRecipe = {
  ...TEXTS,
  name: "owl-nano comparing",
  stage: "language",
  steps: 1800,
  maxTokens: 576,
  learningRate: 1e-3,
  warmup: 50,
};

/** Everything is asked again, and more pictures have text. */
const answers: TrainingRecipe = { ...comparing, name: "owl-nano answers", steps: 1200 };

/**
 * The same asked in thousands of further wordings, by a language model that can answer already. What notes are made of stays as it is, so
 * that whoever has learnt to write them still can.
 */
const phrasing: TrainingRecipe = {
  ...comparing,
  name: "owl-nano phrasing",
  steps: 1200,
  learningRate: 7e-4,
  learningRateMultipliers: {
    "language_model.model.embed_tokens": 0,
    note_positions: 0,
    note_relations: 0,
  },
};

/** Papers and signs alone, then everything: what stands in which line is looked up only where nothing else is asked. */
const documents: TrainingRecipe = { ...phrasing, name: "owl-nano documents", steps: 900, learningRate: 8e-4 };

/**
 * Cells no longer say how many of their thing there are, since no picture's visual tokens ever did: the language model learns to count
 * the cells, which is half of what is asked at first.
 */
const counting: TrainingRecipe = { ...phrasing, name: "owl-nano counting", steps: 800, learningRate: 6e-4 };

/**
 * Our stand-in for CLIP's pre-training; most of the compute goes here: more than half a million scenes. The same drawings come
 * again and again in other dress, so the decay is three times that of the other stages.
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
  saveEvery: 1000,
};

/** The vision encoder at full size: what lies where. */
const layout: TrainingRecipe = {
  ...SHARED,
  name: "owl-nano layout",
  stage: "vision",
  steps: 4000,
  maxTokens: 145,
  learningRate: 1e-3,
  weightDecay: 0.1,
};

/** The abstractor says in the language model's words what the heads of the layout stage say. It trains what stage 1 trains. */
const reading: TrainingRecipe = {
  ...SHARED,
  name: "owl-nano reading",
  stage: "1",
  steps: 2800,
  maxTokens: 145,
  learningRate: 5e-4,
  weightDecay: 0.1,
};

/** The visual tokens say what the language model can read already; captions through it set right what notes leave open. */
const align: TrainingRecipe = {
  ...TEXTS,
  name: "owl-nano stage 1",
  stage: "1",
  steps: 350,
  maxTokens: 240,
  learningRate: 3e-4,
  warmup: 50,
};

/** LoRA and abstractor, as the paper says; a third of the conversations are text alone. */
const instruct: TrainingRecipe = {
  ...TEXTS,
  name: "owl-nano stage 2",
  stage: "2",
  steps: 1300,
  maxTokens: 576,
  learningRate: 1e-3,
  warmup: 100,
  weightDecay: 1e-4,
  learningRateMultipliers: { abstractor: 0.1, query_tokens: 0.1 },
  lora: {
    rank: 16,
    alpha: 32,
    dropout: 0,
    targets: ["q_proj", "k_proj", "v_proj", "o_proj", "gate_proj", "up_proj", "down_proj"],
  },
};

/** The stages in the order in which they need one another; `language` and `vision` are independent. */
export const RECIPES = {
  language,
  vision,
  layout,
  comparing,
  answers,
  phrasing,
  documents,
  counting,
  reading,
  align,
  instruct,
} as const;

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

/**
 * A tenth of owl-nano, for the test that learning works: all stages, from nothing, in a minute and a half. Layers this narrow begin
 * with larger weights: at the usual deviation of 0.02 attention is even for long, and the language model found the one cell of a
 * picture that names its thing after 600 to 1,100 steps (now 400).
 */
export const SHORT_OWL: OwlConfig = {
  vision: { ...OWL_NANO.vision, hidden: 64, layers: 2, heads: 2, intermediate: 192 },
  abstractor: {
    ...OWL_NANO.abstractor,
    hidden: 64,
    layers: 1,
    heads: 2,
    intermediate: 192,
    initializerRange: 0.1,
  },
  language: {
    ...OWL_NANO.language,
    hidden: 64,
    layers: 2,
    heads: 2,
    keyValueHeads: 2,
    intermediate: 176,
    vocabulary: 640,
    initializerRange: 0.08,
  },
  numQueryTokens: OWL_NANO.numQueryTokens,
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
  language: { ...language, ...SHORT, name: "short language", steps: 750 },
  vision: { ...vision, ...SHORT, name: "short vision", steps: 660 },
  layout: { ...layout, ...SHORT, name: "short layout", steps: 250 },
  comparing: { ...comparing, ...SHORT, name: "short comparing", steps: 100 },
  answers: { ...answers, ...SHORT, name: "short answers", steps: 100 },
  phrasing: { ...phrasing, ...SHORT, name: "short phrasing", steps: 100 },
  documents: { ...documents, ...SHORT, name: "short documents", steps: 100 },
  counting: { ...counting, ...SHORT, name: "short counting", steps: 100 },
  reading: { ...reading, ...SHORT, name: "short reading", steps: 160, learningRate: 1e-3 },
  align: { ...align, ...SHORT, name: "short stage 1", steps: 160, learningRate: 1e-3 },
  instruct: {
    ...instruct,
    ...SHORT,
    name: "short stage 2",
    steps: 160,
    learningRateMultipliers: { abstractor: 0.3, query_tokens: 0.3 },
  },
};
