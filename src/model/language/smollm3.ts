import { z } from "zod";
import { upTo } from "../config-limits.ts";
import { keys, readWindow, requireLength, unless } from "./decoder-config.ts";
import { decoderFamily } from "./decoder-family.ts";

/** SmolLM3: a LLaMA of which every fourth layer has no positions. */
export const smollm3 = decoderFamily({
  title: "SmolLM3",
  name: "smollm3",
  architecture: "SmolLM3ForCausalLM",
  structure: { norms: "before" },
  defaults: {
    hidden_size: 2048,
    num_hidden_layers: 36,
    num_attention_heads: 16,
    num_key_value_heads: 4,
    intermediate_size: 11008,
    vocab_size: 128256,
    rms_norm_eps: 1e-6,
    rope_theta: 2000000,
    max_position_embeddings: 32768,
    tie_word_embeddings: true,
    bos: 128000,
    eos: 128001,
    pad: 128004,
  },
  own: z.object({
    hidden_act: keys.activation,
    attention_bias: keys.bias,
    mlp_bias: keys.bias,
    no_rope_layers: keys.switches,
    no_rope_layer_interval: upTo("layers").default(4),
    use_sliding_window: z.boolean().default(false),
    sliding_window: keys.window,
    layer_types: keys.layerTypes,
  }),
  settings: (text, layers, onProblem) => {
    // The key says the opposite of its name: 1 is a layer with positions.
    requireLength("no_rope_layers", text.no_rope_layers, layers, onProblem);
    const rotaryLayers = Array.from({ length: layers }, (_, i) =>
      Boolean(text.no_rope_layers?.[i] ?? (i + 1) % text.no_rope_layer_interval !== 0),
    );
    const { sliding_window: size, use_sliding_window: slides, layer_types: layerTypes } = text;
    const hasWindow = (layer: number): boolean => slides && size != null && !rotaryLayers[layer];
    return {
      ...unless("activation", text.hidden_act, "silu"),
      ...(text.attention_bias && { attentionBias: true }),
      ...(text.mlp_bias && { mlpBias: true }),
      ...readWindow({ size, layerTypes }, layers, onProblem, hasWindow),
      rotaryLayers,
    };
  },
});
