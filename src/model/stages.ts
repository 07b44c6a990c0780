import { isKind, rootScope, type Scope, type ScopeOptions, type Tensor } from "../tensor/index.ts";
import { isInModule, type LoraPlacement, loraPartOf } from "./lora.ts";

/** A stage of training: which parameters learn. */
export type Stage = "language" | "vision" | "1" | "2" | "released" | "full" | "behind-vision";

export interface StageDefinition {
  /** Which parameters learn, in words. */
  readonly description: string;
  /** Whether a parameter of this published name learns. */
  readonly trained: (name: string) => boolean;
  /** Whether the language model gets a LoRA; see {@link LoraPlacement}. */
  readonly lora: boolean;
}

const isLanguage = (name: string): boolean => name.startsWith("language_model.");
const isVision = (name: string): boolean => name.startsWith("vision_model.");
const isLora = (name: string): boolean => loraPartOf(name) !== undefined;
const isAbstractor = (name: string): boolean =>
  name.startsWith("abstractor.") || name === "query_tokens" || name === "temporal_query_tokens";

/**
 * The stages of training. The paper (§3.2) trains vision encoder and abstractor in stage 1, the abstractor and a LoRA
 * in stage 2; the released scripts train the LoRA alone, or the whole language model. mPLUG-Owl2's train all but the vision
 * encoder.
 */
export const stages: Readonly<Record<Stage, StageDefinition>> = {
  language: { description: "the language model, on text alone", trained: isLanguage, lora: false },
  vision: { description: "the vision encoder, on labelled patches", trained: isVision, lora: false },
  "1": {
    description: "vision encoder, queries and abstractor; the language model is frozen",
    trained: (name) => !isLanguage(name),
    lora: false,
  },
  "2": {
    description: "queries, abstractor and LoRA (as in the paper)",
    trained: (name) => isLora(name) || isAbstractor(name),
    lora: true,
  },
  released: { description: "LoRA alone (as the released script)", trained: isLora, lora: true },
  full: {
    description: "the whole language model (as the second released script)",
    trained: isLanguage,
    lora: false,
  },
  "behind-vision": {
    description: "queries, abstractor and the whole language model (as mPLUG-Owl2's released script)",
    trained: (name) => !isVision(name),
    lora: false,
  },
};

/**
 * The settings of a scope that trains what a stage trains.
 *
 * @param lora of the stages with a LoRA; the others ignore it
 * @throws TypeError where such a stage gets none
 */
export function stageScopeOptions(stage: Stage, lora?: LoraPlacement): ScopeOptions {
  const { trained, lora: hasLora } = stages[stage];
  if (!hasLora) return { trained };
  if (lora === undefined) throw new TypeError(`stage ${stage}: needs a LoRA's settings, got none`);
  const { modulesToSave = [], ...placement } = lora;
  const isSaved = (name: string): boolean => modulesToSave.some((module) => isInModule(name, module));
  return { trained: (name) => trained(name) || isSaved(name), lora: placement };
}

/** A fresh scope that trains what a stage trains; see {@link stageScopeOptions}. */
export function stageScope(stage: Stage, lora?: LoraPlacement): Scope {
  return rootScope(stageScopeOptions(stage, lora));
}

/** The parameters a scope handed out that learn. */
export function trainedParameters(scope: Scope): ReadonlyMap<string, Tensor> {
  return new Map(
    [...scope.parameters()].filter(([, { node }]) => isKind(node, "parameter") && node.attributes.trained),
  );
}
