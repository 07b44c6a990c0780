import type { z } from "zod";
import { type OnProblem, parsed } from "../config-reading.ts";
import {
  type DecoderStructure,
  enterLayers,
  finishLogits,
  layerAttention,
  RotaryDecoder,
} from "./decoder.ts";
import {
  type DecoderDefaults,
  type DecoderSettings,
  decoderJson,
  type RotaryDecoderConfig,
  type RotaryFamilyName,
  readDecoder,
} from "./decoder-config.ts";
import type { LanguageFamily } from "./family.ts";
import type { RotaryRules } from "./rotary-config.ts";

/** Everything in which one family of rotary decoders differs from another. */
export interface DecoderDefinition<Shape extends z.ZodRawShape> {
  readonly title: string;
  /** `model_type` in config.json. */
  readonly name: RotaryFamilyName;
  /** The published class. */
  readonly architecture: string;
  readonly structure: DecoderStructure;
  readonly defaults: DecoderDefaults;
  /** The keys of config.json, beside the sizes, that mean something to the family. */
  readonly own: z.ZodObject<Shape>;
  /** What the config has of its own keys. */
  settings(text: z.infer<z.ZodObject<Shape>>, layers: number, onProblem: OnProblem): DecoderSettings;
  /** How its rotary settings are read where that is not as usual. */
  rotary?(text: z.infer<z.ZodObject<Shape>>): Partial<RotaryRules>;
  /** config.json as the usual reader of rotary settings takes it, where the family spells them otherwise. */
  rotaryJson?(json: Record<string, unknown>): Record<string, unknown>;
  /** Keys that are written otherwise than {@link decoderJson} does. */
  json?(config: RotaryDecoderConfig): Record<string, unknown>;
  /** The key of the activation; default `hidden_act`. */
  readonly activationKey?: string;
  /** The linear layers that get a LoRA by default; default queries and values. */
  readonly loraTargets?: readonly string[];
}

/** A family of rotary decoders as a row of the table of families. */
export function decoderFamily<Shape extends z.ZodRawShape>(
  definition: DecoderDefinition<Shape>,
): LanguageFamily<RotaryDecoderConfig> {
  const { structure, activationKey = "hidden_act", loraTargets = ["q_proj", "v_proj"] } = definition;
  const decoder = new RotaryDecoder(structure);
  return {
    title: definition.title,
    readConfig: (json, onProblem) => readConfig(definition, json, onProblem),
    configJson: (config) => ({
      ...decoderJson(config, definition.architecture, activationKey),
      ...definition.json?.(config),
    }),
    sizes: structure.fused
      ? bodySizes("self_attn.o_proj")
      : [...bodySizes("mlp.gate_proj"), intermediateSize],
    names: { body: "model", embeddings: "embed_tokens", layers: "layers" },
    layerAttention,
    prepareEmbeddings: (_, embeddings, config) => decoder.prepareEmbeddings(embeddings, config),
    enterLayers,
    attention: (layer, x, around, config) => decoder.attention(layer, x, around, config),
    pictureKeysValues: (layer, tokens, config) => decoder.pictureKeysValues(layer, tokens, config),
    postAttention: (layer, rows, config) => decoder.postAttention(layer, rows, config),
    finalNorm: (body, x, config) => decoder.finalNorm(body, x, config),
    finishLogits,
    loraTargets,
  };
}

function readConfig<Shape extends z.ZodRawShape>(
  { name, defaults, own, settings, rotary, rotaryJson }: DecoderDefinition<Shape>,
  json: Record<string, unknown>,
  onProblem: OnProblem,
): RotaryDecoderConfig | undefined {
  const text = parsed(own, json, onProblem);
  const config = readDecoder(json, onProblem, {
    name,
    defaults,
    rotary: (text && rotary?.(text)) ?? {},
    rotaryJson: rotaryJson?.(json) ?? json,
  });
  if (text === undefined || config === undefined) return undefined;
  return { ...config, ...settings(text, config.layers, onProblem) };
}

const bodySizes = (module: string) =>
  [
    { key: "vocab_size", tensor: "model.embed_tokens.weight", axis: 0 },
    { key: "hidden_size", tensor: "model.embed_tokens.weight", axis: 1 },
    { key: "num_hidden_layers", layer: (i: number) => `model.layers.${i}.${module}.weight` },
  ] as const;

const intermediateSize = {
  key: "intermediate_size",
  tensor: "model.layers.0.mlp.gate_proj.weight",
  axis: 0,
} as const;
