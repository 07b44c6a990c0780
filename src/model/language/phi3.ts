import { z } from "zod";
import { upTo } from "../config-limits.ts";
import { keys, readWindow, unless } from "./decoder-config.ts";
import { decoderFamily } from "./decoder-family.ts";

/** Phi-3, Phi-3.5 and Phi-4-mini (arXiv 2404.14219): fused projections, a part of each head turned, LongRoPE. */
export const phi3 = decoderFamily({
  title: "Phi-3",
  name: "phi3",
  architecture: "Phi3ForCausalLM",
  structure: { norms: "before", fused: true },
  defaults: {
    hidden_size: 3072,
    num_hidden_layers: 32,
    num_attention_heads: 32,
    intermediate_size: 8192,
    vocab_size: 32064,
    rms_norm_eps: 1e-5,
    rope_theta: 10000,
    max_position_embeddings: 4096,
    tie_word_embeddings: false,
    bos: 1,
    eos: 32000,
    pad: 32000,
  },
  own: z.object({
    hidden_act: keys.activation,
    sliding_window: keys.window,
    original_max_position_embeddings: upTo("positions").default(4096),
  }),
  settings: ({ hidden_act, sliding_window: size }, layers, onProblem) => ({
    ...unless("activation", hidden_act, "silu"),
    ...readWindow({ size, layerTypes: null }, layers, onProblem, () => size != null),
  }),
  rotary: ({ original_max_position_embeddings: originalPositions }) => ({
    originalPositions,
    partial: true,
    formerKinds: { su: "longrope", yarn: "longrope" },
  }),
  json: ({ ropeScaling }) =>
    ropeScaling !== undefined && "originalPositions" in ropeScaling
      ? { original_max_position_embeddings: ropeScaling.originalPositions }
      : {},
  loraTargets: ["qkv_proj"],
});
