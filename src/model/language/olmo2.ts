import { z } from "zod";
import { keys, unless } from "./decoder-config.ts";
import { decoderFamily } from "./decoder-family.ts";

/** OLMo 2 (arXiv 2501.00656): what attention and MLP give is normalised, not what they take; so are queries and keys. */
export const olmo2 = decoderFamily({
  title: "OLMo 2",
  name: "olmo2",
  architecture: "Olmo2ForCausalLM",
  structure: { norms: "after", queryKeyNorm: "projection" },
  defaults: {
    hidden_size: 4096,
    num_hidden_layers: 32,
    num_attention_heads: 32,
    intermediate_size: 11008,
    vocab_size: 50304,
    rms_norm_eps: 1e-5,
    rope_theta: 10000,
    max_position_embeddings: 2048,
    tie_word_embeddings: false,
    bos: -1,
    eos: 50279,
    pad: 1,
  },
  own: z.object({ hidden_act: keys.activation, attention_bias: keys.bias }),
  settings: (text) => ({
    ...unless("activation", text.hidden_act, "silu"),
    ...(text.attention_bias && { attentionBias: true }),
  }),
});
