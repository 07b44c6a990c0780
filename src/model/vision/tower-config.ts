import { z } from "zod";
import { type ActivationName, activations } from "../activations.ts";
import { upTo } from "../config-limits.ts";
import { initializerRange, type OnProblem, requireMultiple } from "../config-reading.ts";
import type { TowerConfig } from "./tower.ts";

// What the readers of all towers' configs share.

/** Defaults where a config.json leaves sizes out. */
export interface TowerDefaults {
  readonly hidden: number;
  readonly layers: number;
  readonly heads: number;
  readonly patch: number;
  readonly activation: ActivationName;
  readonly epsilon: number;
}

/** A side in pixels, or the two equal sides of a square. */
const side = (kind: "image" | "size") => {
  const pixels = upTo(kind);
  const square = z
    .tuple([pixels, pixels])
    .refine(([height, width]) => height === width, { message: "must be a square" });
  return z.union([pixels, square.transform(([height]) => height)]);
};

const names = Object.keys(activations) as ActivationName[];

/** The keys that every tower's config has. */
export const towerShape = (defaults: TowerDefaults) => ({
  hidden_size: upTo("size").default(defaults.hidden),
  num_hidden_layers: upTo("layers").default(defaults.layers),
  num_attention_heads: upTo("heads").default(defaults.heads),
  image_size: side("image").default(224),
  patch_size: side("size").default(defaults.patch),
  num_channels: z.literal(3).default(3),
  hidden_act: z.enum(names).default(defaults.activation),
  layer_norm_eps: z.number().positive().default(defaults.epsilon),
  initializer_range: initializerRange,
});

type TowerJson = z.infer<z.ZodObject<ReturnType<typeof towerShape>>>;

/** The sizes that every tower has, checked against each other. */
export function towerSizes(
  read: TowerJson,
  onProblem: OnProblem,
): Omit<TowerConfig, "tower" | "intermediate"> {
  const { hidden_size: hidden, num_attention_heads: heads } = read;
  requireMultiple(onProblem, "hidden_size", hidden, "num_attention_heads", heads);
  const { image_size: imageSize, patch_size: patchSize } = read;
  if (imageSize < patchSize) {
    onProblem("image_size", `must be at least patch_size (${patchSize}), got ${imageSize}`);
  }
  return {
    hidden,
    layers: read.num_hidden_layers,
    heads,
    imageSize,
    patchSize,
    epsilon: read.layer_norm_eps,
    initializerRange: read.initializer_range,
  };
}

/**
 * The content of config.json that {@link towerSizes} reads.
 *
 * @param width of the MLP, under the tower's own key for it
 */
export function towerSizesJson(
  config: Omit<TowerConfig, "tower" | "intermediate">,
  activation: ActivationName,
  width: Readonly<Record<string, number>>,
): Record<string, unknown> {
  return {
    hidden_size: config.hidden,
    num_hidden_layers: config.layers,
    num_attention_heads: config.heads,
    ...width,
    image_size: config.imageSize,
    patch_size: config.patchSize,
    num_channels: 3,
    hidden_act: activation,
    layer_norm_eps: config.epsilon,
    initializer_range: config.initializerRange,
  };
}
