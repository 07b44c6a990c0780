import { z } from "zod";
import type { OnProblem } from "../config-reading.ts";
import { type DecoderDefaults, type DecoderSettings, keys, readWindow, unless } from "./decoder-config.ts";
import { decoderFamily } from "./decoder-family.ts";

const defaults: DecoderDefaults = {
  hidden_size: 4096,
  num_hidden_layers: 32,
  num_attention_heads: 32,
  num_key_value_heads: 32,
  intermediate_size: 22016,
  vocab_size: 151936,
  rms_norm_eps: 1e-6,
  rope_theta: 10000,
  max_position_embeddings: 32768,
  tie_word_embeddings: false,
  bos: -1,
  eos: -1,
  pad: -1,
};

const own = z.object({
  hidden_act: keys.activation,
  use_sliding_window: z.boolean().default(false),
  sliding_window: keys.window.default(4096),
  max_window_layers: z.number().int().nonnegative().default(28),
  layer_types: keys.layerTypes,
});

function settings(text: z.infer<typeof own>, layers: number, onProblem: OnProblem): DecoderSettings {
  const size = text.use_sliding_window ? text.sliding_window : null;
  const slides = (layer: number): boolean => size != null && layer >= text.max_window_layers;
  return {
    ...unless("activation", text.hidden_act, "silu"),
    ...readWindow({ size, layerTypes: text.layer_types }, layers, onProblem, slides),
  };
}

/** Qwen 2 and 2.5: a LLaMA with biases on queries, keys and values. */
export const qwen2 = decoderFamily({
  title: "Qwen2",
  name: "qwen2",
  architecture: "Qwen2ForCausalLM",
  structure: { norms: "before", projectionBias: true },
  defaults,
  own,
  settings,
});

/** Qwen 3: queries and keys normalised head by head. */
export const qwen3 = decoderFamily({
  title: "Qwen3",
  name: "qwen3",
  architecture: "Qwen3ForCausalLM",
  structure: { norms: "before", queryKeyNorm: "head" },
  defaults: { ...defaults, head_dim: 128 },
  own: own.extend({ attention_bias: keys.bias }),
  settings: (text, layers, onProblem) => ({
    ...settings(text, layers, onProblem),
    ...(text.attention_bias && { attentionBias: true }),
  }),
});
