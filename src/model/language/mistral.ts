import { z } from "zod";
import { keys, readWindow, unless } from "./decoder-config.ts";
import { decoderFamily } from "./decoder-family.ts";

/** Mistral (arXiv 2310.06825): a LLaMA all of whose layers may have a window. */
export const mistral = decoderFamily({
  title: "Mistral",
  name: "mistral",
  architecture: "MistralForCausalLM",
  structure: { norms: "before" },
  defaults: {
    hidden_size: 4096,
    num_hidden_layers: 32,
    num_attention_heads: 32,
    num_key_value_heads: 8,
    intermediate_size: 14336,
    vocab_size: 32000,
    rms_norm_eps: 1e-6,
    rope_theta: 10000,
    max_position_embeddings: 131072,
    tie_word_embeddings: false,
    bos: 1,
    eos: 2,
    pad: -1,
  },
  own: z.object({ hidden_act: keys.activation, sliding_window: keys.window.default(4096) }),
  settings: ({ hidden_act, sliding_window: size }, layers, onProblem) => ({
    ...unless("activation", hidden_act, "silu"),
    ...readWindow({ size, layerTypes: null }, layers, onProblem, () => size != null),
  }),
  json: ({ window }) => ({ sliding_window: window?.size ?? null }),
});
