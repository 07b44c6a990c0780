import { z } from "zod";
import { only } from "../config-reading.ts";
import { keys, type RotaryDecoderConfig, unless } from "./decoder-config.ts";
import { decoderFamily } from "./decoder-family.ts";

/** A LLaMA: RMS normalisation, rotary positions, gated MLP (arXiv 2302.13971). */
export type LlamaConfig = RotaryDecoderConfig & { readonly family: "llama" };

/** LLaMA 1 to 3, and models that are one under another name (SmolLM, SmolLM2, TinyLlama). */
export const llama = decoderFamily({
  title: "LLaMA",
  name: "llama",
  architecture: "LlamaForCausalLM",
  structure: { norms: "before" },
  defaults: {
    hidden_size: 4096,
    num_hidden_layers: 32,
    num_attention_heads: 32,
    intermediate_size: 11008,
    vocab_size: 32000,
    rms_norm_eps: 1e-6,
    rope_theta: 10000,
    max_position_embeddings: 2048,
    tie_word_embeddings: false,
    bos: 1,
    eos: 2,
    pad: 0,
  },
  own: z.object({
    hidden_act: keys.activation,
    attention_bias: keys.bias,
    mlp_bias: keys.bias,
    rope_interleaved: only(false),
  }),
  settings: (text) => ({
    ...unless("activation", text.hidden_act, "silu"),
    ...(text.attention_bias && { attentionBias: true }),
    ...(text.mlp_bias && { mlpBias: true }),
  }),
});
