import { type Adapter, loraName, loraPlacement } from "../checkpoint/index.ts";
import {
  describeParameters,
  generationOf,
  loraPartOf,
  modelScope,
  type OwlConfig,
  readsTiles,
  type Stage,
  stageScopeOptions,
  stages,
} from "../model/index.ts";
import type { ScopeOptions } from "../tensor/index.ts";

const loraPrefix = loraName("", "A").split(".lora_")[0];

/** The name by which a model asks for a part of a LoRA, from PEFT's. */
export const tracedName = (published: string): string => published.slice(loraPrefix.length);

/** The name that a parameter has in the model's files; of a part of a LoRA, in PEFT's, or where UReader's training saves it. */
export function publishedName(config: OwlConfig, name: string): string {
  const stored = generationOf(config).names?.published(name) ?? name;
  if (loraPartOf(name) === undefined) return stored;
  // UReader's training wraps the language model alone.
  return readsTiles(config)
    ? stored.replace(/^language_model\./, `language_model.${loraPrefix}`)
    : loraPrefix + stored;
}

/**
 * How a model is traced with an adapter: a stage's parameters learn, and the low-rank additions stand where the
 * adapter has matrices, wherever that is.
 *
 * @throws RangeError naming the adapter's layers beside which no addition is computed: merging can change them, a
 *   gradient by their matrices cannot be had
 */
export function adapterScopeOptions(config: OwlConfig, stage: Stage, adapter: Adapter): ScopeOptions {
  const options = stageScopeOptions(stage, loraPlacement(adapter));
  if (!stages[stage].lora) return options;
  const traced = new Set(describeParameters(config, modelScope(config, options)).map(({ name }) => name));
  const lost = [...adapter.lora.keys()].map(tracedName).filter((name) => !traced.has(name));
  if (lost.length === 0) return options;
  const layers = [...new Set(lost.map((name) => loraPartOf(name)!.layer))];
  const more = layers.length > 4 ? ` and ${layers.length - 4} more` : "";
  throw new RangeError(
    `adapter: stage ${stage} needs a LoRA on linear layers, got ${layers.slice(0, 4).join(", ")}${more}; merge the adapter (owl merge) and train on from there`,
  );
}
