import { mkdirSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { type OwlConfig, parseConfig, quantizationJson } from "../src/model/index.ts";
import { quantizationOf } from "../src/quantization/index.ts";
import { configurations } from "./configurations.ts";
import type { GgufMix } from "./random-gguf.ts";
import { writeQuantized } from "./synthetic.ts";

/** As `owl convert` does by default: 4 bits, 8 in table and head. */
const quantization = quantizationOf({ quantize: "q4" })!;

/** A published LLaMA 7 B with so many layers, and room for longer texts than that has. */
function llama7b(layers: number): OwlConfig {
  const { language, ...rest } = configurations["7b"];
  return { ...rest, quantization, language: { ...language, layers, maxPositions: 8192 } };
}

/** A language model alone, by the sizes of its published config.json. */
function alone(json: Readonly<Record<string, unknown>>): OwlConfig {
  return parseConfig({ ...json, quantization: quantizationJson(quantization) });
}

const small = { tie_word_embeddings: true, max_position_embeddings: 8192, hidden_act: "silu" };

/** Shapes of language models, whose weights here are random numbers. */
export const textModels = {
  "7b-4-layers": () => llama7b(4),
  "7b": () => llama7b(32),
  /** Llama 3.2's smallest. */
  "1b": () =>
    alone({
      ...small,
      model_type: "llama",
      hidden_size: 2048,
      intermediate_size: 8192,
      num_hidden_layers: 16,
      num_attention_heads: 32,
      num_key_value_heads: 8,
      head_dim: 64,
      vocab_size: 128256,
      rope_theta: 500000,
      rms_norm_eps: 1e-5,
    }),
  "qwen3-0.6b": () =>
    alone({
      ...small,
      model_type: "qwen3",
      hidden_size: 1024,
      intermediate_size: 3072,
      num_hidden_layers: 28,
      num_attention_heads: 16,
      num_key_value_heads: 8,
      head_dim: 128,
      vocab_size: 151936,
      rope_theta: 1000000,
      rms_norm_eps: 1e-6,
    }),
  "smollm2-135m": () =>
    alone({
      ...small,
      model_type: "llama",
      hidden_size: 576,
      intermediate_size: 1536,
      num_hidden_layers: 30,
      num_attention_heads: 9,
      num_key_value_heads: 3,
      vocab_size: 49152,
      rope_theta: 100000,
      rms_norm_eps: 1e-5,
    }),
  /** Shows that a bench runs. */
  tiny: () =>
    alone({
      ...small,
      model_type: "llama",
      hidden_size: 128,
      intermediate_size: 256,
      num_hidden_layers: 2,
      num_attention_heads: 4,
      num_key_value_heads: 2,
      vocab_size: 512,
      rms_norm_eps: 1e-5,
    }),
} as const satisfies Readonly<Record<string, () => OwlConfig>>;

export type TextModelName = keyof typeof textModels;

/** A model of these by its name. */
export function textModelNamed(name: string): TextModelName {
  if (name in textModels) return name as TextModelName;
  throw new RangeError(`bench: models are ${Object.keys(textModels).join(", ")}, got ${name}`);
}

const cache = fileURLToPath(new URL("../.cache", import.meta.url));

interface Places {
  readonly directory: string;
  readonly gguf: string;
  /** What `owl convert --quantize none` makes of the GGUF file. */
  readonly converted: string;
}

/** Where a model is, and its GGUF file, which may be missing. */
export function placesOf(name: TextModelName, mix: GgufMix = "q4_0"): Places {
  const file = `${cache}/text-${name}${mix === "q4_0" ? "" : `-${mix}`}`;
  return { directory: `${cache}/text-${name}`, gguf: `${file}.gguf`, converted: `${file}-of-gguf` };
}

/** Writes a model unless it is there. */
export async function writeTextModel(name: TextModelName): Promise<void> {
  const { directory } = placesOf(name);
  mkdirSync(directory, { recursive: true });
  await writeQuantized(directory, textModels[name]());
}
