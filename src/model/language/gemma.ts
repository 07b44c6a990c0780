import { z } from "zod";
import { upTo } from "../config-limits.ts";
import { type OnProblem, only } from "../config-reading.ts";
import {
  type DecoderDefaults,
  type DecoderSettings,
  keys,
  type RotaryDecoderConfig,
  readWindow,
} from "./decoder-config.ts";
import { decoderFamily } from "./decoder-family.ts";
import { dependsOnLength } from "./rotary.ts";
import { readRotary, scalingJson } from "./rotary-config.ts";

const defaults: DecoderDefaults = {
  hidden_size: 2304,
  num_hidden_layers: 26,
  num_attention_heads: 8,
  num_key_value_heads: 4,
  head_dim: 256,
  intermediate_size: 9216,
  vocab_size: 256000,
  rms_norm_eps: 1e-6,
  rope_theta: 10000,
  max_position_embeddings: 8192,
  tie_word_embeddings: true,
  bos: 2,
  eos: 1,
  pad: 0,
};

const own = z.object({
  hidden_activation: keys.activation.default("gelu_pytorch_tanh"),
  attention_bias: keys.bias,
  query_pre_attn_scalar: z.number().positive().default(256),
  sliding_window: keys.window.default(4096),
  layer_types: keys.layerTypes,
  use_bidirectional_attention: only(false),
});

function settings(
  text: z.infer<typeof own>,
  layers: number,
  onProblem: OnProblem,
  slides: (layer: number) => boolean,
): DecoderSettings {
  const { sliding_window: size, layer_types: layerTypes } = text;
  return {
    activation: text.hidden_activation,
    ...(text.attention_bias && { attentionBias: true }),
    queryScalar: text.query_pre_attn_scalar,
    ...readWindow({ size, layerTypes }, layers, onProblem, slides),
  };
}

/** Keys whose absence would mean something. */
const json = ({ layers, window, scoreCap, logitCap }: RotaryDecoderConfig) => ({
  layer_types: Array.from({ length: layers }, (_, i) =>
    window?.layers[i] ? "sliding_attention" : "full_attention",
  ),
  attn_logit_softcapping: scoreCap ?? null,
  final_logit_softcapping: logitCap ?? null,
});

const alike = {
  structure: { norms: "around", normsFromOne: true, scaledEmbeddings: true },
  activationKey: "hidden_activation",
} as const;

/** Gemma 2 (arXiv 2408.00118): norms around each half of a layer, capped scores and logits, every other layer a window. */
export const gemma2 = decoderFamily({
  ...alike,
  title: "Gemma 2",
  name: "gemma2",
  architecture: "Gemma2ForCausalLM",
  defaults,
  own: own.extend({
    attn_logit_softcapping: keys.cap.default(50),
    final_logit_softcapping: keys.cap.default(30),
  }),
  settings: (text, layers, onProblem) => ({
    ...settings(text, layers, onProblem, (layer) => layer % 2 === 0),
    ...(text.attn_logit_softcapping && { scoreCap: text.attn_logit_softcapping }),
    ...(text.final_logit_softcapping && { logitCap: text.final_logit_softcapping }),
  }),
  json,
});

const angles = z.record(z.string(), z.unknown()).nullish();

/** The angles of layers with a window; `rope_scaling` is for the others alone. */
const localTheta = 10000;

/**
 * Gemma 3, its text half (arXiv 2503.19786): norms as Gemma 2, queries and keys normalised head by head, five layers of six
 * with a window and angles of their own. Scores are not capped, whatever config.json says.
 */
export const gemma3 = decoderFamily({
  ...alike,
  title: "Gemma 3",
  name: "gemma3_text",
  architecture: "Gemma3ForCausalLM",
  structure: { ...alike.structure, queryKeyNorm: "head" },
  defaults: { ...defaults, vocab_size: 262208, rope_theta: 1000000, max_position_embeddings: 131072 },
  own: own.extend({
    final_logit_softcapping: keys.cap,
    sliding_window_pattern: upTo("layers").nullish(),
    rope_local_base_freq: z.number().positive().default(localTheta),
    rope_parameters: z.object({ full_attention: angles, sliding_attention: angles }).nullish(),
    max_position_embeddings: upTo("positions").default(131072),
    head_dim: upTo("headDim").nullish(),
  }),
  rotaryJson: ({ rope_parameters, rope_scaling, rope_theta }) => {
    const given: Record<string, unknown> = Object(Object(rope_parameters).full_attention);
    return { rope_theta, rope_parameters: { ...given, ...Object(rope_scaling) } };
  },
  settings: (text, layers, onProblem) => {
    const pattern = text.sliding_window_pattern ?? 6;
    const headDim = text.head_dim ?? 256;
    const windowAngles = readRotary(
      { rope_parameters: text.rope_parameters?.sliding_attention, rope_theta: text.rope_local_base_freq },
      (key, problem) =>
        onProblem(key.replace("rope_parameters", "rope_parameters.sliding_attention"), problem),
      { theta: localTheta, maxPositions: text.max_position_embeddings, headDim },
    );
    if (dependsOnLength({ headDim, ...windowAngles })) {
      onProblem("rope_parameters.sliding_attention.rope_type", "must not depend on the sequence's length");
    }
    return {
      ...settings(text, layers, onProblem, (layer) => (layer + 1) % pattern !== 0),
      ...(text.final_logit_softcapping && { logitCap: text.final_logit_softcapping }),
      windowRotary: { headDim, ...windowAngles },
    };
  },
  json: (config) => {
    const { ropeTheta, ropeScaling, windowRotary } = config;
    const anglesJson = (theta: number | undefined, scaling: RotaryDecoderConfig["ropeScaling"]) => ({
      rope_theta: theta,
      ...(scaling ? scalingJson(scaling) : { rope_type: "default" }),
    });
    return {
      ...json(config),
      rope_theta: undefined,
      rope_scaling: undefined,
      rope_parameters: {
        full_attention: anglesJson(ropeTheta, ropeScaling),
        sliding_attention: anglesJson(windowRotary?.ropeTheta, windowRotary?.ropeScaling),
      },
    };
  },
});
