import { add, dim, mul, reshape, type Scope, scalar, split, type Tensor, tanh } from "../../tensor/index.ts";
import { activations } from "../activations.ts";
import { type LinearOptions, linearLayer, rmsNormLayer } from "../layers.ts";
import type { RotaryDecoderConfig } from "./decoder-config.ts";
import type {
  KeysValues,
  LayerAttentionSettings,
  LayerRows,
  LayerSurroundings,
  VisualTokens,
} from "./family.ts";
import { hyperContext, projectPictures } from "./hyper.ts";
import { byIndicator, byModality } from "./modality.ts";

/** What a family of {@link RotaryDecoderConfig} always has, whatever config.json says. */
export interface DecoderStructure {
  /** Where a layer normalises: what goes into its halves (LLaMA), what comes out of them, or both. */
  readonly norms: "before" | "after" | "around";
  /** Norms multiply by 1 + weight. */
  readonly normsFromOne?: true;
  /** Queries and keys are normalised, each head's or the whole projection at once. */
  readonly queryKeyNorm?: "head" | "projection";
  /** Queries, keys and values have biases, the attention's output none. */
  readonly projectionBias?: true;
  /** One matrix for queries, keys and values, and one for gate and up. */
  readonly fused?: true;
  /** Token embeddings are multiplied by the root of the hidden size; pictures are not. */
  readonly scaledEmbeddings?: true;
}

/** The computation of a decoder; see `LanguageFamily`. */
export class RotaryDecoder {
  readonly #structure: DecoderStructure;

  constructor(structure: DecoderStructure) {
    this.#structure = structure;
  }

  #norm(scope: Scope, x: Tensor, { epsilon }: RotaryDecoderConfig): Tensor {
    return rmsNormLayer(scope, x, epsilon, this.#structure.normsFromOne ? 1 : 0);
  }

  prepareEmbeddings(embeddings: Tensor, { hidden }: RotaryDecoderConfig): Tensor {
    return this.#structure.scaledEmbeddings ? times(embeddings, Math.fround(Math.sqrt(hidden))) : embeddings;
  }

  attention(scope: Scope, x: Tensor, around: LayerSurroundings, config: RotaryDecoderConfig): Tensor {
    const { norms, queryKeyNorm } = this.#structure;
    const { attend, visual, pictures } = around;
    const normal = norms === "after" ? x : this.#inputNorm(scope.at("input_layernorm"), x, visual, config);
    const projections = scope.at("self_attn");
    const [query, key, value] = config.modalityAdaptive
      ? this.#projectedByModality(projections, normal, visual, config)
      : this.#projected(projections, normal, config);
    if (pictures !== undefined) {
      const project = (tokens: Tensor): KeysValues => this.pictureKeysValues(scope, tokens, config);
      const ownContext = (): Tensor => attend(query, key, value);
      const operands = { query, text: { key, value }, pictures, project, ownContext };
      return hyperContext(projections, operands, config);
    }
    if (queryKeyNorm === undefined) return attend(query, key, value);
    const normed = (name: string, part: Tensor): Tensor =>
      queryKeyNorm === "head"
        ? this.#headNorm(projections.at(name), part, config)
        : this.#norm(projections.at(name), part, config);
    return attend(normed("q_norm", query), normed("k_norm", key), value);
  }

  /**
   * A hyper layer's keys and values of pictures' tokens [rows, visual, hidden], which pass the norm that the text passes.
   *
   * @param layer as for `attention`
   */
  pictureKeysValues(layer: Scope, tokens: Tensor, config: RotaryDecoderConfig): KeysValues {
    const normal = this.#norm(layer.at("input_layernorm"), tokens, config);
    return projectPictures(layer.at("self_attn"), normal, config);
  }

  #inputNorm(scope: Scope, x: Tensor, visual: VisualTokens | undefined, config: RotaryDecoderConfig): Tensor {
    if (!config.modalityAdaptive) return this.#norm(scope, x, config);
    return byModality(scope, x, (at, some) => this.#norm(at, some, config), visual);
  }

  #projectionOptions(config: RotaryDecoderConfig): LinearOptions {
    const { projectionBias = false } = this.#structure;
    return { bias: config.attentionBias ?? projectionBias, deviation: config.initializerRange };
  }

  #projectedByModality(
    scope: Scope,
    x: Tensor,
    visual: VisualTokens | undefined,
    config: RotaryDecoderConfig,
  ): readonly Tensor[] {
    const options = this.#projectionOptions(config);
    const all = dim("heads·headDim", config.heads * config.headDim);
    const shared = dim("keyValueHeads·headDim", config.keyValueHeads * config.headDim);
    const apart = (name: string): Tensor =>
      byModality(scope.at(name), x, (at, some) => linearLayer(at, some, shared, options), visual);
    return [linearLayer(scope.at("q_proj"), x, all, options), apart("k_proj"), apart("v_proj")];
  }

  #projected(scope: Scope, x: Tensor, config: RotaryDecoderConfig): readonly Tensor[] {
    const { fused } = this.#structure;
    const options = this.#projectionOptions(config);
    const all = config.heads * config.headDim;
    const shared = config.keyValueHeads * config.headDim;
    if (fused) {
      const whole = linearLayer(scope.at("qkv_proj"), x, dim("qkv", all + 2 * shared), options);
      return split(whole, whole.shape.length - 1, [all, shared, shared]);
    }
    return [
      linearLayer(scope.at("q_proj"), x, dim("heads·headDim", all), options),
      linearLayer(scope.at("k_proj"), x, dim("keyValueHeads·headDim", shared), options),
      linearLayer(scope.at("v_proj"), x, dim("keyValueHeads·headDim", shared), options),
    ];
  }

  /** Each head's numbers normalised by themselves, with the same weight for all heads. */
  #headNorm(scope: Scope, x: Tensor, config: RotaryDecoderConfig): Tensor {
    const { headDim } = config;
    const heads = dim("heads", x.shape[2].size! / headDim);
    const apart = reshape(x, [x.shape[0], x.shape[1], heads, dim("headDim", headDim)]);
    return reshape(this.#norm(scope, apart, config), x.shape);
  }

  postAttention(scope: Scope, { x, context, indicator }: LayerRows, config: RotaryDecoderConfig): Tensor {
    const { norms } = this.#structure;
    const options = { bias: config.attentionBias ?? false, deviation: config.initializerRange };
    const hidden = dim("hidden", config.hidden);
    const output = linearLayer(scope.at("self_attn.o_proj"), context, hidden, options);
    if (norms === "before") {
      const attended = this.#residual(x, output, config);
      const norm = scope.at("post_attention_layernorm");
      const normal = config.modalityAdaptive
        ? byIndicator(norm, attended, (at, some) => this.#norm(at, some, config), indicator)
        : this.#norm(norm, attended, config);
      return this.#residual(attended, this.#mlp(scope.at("mlp"), normal, config), config);
    }
    const branch = this.#norm(scope.at("post_attention_layernorm"), output, config);
    const attended = this.#residual(x, branch, config);
    const normal =
      norms === "around" ? this.#norm(scope.at("pre_feedforward_layernorm"), attended, config) : attended;
    const wide = this.#mlp(scope.at("mlp"), normal, config);
    return this.#residual(attended, this.#norm(scope.at("post_feedforward_layernorm"), wide, config), config);
  }

  #residual(x: Tensor, branch: Tensor, { residualMultiplier: factor }: RotaryDecoderConfig): Tensor {
    return add(x, factor === undefined ? branch : times(branch, factor));
  }

  #mlp(scope: Scope, x: Tensor, config: RotaryDecoderConfig): Tensor {
    const { intermediate, activation = "silu" } = config;
    const options = { bias: config.mlpBias ?? false, deviation: config.initializerRange };
    const activate = activations[activation];
    const wide = dim("intermediate", intermediate);
    const gated = (): Tensor => {
      if (this.#structure.fused) {
        const both = linearLayer(scope.at("gate_up_proj"), x, dim("gate+up", 2 * intermediate), options);
        const [gate, up] = split(both, both.shape.length - 1, [intermediate, intermediate]);
        return mul(activate(gate), up);
      }
      const gate = activate(linearLayer(scope.at("gate_proj"), x, wide, options));
      return mul(gate, linearLayer(scope.at("up_proj"), x, wide, options));
    };
    return linearLayer(scope.at("down_proj"), gated(), dim("hidden", config.hidden), options);
  }

  finalNorm(body: Scope, x: Tensor, config: RotaryDecoderConfig): Tensor {
    return this.#norm(body.at("norm"), x, config);
  }
}

/** What comes into the first layer. */
export function enterLayers(x: Tensor, { embeddingMultiplier: factor }: RotaryDecoderConfig): Tensor {
  return factor === undefined ? x : times(x, factor);
}

/** Logits divided, and capped softly. */
export function finishLogits(logits: Tensor, { logitsScaling, logitCap }: RotaryDecoderConfig): Tensor {
  const scaled = logitsScaling === undefined ? logits : times(logits, 1 / logitsScaling);
  return logitCap === undefined ? scaled : softCapped(scaled, logitCap);
}

/** cap · tanh(x / cap). */
export function softCapped(x: Tensor, cap: number): Tensor {
  return times(tanh(times(x, 1 / cap)), cap);
}

const times = (x: Tensor, factor: number): Tensor => mul(x, scalar(factor));

/** The attention of a layer by the config's settings. */
export function layerAttention(config: RotaryDecoderConfig, layer: number): LayerAttentionSettings {
  const { headDim, window, windowRotary, rotaryLayers, queryScalar = headDim, scoreCap } = config;
  const slides = window?.layers[layer] ?? false;
  const settings = (slides && windowRotary) || config;
  return {
    positions: rotaryLayers?.[layer] === false ? { kind: "none" } : { kind: "rotary", settings },
    scale: config.attentionMultiplier ?? 1 / Math.sqrt(queryScalar),
    ...(slides && { window: window!.size }),
    ...(scoreCap !== undefined && { cap: scoreCap }),
  };
}
