import { z } from "zod";
import { add, dim, mul, type Scope, silu, slice, split, type Tensor } from "../../tensor/index.ts";
import { type ActivationName, activations } from "../activations.ts";
import { upTo } from "../config-limits.ts";
import { type OnProblem, parsed } from "../config-reading.ts";
import { layerNormLayer, linearLayer } from "../layers.ts";
import { patchCount, patchEmbedding } from "./patches.ts";
import { imagenetCrop } from "./preprocessing.ts";
import { separateAttention } from "./separate-attention.ts";
import { layerScale, learnedTokens, withPrefix } from "./tokens.ts";
import type { PublishedTower, TowerConfig, VisionTower } from "./tower.ts";
import { towerShape, towerSizes, towerSizesJson } from "./tower-config.ts";

/** What DINOv2's two kinds of files share. */
export interface DinoSettings extends TowerConfig {
  /** Inside the MLP, unless that is gated. */
  readonly activation: ActivationName;
  /** Width inside the MLP over the hidden size, before the rounding of a gated one. */
  readonly mlpRatio: number;
  /** A gated MLP (the giant's), whose gate is always SiLU. */
  readonly gatedMlp: boolean;
  /** Whether query, key and value have biases. */
  readonly qkvBias: boolean;
  /** Initial value of the layer scale. */
  readonly layerScale: number;
}

/** DINOv2's ViT (arXiv 2304.07193): a class token, layer scale, positions that are resized to the picture. */
export interface Dinov2Config extends DinoSettings {
  readonly tower: "dinov2";
}

/** DINOv2 with registers (arXiv 2309.16588): further learned tokens behind the class token. */
export interface Dinov2WithRegistersConfig extends DinoSettings {
  readonly tower: "dinov2_with_registers";
  readonly registers: number;
}

type DinoConfig = Dinov2Config | Dinov2WithRegistersConfig;

const shapeWith = (patch: number) => ({
  ...towerShape({ hidden: 768, layers: 12, heads: 12, patch, activation: "gelu", epsilon: 1e-6 }),
  mlp_ratio: z.number().positive().default(4),
  use_swiglu_ffn: z.boolean().default(false),
  qkv_bias: z.boolean().default(true),
  layerscale_value: z.number().default(1),
});

const plainSchema = z.object(shapeWith(14));
const registersSchema = z.object({
  ...shapeWith(16),
  num_register_tokens: z.number().int().nonnegative().max(1024).default(4),
});

/** Width inside the MLP; of a gated one two thirds of it, rounded up to a multiple of eight. */
function intermediateSize(hidden: number, ratio: number, gated: boolean): number {
  const plain = Math.trunc(hidden * ratio);
  return gated ? 8 * Math.floor((Math.trunc((plain * 2) / 3) + 7) / 8) : plain;
}

function settingsOf(read: z.infer<typeof plainSchema>, onProblem: OnProblem): Omit<DinoSettings, "tower"> {
  const { mlp_ratio: mlpRatio, use_swiglu_ffn: gatedMlp } = read;
  const sizes = towerSizes(read, onProblem);
  const intermediate = intermediateSize(sizes.hidden, mlpRatio, gatedMlp);
  if (!upTo("size").safeParse(intermediate).success) {
    onProblem("mlp_ratio", `must make an MLP of some sensible width, got ${mlpRatio}`);
  }
  return {
    ...sizes,
    intermediate,
    activation: read.hidden_act,
    mlpRatio,
    gatedMlp,
    qkvBias: read.qkv_bias,
    layerScale: read.layerscale_value,
  };
}

function settingsJson(config: DinoSettings): Record<string, unknown> {
  return {
    ...towerSizesJson(config, config.activation, { mlp_ratio: config.mlpRatio }),
    use_swiglu_ffn: config.gatedMlp,
    qkv_bias: config.qkvBias,
    layerscale_value: config.layerScale,
  };
}

const registersOf = (config: DinoConfig): number => ("registers" in config ? config.registers : 0);

function embed(scope: Scope, pixels: Tensor, config: DinoConfig): Tensor {
  const embeddings = scope.at("embeddings");
  const projection = embeddings.at("patch_embeddings.projection");
  const classToken = learnedTokens(embeddings, "cls_token", 1, config);
  const count = patchCount(config);
  const positions = learnedTokens(embeddings, "position_embeddings", 1 + count, config);
  const patches = add(
    patchEmbedding(projection, pixels, config, { bias: true }),
    slice(positions, 1, 1, 1 + count),
  );
  const first = add(classToken, slice(positions, 1, 0, 1));
  const registers = registersOf(config);
  // Registers have no positions.
  const others = registers === 0 ? [] : [learnedTokens(embeddings, "register_tokens", registers, config)];
  return withPrefix(patches, [first, ...others], config);
}

function layer(scope: Scope, x: Tensor, config: DinoConfig): Tensor {
  const deviation = config.initializerRange;
  const hidden = dim("hidden", config.hidden);
  const normal = layerNormLayer(scope.at("norm1"), x, config.epsilon);
  const project = (name: string): Tensor =>
    linearLayer(scope.at(`attention.attention.${name}`), normal, hidden, { bias: config.qkvBias, deviation });
  const context = separateAttention(
    { query: project("query"), key: project("key"), value: project("value") },
    config,
  );
  const output = linearLayer(scope.at("attention.output.dense"), context, hidden, { bias: true, deviation });
  const attended = add(x, layerScale(scope.at("layer_scale1"), output, config.layerScale));
  const inner = layerNormLayer(scope.at("norm2"), attended, config.epsilon);
  return add(
    attended,
    layerScale(scope.at("layer_scale2"), mlp(scope.at("mlp"), inner, config), config.layerScale),
  );
}

function mlp(scope: Scope, x: Tensor, config: DinoConfig): Tensor {
  const options = { bias: true, deviation: config.initializerRange };
  const hidden = dim("hidden", config.hidden);
  const width = config.intermediate;
  if (!config.gatedMlp) {
    const up = linearLayer(scope.at("fc1"), x, dim("intermediate", width), options);
    return linearLayer(scope.at("fc2"), activations[config.activation](up), hidden, options);
  }
  const both = linearLayer(scope.at("weights_in"), x, dim("gate·up", 2 * width), options);
  const [gate, up] = split(both, 2, [width, width]);
  return linearLayer(scope.at("weights_out"), mul(silu(gate), up), hidden, options);
}

/** What the two kinds of files have in common as files. */
const published = {
  marker: "embeddings.patch_embeddings.projection.weight",
  names: [],
  unused: /^embeddings\.mask_token$/,
  fused: undefined,
  takesAnySize: true,
  endsNormalised: true,
  preprocessing: imagenetCrop,
} satisfies Partial<PublishedTower<DinoConfig>>;

const computation = {
  sizes: [],
  layers: "encoder.layer",
  prefixTokens: (config: DinoConfig) => 1 + registersOf(config),
  embed,
  layer,
  finalNorm: (scope: Scope, x: Tensor, config: DinoConfig) =>
    layerNormLayer(scope.at("layernorm"), x, config.epsilon),
  hasReleasedPreprocessing: false,
};

function readPlain(json: Record<string, unknown>, onProblem: OnProblem): Dinov2Config | undefined {
  const read = parsed(plainSchema, json, onProblem);
  return read && { tower: "dinov2", ...settingsOf(read, onProblem) };
}

export const dinov2: VisionTower<Dinov2Config> = {
  ...computation,
  title: "DINOv2",
  modelType: "dinov2",
  readConfig: readPlain,
  configJson: (config) => ({ model_type: dinov2.modelType, ...settingsJson(config) }),
  published: {
    ...published,
    modelTypes: { whole: [], alone: ["dinov2"] },
    readConfig: readPlain,
    positions: { tensor: "embeddings.position_embeddings", prefix: 1, antialias: false },
  },
};

function readWithRegisters(
  json: Record<string, unknown>,
  onProblem: OnProblem,
): Dinov2WithRegistersConfig | undefined {
  const read = parsed(registersSchema, json, onProblem);
  return (
    read && {
      tower: "dinov2_with_registers",
      ...settingsOf(read, onProblem),
      registers: read.num_register_tokens,
    }
  );
}

export const dinov2WithRegisters: VisionTower<Dinov2WithRegistersConfig> = {
  ...computation,
  title: "DINOv2 with registers",
  modelType: "dinov2_with_registers",
  readConfig: readWithRegisters,
  configJson: (config) => ({
    model_type: dinov2WithRegisters.modelType,
    ...settingsJson(config),
    num_register_tokens: config.registers,
  }),
  published: {
    ...published,
    modelTypes: { whole: [], alone: ["dinov2_with_registers"] },
    readConfig: readWithRegisters,
    positions: { tensor: "embeddings.position_embeddings", prefix: 1, antialias: true },
  },
};
