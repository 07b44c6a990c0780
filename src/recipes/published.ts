import type { TrainingRecipe } from "../training/index.ts";

/** A recipe, and the source or reason of each of its hyperparameters. */
export interface ExplainedRecipe {
  readonly recipe: TrainingRecipe;
  readonly reasons: Readonly<Record<string, string>>;
}

const paper = "arXiv 2304.14178";

/** Stage 1 with the numbers of the paper's body; the appendix has others. */
const stage1: ExplainedRecipe = {
  recipe: {
    name: "stage-1",
    stage: "1",
    steps: 50_000,
    batch: 4096,
    microBatch: 8,
    maxTokens: 512,
    learningRate: 1e-4,
    schedule: "cosine",
    warmup: 2000,
    betas: [0.9, 0.98],
    epsilon: 1e-6,
    weightDecay: 0.1,
    maxGradNorm: 1,
    augment: true,
    seed: 42,
    saveEvery: 500,
  },
  reasons: {
    stage: `${paper} §3.2: vision encoder and abstractor learn, the language model is frozen`,
    steps: `${paper} §4.1`,
    batch: `${paper} §4.1: 104 billion tokens in 50,000 steps of 4,096 pairs`,
    microBatch: "ours: what fits 24 GB with ViT-L/14; changes nothing but memory and speed",
    maxTokens: `${paper} appendix`,
    learningRate: `${paper} §4.1; its appendix says 2e-4 (stage-1-appendix)`,
    schedule: `${paper} §4.1`,
    warmup: `${paper} §4.1; its appendix says 375 (stage-1-appendix)`,
    betas: `${paper} §4.1`,
    epsilon: `${paper} appendix`,
    weightDecay: `${paper} §4.1; its appendix says 0.01 (stage-1-appendix)`,
    maxGradNorm: `${paper} appendix`,
    augment: `${paper} §4.1: random resized crop and mirroring; set false where captions say left and right`,
    seed: "ours",
    saveEvery: "ours: at most one hundredth of the run is lost",
  },
};

/** Stage 1 with the numbers of the paper's appendix, where they differ. */
const stage1Appendix: ExplainedRecipe = {
  recipe: { ...stage1.recipe, name: "stage-1-appendix", learningRate: 2e-4, weightDecay: 0.01, warmup: 375 },
  reasons: {
    ...stage1.reasons,
    learningRate: `${paper} appendix; its body says 1e-4 (stage-1)`,
    weightDecay: `${paper} appendix; its body says 0.1 (stage-1)`,
    warmup: `${paper} appendix; its body says 2,000 (stage-1)`,
  },
};

/** Stage 2 as the paper describes it: abstractor and LoRA learn. */
const stage2: ExplainedRecipe = {
  recipe: {
    name: "stage-2",
    stage: "2",
    steps: 2000,
    batch: 256,
    microBatch: 4,
    maxTokens: 1024,
    learningRate: 2e-5,
    schedule: "cosine",
    warmup: 50,
    betas: [0.9, 0.999],
    epsilon: 1e-6,
    weightDecay: 1e-4,
    maxGradNorm: 1,
    lora: { rank: 8, alpha: 32, dropout: 0.05, targets: ["q_proj", "v_proj"] },
    seed: 42,
    saveEvery: 200,
  },
  reasons: {
    stage: `${paper} abstract and §3.3: LoRA and the abstractor learn; the released code trains LoRA alone (stage-2-released)`,
    steps: `${paper} §4.1`,
    batch: `${paper} §4.1: 128 rows of text and 128 with pictures; give the two files equal shares`,
    microBatch: "ours: what fits 24 GB; changes nothing but memory and speed",
    maxTokens: `${paper} appendix`,
    learningRate: `${paper} §4.1`,
    schedule: `${paper} §4.1; the released script asks for a cosine and runs a linear fall`,
    warmup: `${paper} appendix`,
    betas: `${paper} §4.1`,
    epsilon: `${paper} appendix`,
    weightDecay: `${paper} §4.1`,
    maxGradNorm: `${paper} appendix`,
    lora: "released code: rank 8, alpha 32, dropout 0.05, on q_proj and v_proj",
    seed: "ours",
    saveEvery: "ours: at most a tenth of the run is lost",
  },
};

/** Stage 2 as the released code has it. */
const stage2Released: ExplainedRecipe = {
  recipe: { ...stage2.recipe, name: "stage-2-released", stage: "released" },
  reasons: { ...stage2.reasons, stage: "released code: LoRA alone learns, as its maintainer confirms" },
};

/** UReader, from an instruction-tuned mPLUG-Owl, as its released script runs. */
const ureader: ExplainedRecipe = {
  recipe: {
    ...stage2.recipe,
    name: "ureader",
    tiles: true,
    steps: 20_000,
    microBatch: 1,
    maxTokens: 2048,
    learningRate: 1e-4,
    schedule: "linear",
    epsilon: 1e-8,
    maxGradNorm: 1,
  },
  reasons: {
    ...stage2.reasons,
    stage: "released script: queries, abstractor and a LoRA learn",
    tiles: "released code: a mPLUG-Owl's abstractor gets embeddings of tile positions",
    steps: "ours: the released script trains 10 epochs, which is 10 · rows / batch steps of your rows",
    batch: "released script",
    maxTokens: "released script: a picture of 20 tiles takes 1,365",
    learningRate: "released script",
    schedule: "released script: the Trainer's linear fall to 0, whatever its own names say",
    warmup: "released script",
    epsilon: "released script: AdamW's default; its --adam-epsilon has no effect",
    weightDecay: "released script",
    maxGradNorm: "released script",
  },
};

/** The whole language model, as the second released script. */
const full: ExplainedRecipe = {
  recipe: { ...stage2.recipe, name: "full", stage: "full", learningRate: 1e-5, lora: undefined },
  reasons: {
    ...stage2.reasons,
    stage: "released script without LoRA: the language model learns, all else is frozen",
    learningRate: "released script without LoRA",
  },
};

const owl2Scripts = "mPLUG-Owl2's released scripts/finetune.sh";

/** mPLUG-Owl2's released fine-tuning of the published model: all but the vision encoder learns. */
const owl2Finetune: ExplainedRecipe = {
  recipe: {
    name: "owl2-finetune",
    stage: "behind-vision",
    steps: 5200,
    batch: 128,
    microBatch: 2,
    maxTokens: 2048,
    learningRate: 2e-5,
    schedule: "cosine",
    warmup: 156,
    betas: [0.9, 0.999],
    epsilon: 1e-8,
    weightDecay: 0,
    maxGradNorm: 1,
    seed: 42,
    saveEvery: 500,
  },
  reasons: {
    stage: `${owl2Scripts}: freeze_vision_model, tune_visual_abstractor`,
    steps:
      "ours: the script runs one epoch, which this is of the 665,000 rows that it names; divide your rows by the batch",
    batch: `${owl2Scripts}: 2 rows × 8 accumulated a GPU, on 8`,
    microBatch: `${owl2Scripts}; changes nothing but memory and speed`,
    maxTokens: `${owl2Scripts}: model_max_length, pictures' positions not counted there`,
    learningRate: owl2Scripts,
    schedule: owl2Scripts,
    warmup: `${owl2Scripts}: a share of 0.03 of the steps`,
    betas: `${owl2Scripts}: the trainer's defaults`,
    epsilon: `${owl2Scripts}: the trainer's default`,
    weightDecay: owl2Scripts,
    maxGradNorm: `${owl2Scripts}: the trainer's default`,
    seed: `${owl2Scripts}: the trainer's default`,
    saveEvery: owl2Scripts,
  },
};

/** The same with a LoRA on every linear layer of the language model's, and the abstractor, which is what the script is meant to train. */
const owl2Lora: ExplainedRecipe = {
  recipe: {
    ...owl2Finetune.recipe,
    name: "owl2-lora",
    stage: "2",
    learningRate: 1e-4,
    lora: { rank: 128, alpha: 256, dropout: 0.05, targets: "all-linear" },
  },
  reasons: {
    ...owl2Finetune.reasons,
    stage:
      "mPLUG-Owl2's released scripts/finetune_lora.sh by its settings: LoRA and abstractor; by a slip its code trains the language model's own weights too",
    learningRate:
      "mPLUG-Owl2's released scripts/finetune_lora.sh; a rate of the abstractor's own stands there without effect",
    lora: "mPLUG-Owl2's released scripts/finetune_lora.sh: both halves of keys and values among the layers",
  },
};

// mPLUG-Owl3's authors published no script of their own.
const swift = "ms-swift's default";
const pointedTo = "ms-swift, to which mPLUG-Owl3's authors point (X-PLUG/mPLUG-Owl, issue 240), by default:";

/** Fine-tuning of a published mPLUG-Owl3: the language model learns, with what its layers look at pictures by. */
const owl3Finetune: ExplainedRecipe = {
  recipe: {
    name: "owl3-finetune",
    stage: "full",
    steps: 2000,
    batch: 16,
    microBatch: 1,
    maxTokens: 2048,
    learningRate: 1e-5,
    schedule: "cosine",
    warmup: 100,
    betas: [0.9, 0.95],
    epsilon: 1e-8,
    weightDecay: 0.1,
    maxGradNorm: 1,
    seed: 42,
    saveEvery: 200,
  },
  reasons: {
    stage: `${pointedTo} vision encoder and projector are frozen; \`stage: behind-vision\` trains the projector too`,
    steps: "ours: ms-swift trains 3 epochs, which is 3 · rows / batch steps of your rows",
    batch: `${swift}: at least 16 rows`,
    microBatch: `${swift}; changes nothing but memory and speed`,
    maxTokens: "ms-swift's examples; a picture takes the tokens of its markers alone",
    learningRate: `${swift} where all weights learn`,
    schedule: swift,
    warmup: "ms-swift's examples: a share of 0.05 of the steps; its default is none",
    betas: swift,
    epsilon: `${swift}: AdamW's`,
    weightDecay: swift,
    maxGradNorm: swift,
    seed: swift,
    saveEvery: "ours: at most a tenth of the run is lost",
  },
};

/** The same with a LoRA on every linear layer of the language model, those that make keys and values of pictures among them. */
const owl3Lora: ExplainedRecipe = {
  recipe: {
    ...owl3Finetune.recipe,
    name: "owl3-lora",
    stage: "released",
    learningRate: 1e-4,
    lora: { rank: 8, alpha: 32, dropout: 0.05, targets: "all-linear" },
  },
  reasons: {
    ...owl3Finetune.reasons,
    stage: `${pointedTo} a LoRA alone; \`stage: "2"\` trains the projector too`,
    learningRate: `${swift} of a LoRA`,
    lora: `${swift}: rank 8, alpha 32, dropout 0.05, on all linear layers of the language model`,
  },
};

/** Pre-training of a language model; the paper takes a trained LLaMA, so the numbers are LLaMA's own. */
const language: ExplainedRecipe = {
  recipe: {
    name: "language",
    stage: "language",
    steps: 250_000,
    batch: 2048,
    microBatch: 8,
    maxTokens: 2048,
    learningRate: 3e-4,
    schedule: "cosine",
    warmup: 2000,
    minLearningRateRatio: 0.1,
    betas: [0.9, 0.95],
    epsilon: 1e-8,
    weightDecay: 0.1,
    maxGradNorm: 1,
    seed: 42,
    saveEvery: 1000,
  },
  reasons: {
    stage: "text alone, before there are pictures",
    steps: "arXiv 2302.13971: 10¹² tokens",
    batch: "arXiv 2302.13971: 4 million tokens",
    microBatch: "ours",
    maxTokens: "arXiv 2302.13971",
    learningRate: "arXiv 2302.13971, table 2: 7 B; small models take more (2e-3 at a few million parameters)",
    schedule: "arXiv 2302.13971 §2.3",
    warmup: "arXiv 2302.13971 §2.3",
    minLearningRateRatio: "arXiv 2302.13971 §2.3",
    betas: "arXiv 2302.13971 §2.3",
    epsilon: "AdamW's own default; the paper names none",
    weightDecay: "arXiv 2302.13971 §2.3",
    maxGradNorm: "arXiv 2302.13971 §2.3",
    seed: "ours",
    saveEvery: "ours",
  },
};

/** The recipes that a recipe file may extend, by name. */
export const publishedRecipes: Readonly<Record<string, ExplainedRecipe>> = {
  language,
  "stage-1": stage1,
  "stage-1-appendix": stage1Appendix,
  "stage-2": stage2,
  "stage-2-released": stage2Released,
  ureader,
  full,
  "owl2-finetune": owl2Finetune,
  "owl2-lora": owl2Lora,
  "owl3-finetune": owl3Finetune,
  "owl3-lora": owl3Lora,
};
