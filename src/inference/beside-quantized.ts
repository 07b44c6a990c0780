import {
  type Adapter,
  CheckpointError,
  loraName,
  loraPlacement,
  type StateDict,
  validateAdapter,
} from "../checkpoint/index.ts";
import { describeParameters, modelScope, type OwlConfig } from "../model/index.ts";
import type { StoredParameters } from "../runtime/index.ts";
import type { Scope } from "../tensor/index.ts";

/** A quantised model with an adapter: its low-rank additions are computed beside the layers, since nothing can be merged. */
export interface BesideQuantized {
  /** A fresh scope for tracing the model with the adapter. */
  readonly newScope: () => Scope;
  /** The adapter's matrices and the tensors that replace the model's. */
  readonly parameters: StateDict;
  /** The model's own parameters, but for replaced ones. */
  readonly stored: StoredParameters;
}

const prefix = loraName("", "A").split(".lora_")[0];

/**
 * Puts an adapter beside a quantised model.
 *
 * @param where the adapter's place, for errors
 * @throws CheckpointError naming every tensor of the adapter that the model has not, or that is beside no linear layer
 */
export function besideQuantized(
  config: OwlConfig,
  { directory, places }: StoredParameters,
  adapter: Adapter,
  where: string,
): BesideQuantized {
  const { quantization: _, ...floating } = config;
  const { replaced } = adapter;
  validateAdapter(new Map(describeParameters(floating).map((one) => [one.name, one])), adapter, where);
  if (adapter.settings.useDora) {
    throw new CheckpointError(
      where,
      "must be a LoRA without lengths of its own beside a quantised model",
      ["use_dora: true, which changes the model's weights too"],
      "Merge it into the checkpoint that the model was converted from, and convert that.",
    );
  }
  const lora = [...adapter.lora].map(([name, value]) => [name.slice(prefix.length), value] as const);
  const newScope = (): Scope =>
    modelScope(config, { lora: loraPlacement(adapter) }, (name) => replaced.has(name));
  const traced = new Set(describeParameters(config, newScope()).map(({ name }) => name));
  const lost = lora.map(([name]) => name).filter((name) => !traced.has(name));
  if (lost.length > 0) {
    const next = "Merge it into the checkpoint that the model was converted from, and convert that.";
    throw new CheckpointError(
      where,
      "must have a LoRA on linear layers alone beside a quantised model",
      lost,
      next,
    );
  }
  const kept = [...places].filter(([name]) => !replaced.has(name));
  return {
    newScope,
    parameters: new Map([...replaced, ...lora]),
    stored: { directory, places: new Map(kept) },
  };
}
