import {
  type DType,
  type Initial,
  isKind,
  type ParameterRole,
  type Scope,
  staticSizes,
  type Tensor,
} from "../tensor/index.ts";
import { traceForward } from "./owl.ts";
import type { OwlConfig } from "./owl-config.ts";
import { modelScope } from "./quantization.ts";

/** One row of a model's parameter table. */
export interface ParameterDescription {
  /** The published name. */
  readonly name: string;
  readonly dims: readonly number[];
  /** uint8 for the packed numbers of a quantised weight. */
  readonly dtype: DType;
  /** The part it belongs to. */
  readonly module: "vision encoder" | "visual abstractor" | "language model" | "LoRA";
  /** Its initialisation. */
  readonly initial: Initial;
  readonly trained: boolean;
  /** Its role, as the model declares it. */
  readonly role: ParameterRole;
}

/** Whether weight decay acts on a parameter: on weights, not on biases, norms, magnitudes, learned tokens and positions. */
export function hasWeightDecay({ role }: Pick<ParameterDescription, "role">): boolean {
  return role === "weight" || role === "embedding" || role === "lora";
}

function moduleOf(name: string, role: ParameterRole): ParameterDescription["module"] {
  if (role === "lora" || role === "magnitude") return "LoRA";
  if (name.startsWith("vision_model.")) return "vision encoder";
  return name.startsWith("language_model.") ? "language model" : "visual abstractor";
}

/**
 * Every parameter the model asks for, in the order of the computation: found by tracing it once, so that the table
 * cannot differ from the computation.
 *
 * @param scope a fresh root scope; one of `stageScope` tells which parameters learn and adds the LoRA's
 */
export function describeParameters(
  config: OwlConfig,
  scope: Scope = modelScope(config),
): ParameterDescription[] {
  const videos = config.video ? { count: 1, frames: 2 } : undefined;
  const tokens = 2 * (config.numQueryTokens + 1) + 1;
  const images = config.textOnly ? 0 : 1;
  traceForward(config, { batch: 1, tokens, images, videos, picturesPerRow: images }, ["logits"], scope);
  return [...scope.parameters()].map(([name, tensor]) => describeParameter(name, tensor));
}

/** A parameter that a scope handed out. */
export function describeParameter(name: string, tensor: Tensor): ParameterDescription {
  const { node, shape, dtype } = tensor;
  if (!isKind(node, "parameter")) throw new TypeError(`${name}: a scope hands out parameters`);
  const { initial, trained, role } = node.attributes;
  const dims = staticSizes(shape, name);
  return { name, dims, dtype, module: moduleOf(name, role), initial, trained, role };
}
