import { type Reader, type RowEncoder, type TokenBatch, tokenReader } from "../../data/index.ts";
import { type OwlConfig, spansOfPlaceholders } from "../../model/index.ts";
import { mulberry32, seedOf } from "../../primitives/index.ts";
import type { TrainingRecipe } from "../recipe.ts";

const common = { epsilon: 1e-6, initializerRange: 0.1 };
/** A model that a step of takes milliseconds. */
export const config: OwlConfig = {
  vision: {
    tower: "clip",
    hidden: 8,
    layers: 1,
    heads: 2,
    intermediate: 16,
    imageSize: 4,
    patchSize: 2,
    ...common,
  },
  abstractor: { hidden: 8, layers: 1, heads: 2, intermediate: 8, ...common },
  language: {
    family: "llama",
    hidden: 8,
    layers: 2,
    heads: 2,
    keyValueHeads: 2,
    headDim: 4,
    intermediate: 16,
    vocabulary: 16,
    ropeTheta: 10000,
    maxPositions: 64,
    tiedEmbeddings: false,
    bosId: 1,
    eosId: 2,
    padId: 0,
    ...common,
  },
  numQueryTokens: 2,
};

/** Stage 2 in six steps. */
export const recipe: TrainingRecipe = {
  name: "test",
  stage: "2",
  steps: 6,
  batch: 4,
  maxTokens: 16,
  learningRate: 1e-2,
  schedule: "cosine",
  warmup: 1,
  betas: [0.9, 0.98],
  epsilon: 1e-6,
  weightDecay: 0.1,
  maxGradNorm: 1,
  learningRateMultipliers: { lora: 2 },
  lora: { rank: 2, alpha: 4, dropout: 0, targets: ["q_proj", "v_proj"] },
  seed: 3,
};

/** Every other row has a picture; lengths differ; row 1 of every eight teaches nothing. */
export const encode: RowEncoder = (_, index, name) => {
  const random = mulberry32(seedOf("row", index));
  const text = Array.from({ length: 5 + (index % 3) }, () => 3 + Math.floor(random() * 13));
  const ids = index % 2 === 0 ? [1, -1, -1, -1, ...text, 2] : [1, ...text, 2];
  const pixels = index % 2 === 0 ? [Float32Array.from({ length: 48 }, () => random() - 0.5)] : [];
  const lossMask = ids.map((_, t) => index % 8 !== 1 && t > ids.length - 4);
  return { ids, spans: spansOfPlaceholders(ids, tokensPerImage), lossMask, pixels, name };
};
/** Rows are made by {@link encode}. */
export const source = { length: Number.POSITIVE_INFINITY, example: () => ({ text: "", images: [] }) };
export const rounding = { tokens: 4, losses: 4 };
export const tokensPerImage = config.numQueryTokens + 1;

export function readerOf(
  changed: Partial<TrainingRecipe> = {},
  encodeRow: RowEncoder = encode,
): Reader<TokenBatch> {
  const { batch, microBatch } = { ...recipe, ...changed };
  const options = { batch, microBatch, tokensPerImage, imageSize: 4, rounding };
  return tokenReader(source, { ...options, encode: encodeRow });
}
