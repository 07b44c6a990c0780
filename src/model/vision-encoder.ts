import { type Scope, slice, type Tensor } from "../tensor/index.ts";
import { localTemporalModule } from "./temporal-module.ts";
import { patchCount } from "./vision/patches.ts";
import { towerOf, type VisionConfig } from "./vision/towers.ts";

/** Tokens in front of a picture's patches: a class token, registers, or none. */
export function prefixTokens(config: VisionConfig): number {
  return towerOf(config).prefixTokens(config);
}

/** Tokens that the vision encoder makes of a picture: the prefix and the patches. */
export function visionTokens(config: VisionConfig): number {
  return prefixTokens(config) + patchCount(config);
}

/** The patches of states [images, vision tokens, hidden], without the prefix: [images, patches, hidden]. */
export function patchStates(states: Tensor, config: VisionConfig): Tensor {
  const prefix = prefixTokens(config);
  return prefix === 0 ? states : slice(states, 1, prefix, visionTokens(config));
}

export interface VisionStates {
  /** Before the first layer and after each, each [images, vision tokens, hidden]; a video's frames are images. */
  readonly hiddenStates: readonly Tensor[];
  /** After the last normalisation, over all tokens: what the abstractor reads. [images, vision tokens, hidden] */
  readonly lastHiddenState: Tensor;
}

/**
 * The "visual knowledge module" of the paper (§3.1): a vision tower, CLIP's as published.
 *
 * @param scope at the published `vision_model`
 * @param pixels float32 [images, 3, imageSize, imageSize], normalised; `images` may be symbolic
 * @param frames that many images are a video: each layer first looks at the frames before and after its own
 */
export function visionEncoder(
  scope: Scope,
  pixels: Tensor,
  config: VisionConfig,
  frames?: number,
): VisionStates {
  const tower = towerOf(config);
  const hiddenStates = [scope.boundary(tower.embed(scope, pixels, config))];
  for (let i = 0; i < config.layers; i++) {
    const layer = visionLayer(scope.at(`${tower.layers}.${i}`), hiddenStates[i], config, frames);
    hiddenStates.push(scope.boundary(layer));
  }
  return { hiddenStates, lastHiddenState: tower.finalNorm(scope, hiddenStates[config.layers], config) };
}

/** One layer on [images, vision tokens, hidden]; with `frames` that many images are a video. */
export function visionLayer(scope: Scope, state: Tensor, config: VisionConfig, frames?: number): Tensor {
  const x =
    frames === undefined
      ? state
      : localTemporalModule(scope.at("temporal"), state, frames, prefixTokens(config));
  return towerOf(config).layer(scope, x, config);
}
