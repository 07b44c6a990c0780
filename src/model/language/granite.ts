import { z } from "zod";
import { keys, unless } from "./decoder-config.ts";
import { decoderFamily } from "./decoder-family.ts";

/** Granite 3: a LLaMA whose embeddings, scores, residual sums and logits are scaled. */
export const granite = decoderFamily({
  title: "Granite",
  name: "granite",
  architecture: "GraniteForCausalLM",
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
    pad: -1,
  },
  own: z.object({
    hidden_act: keys.activation,
    attention_bias: keys.bias,
    mlp_bias: keys.bias,
    embedding_multiplier: keys.multiplier,
    attention_multiplier: keys.multiplier,
    residual_multiplier: keys.multiplier,
    logits_scaling: keys.multiplier,
  }),
  settings: (text) => ({
    ...unless("activation", text.hidden_act, "silu"),
    ...(text.attention_bias && { attentionBias: true }),
    ...(text.mlp_bias && { mlpBias: true }),
    ...unless("embeddingMultiplier", text.embedding_multiplier, 1),
    // In place of the head size's power, also where it is 1.
    attentionMultiplier: text.attention_multiplier,
    ...unless("residualMultiplier", text.residual_multiplier, 1),
    ...unless("logitsScaling", text.logits_scaling, 1),
  }),
});
