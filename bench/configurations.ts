import type { OwlConfig } from "../src/model/index.ts";

interface Sizes {
  readonly image: number;
  readonly patch: number;
  /** Hidden size, layers, heads, MLP width. */
  readonly vision: readonly [number, number, number, number];
  /** Layers, heads, MLP width. */
  readonly abstractor: readonly [number, number, number];
  readonly queries: number;
  /** Hidden size, layers, heads, MLP width, vocabulary. */
  readonly language: readonly [number, number, number, number, number];
}

function configOf({ image, patch, vision, abstractor, queries, language }: Sizes): OwlConfig {
  return {
    vision: {
      tower: "clip",
      hidden: vision[0],
      layers: vision[1],
      heads: vision[2],
      intermediate: vision[3],
      imageSize: image,
      patchSize: patch,
      epsilon: 1e-6,
      initializerRange: 0.02,
    },
    abstractor: {
      hidden: vision[0],
      layers: abstractor[0],
      heads: abstractor[1],
      intermediate: abstractor[2],
      epsilon: 1e-6,
      initializerRange: 0.02,
    },
    language: {
      family: "llama",
      hidden: language[0],
      layers: language[1],
      heads: language[2],
      keyValueHeads: language[2],
      headDim: language[0] / language[2],
      intermediate: language[3],
      vocabulary: language[4],
      epsilon: 1e-6,
      ropeTheta: 10000,
      maxPositions: 2048,
      tiedEmbeddings: false,
      bosId: 1,
      eosId: 2,
      padId: 0,
      initializerRange: 0.02,
    },
    numQueryTokens: queries,
  };
}

/** Model sizes that the PyTorch program of `against-peers` uses as well. */
export const configurations = {
  nano: configOf({
    image: 64,
    patch: 8,
    vision: [192, 4, 3, 768],
    abstractor: [2, 3, 512],
    queries: 16,
    language: [256, 6, 4, 688, 4096],
  }),
  small: configOf({
    image: 112,
    patch: 14,
    vision: [384, 8, 6, 1536],
    abstractor: [4, 6, 1024],
    queries: 32,
    language: [512, 8, 8, 1376, 8192],
  }),
  /** The published vision encoder and abstractor, with a tiny language model. */
  "vit-l": configOf({
    image: 224,
    patch: 14,
    vision: [1024, 24, 16, 4096],
    abstractor: [6, 16, 2816],
    queries: 64,
    language: [512, 1, 8, 1376, 8192],
  }),
  /** The published 7 B checkpoint. */
  "7b": configOf({
    image: 224,
    patch: 14,
    vision: [1024, 24, 16, 4096],
    abstractor: [6, 16, 2816],
    queries: 64,
    language: [4096, 32, 32, 11008, 32000],
  }),
} as const satisfies Readonly<Record<string, OwlConfig>>;
