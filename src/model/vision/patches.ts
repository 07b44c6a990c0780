import {
  type Dim,
  dim,
  type Initial,
  linear,
  reshape,
  type Scope,
  slice,
  type Tensor,
  transpose,
} from "../../tensor/index.ts";
import type { TowerConfig } from "./tower.ts";

type Sizes = Pick<TowerConfig, "imageSize" | "patchSize">;

/** Patches along a side of a picture; pixels at the right and at the bottom that fill no patch are not seen. */
export function patchSide({ imageSize, patchSize }: Sizes): number {
  return Math.floor(imageSize / patchSize);
}

/** Patches of a picture. */
export function patchCount(sizes: Sizes): number {
  return patchSide(sizes) ** 2;
}

/**
 * The patch embedding at a scope: parameters `weight` [hidden, 3, patchSize, patchSize] and, if wanted, `bias`. A
 * convolution whose stride is its size is one product over the patches' pixels.
 *
 * @param pixels [images, 3, imageSize, imageSize]
 * @returns [images, patches, hidden]
 */
export function patchEmbedding(
  scope: Scope,
  pixels: Tensor,
  config: TowerConfig,
  { bias }: { readonly bias: boolean },
): Tensor {
  const initial: Initial = { kind: "normal", deviation: config.initializerRange };
  const [images, channels] = pixels.shape;
  const hidden = dim("hidden", config.hidden);
  const side = dim("side", patchSide(config));
  const pixel = dim("pixel", config.patchSize);
  const patches = dim("patches", patchCount(config));
  const area: Dim = dim("channels·pixels", 3 * config.patchSize ** 2);
  const grid = reshape(wholePatches(pixels, config), [images, channels, side, pixel, side, pixel]);
  const rows = reshape(transpose(grid, [0, 2, 4, 1, 3, 5]), [images, patches, area]);
  const kernel = reshape(scope.parameter("weight", [hidden, channels, pixel, pixel], initial), [
    hidden,
    area,
  ]);
  if (!bias) return linear(rows, kernel);
  return linear(rows, kernel, scope.parameter("bias", [hidden], { kind: "constant", value: 0 }, "bias"));
}

/** The pixels without those that fill no patch. */
function wholePatches(pixels: Tensor, config: TowerConfig): Tensor {
  const seen = patchSide(config) * config.patchSize;
  return seen === config.imageSize ? pixels : slice(slice(pixels, 2, 0, seen), 3, 0, seen);
}
