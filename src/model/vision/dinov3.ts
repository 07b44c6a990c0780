import { z } from "zod";
import {
  add,
  concat,
  constant,
  dim,
  float32,
  mul,
  neg,
  type Scope,
  split,
  type Tensor,
} from "../../tensor/index.ts";
import { type ActivationName, activations } from "../activations.ts";
import { upTo } from "../config-limits.ts";
import { type OnProblem, parsed, requireMultiple } from "../config-reading.ts";
import { layerNormLayer, linearLayer } from "../layers.ts";
import { patchCount, patchEmbedding, patchSide } from "./patches.ts";
import { separateAttention } from "./separate-attention.ts";
import { layerScale, learnedTokens, withPrefix } from "./tokens.ts";
import type { TowerConfig, VisionTower } from "./tower.ts";
import { towerShape, towerSizes, towerSizesJson } from "./tower-config.ts";

/** DINOv3's ViT (arXiv 2508.10104): class token and registers, positions as angles of the patches' centres. */
export interface Dinov3Config extends TowerConfig {
  readonly tower: "dinov3_vit";
  readonly activation: ActivationName;
  readonly registers: number;
  /** Base of the angles. */
  readonly ropeTheta: number;
  /** Which linear layers have biases: of attention, and all of the MLP. */
  readonly biases: {
    readonly query: boolean;
    readonly key: boolean;
    readonly value: boolean;
    readonly output: boolean;
    readonly mlp: boolean;
  };
  readonly gatedMlp: boolean;
  /** Initial value of the layer scale. */
  readonly layerScale: number;
}

const schema = z.object({
  ...towerShape({ hidden: 384, layers: 12, heads: 6, patch: 16, activation: "gelu", epsilon: 1e-5 }),
  intermediate_size: upTo("size").default(1536),
  num_register_tokens: z.number().int().nonnegative().max(1024).default(0),
  rope_theta: z.number().positive().default(100),
  query_bias: z.boolean().default(true),
  key_bias: z.boolean().default(false),
  value_bias: z.boolean().default(true),
  proj_bias: z.boolean().default(true),
  mlp_bias: z.boolean().default(true),
  use_gated_mlp: z.boolean().default(false),
  layerscale_value: z.number().default(1),
});

function readConfig(json: Record<string, unknown>, onProblem: OnProblem): Dinov3Config | undefined {
  const read = parsed(schema, json, onProblem);
  if (read === undefined) return undefined;
  const sizes = towerSizes(read, onProblem);
  const headDim = sizes.hidden / sizes.heads;
  requireMultiple(onProblem, "hidden_size over heads", headDim, "four, for the angles", 4);
  return {
    tower: "dinov3_vit",
    ...sizes,
    intermediate: read.intermediate_size,
    activation: read.hidden_act,
    registers: read.num_register_tokens,
    ropeTheta: read.rope_theta,
    biases: {
      query: read.query_bias,
      key: read.key_bias,
      value: read.value_bias,
      output: read.proj_bias,
      mlp: read.mlp_bias,
    },
    gatedMlp: read.use_gated_mlp,
    layerScale: read.layerscale_value,
  };
}

function configJson(config: Dinov3Config): Record<string, unknown> {
  const { biases } = config;
  return {
    model_type: dinov3.modelType,
    ...towerSizesJson(config, config.activation, { intermediate_size: config.intermediate }),
    num_register_tokens: config.registers,
    rope_theta: config.ropeTheta,
    query_bias: biases.query,
    key_bias: biases.key,
    value_bias: biases.value,
    proj_bias: biases.output,
    mlp_bias: biases.mlp,
    use_gated_mlp: config.gatedMlp,
    layerscale_value: config.layerScale,
  };
}

const prefixTokens = (config: Dinov3Config): number => 1 + config.registers;

function embed(scope: Scope, pixels: Tensor, config: Dinov3Config): Tensor {
  const embeddings = scope.at("embeddings");
  const classToken = learnedTokens(embeddings, "cls_token", 1, config);
  const patches = patchEmbedding(embeddings.at("patch_embeddings"), pixels, config, { bias: true });
  const { registers } = config;
  const others = registers === 0 ? [] : [learnedTokens(embeddings, "register_tokens", registers, config)];
  return withPrefix(patches, [classToken, ...others], config);
}

/**
 * Cosines and sines [tokens, headDim] of the patches' angles: the first quarter of a head turns by the height of the
 * patch's centre, the second by its width, both twice. Tokens in front of the patches are not turned. Rounded to
 * float32 where the reference rounds.
 */
function angleTables(config: Dinov3Config): { readonly cos: Tensor; readonly sin: Tensor } {
  const side = patchSide(config);
  const prefix = prefixTokens(config);
  const width = config.hidden / config.heads;
  const quarter = width / 4;
  const tokens = prefix + patchCount(config);
  const cos = new Float32Array(tokens * width).fill(1);
  const sin = new Float32Array(tokens * width);
  const turn = Math.fround(2 * Math.PI);
  const centre = (index: number): number => Math.fround(2 * Math.fround((index + 0.5) / side) - 1);
  for (let patch = 0; patch < side * side; patch++) {
    const coordinates = [centre(Math.floor(patch / side)), centre(patch % side)];
    for (let i = 0; i < width; i++) {
      const exponent = Math.fround(((i % quarter) * 4) / width);
      const frequency = Math.fround(1 / Math.fround(config.ropeTheta ** exponent));
      const coordinate = coordinates[Math.floor(i / quarter) % 2];
      const angle = Math.fround(Math.fround(turn * coordinate) * frequency);
      cos[(prefix + patch) * width + i] = Math.cos(angle);
      sin[(prefix + patch) * width + i] = Math.sin(angle);
    }
  }
  const table = (values: Float32Array): Tensor =>
    constant(float32(values, [tokens, width]), ["tokens", "headDim"]);
  return { cos: table(cos), sin: table(sin) };
}

/** Turns the pairs (i, i + headDim / 2) of queries or keys [images, heads, tokens, headDim]. */
function turnedByPosition(config: Dinov3Config): (x: Tensor) => Tensor {
  const { cos, sin } = angleTables(config);
  return (x) => {
    const half = x.shape[3].size! / 2;
    const [first, second] = split(x, 3, [half, half]);
    return add(mul(x, cos), mul(concat([neg(second), first], 3, "headDim"), sin));
  };
}

function layer(scope: Scope, x: Tensor, config: Dinov3Config): Tensor {
  const hidden = dim("hidden", config.hidden);
  const deviation = config.initializerRange;
  const { biases } = config;
  const normal = layerNormLayer(scope.at("norm1"), x, config.epsilon);
  const project = (name: string, from: Tensor, bias: boolean): Tensor =>
    linearLayer(scope.at(`attention.${name}_proj`), from, hidden, { bias, deviation });
  const query = project("q", normal, biases.query);
  const key = project("k", normal, biases.key);
  const value = project("v", normal, biases.value);
  const context = separateAttention({ query, key, value }, config, turnedByPosition(config));
  const output = project("o", context, biases.output);
  const attended = add(x, layerScale(scope.at("layer_scale1"), output, config.layerScale));
  const inner = layerNormLayer(scope.at("norm2"), attended, config.epsilon);
  return add(
    attended,
    layerScale(scope.at("layer_scale2"), mlp(scope.at("mlp"), inner, config), config.layerScale),
  );
}

function mlp(scope: Scope, x: Tensor, config: Dinov3Config): Tensor {
  const options = { bias: config.biases.mlp, deviation: config.initializerRange };
  const wide = dim("intermediate", config.intermediate);
  const act = activations[config.activation];
  const up = linearLayer(scope.at("up_proj"), x, wide, options);
  const inner = config.gatedMlp
    ? mul(act(linearLayer(scope.at("gate_proj"), x, wide, options)), up)
    : act(up);
  return linearLayer(scope.at("down_proj"), inner, dim("hidden", config.hidden), options);
}

export const dinov3: VisionTower<Dinov3Config> = {
  title: "DINOv3",
  modelType: "dinov3_vit",
  readConfig,
  configJson,
  sizes: [],
  layers: "layer",
  prefixTokens,
  embed,
  layer,
  finalNorm: (scope, x, config) => layerNormLayer(scope.at("norm"), x, config.epsilon),
  hasReleasedPreprocessing: false,
  published: {
    modelTypes: { whole: [], alone: ["dinov3_vit"] },
    readConfig,
    marker: "embeddings.patch_embeddings.weight",
    names: [],
    unused: /^embeddings\.mask_token$/,
    fused: undefined,
    positions: undefined,
    takesAnySize: true,
    endsNormalised: true,
    preprocessing: (side) => ({
      image_processor_type: "DINOv3ViTImageProcessor",
      size: { height: side, width: side },
    }),
  },
};
