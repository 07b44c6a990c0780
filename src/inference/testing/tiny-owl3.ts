import { type OwlConfig, parseConfig } from "../../model/index.ts";

/** Sizes of a language model with 2 heads of 8 numbers for its keys. */
export const tinyLanguage = {
  hidden_size: 32,
  num_hidden_layers: 2,
  num_attention_heads: 4,
  num_key_value_heads: 2,
  intermediate_size: 16,
  vocab_size: 16,
  max_position_embeddings: 64,
};

/** A mPLUG-Owl3 with 4 visual tokens a picture and one layer that looks at them. */
export function tinyOwl3(version: string): OwlConfig {
  return parseConfig({
    ...tinyLanguage,
    model_type: "mplugowl3",
    mplugowl3_version: version,
    hyper_layers: [2],
    vision_config: {
      hidden_size: 8,
      num_hidden_layers: 2,
      num_attention_heads: 1,
      intermediate_size: 8,
      image_size: 28,
      patch_size: 14,
    },
  });
}
