import type { Initial, Tensor } from "./node.ts";
import { parameter } from "./operators/leaves.ts";
import { type Shape, sameShape, showShape } from "./shape.ts";

/** A low-rank addition to a linear layer: y += alpha / rank · B A x (LoRA). */
export interface Lora {
  readonly a: Tensor;
  readonly b: Tensor;
  readonly scale: number;
}

export interface ScopeOptions {
  /** Which parameters learn; all of them if absent. */
  readonly trained?: (name: string) => boolean;
  /** Which linear layers get a low-rank addition (by the weight's name without `.weight`). */
  readonly lora?: {
    readonly rank: number;
    readonly alpha: number;
    readonly targets: (layer: string) => boolean;
  };
}

/**
 * Hands out parameters by their published names while a model is traced. The same name is the same
 * parameter, so tied tables and several graphs of one model share their weights.
 */
export interface Scope {
  /** The name so far, without a trailing dot. */
  readonly path: string;
  /** A scope further down: `scope.at("layers.0")`. */
  at(name: string): Scope;
  /** The parameter of this name: shape and initial value stand where it is used. */
  parameter(name: string, shape: Shape, initial: Initial): Tensor;
  /** The low-rank addition of the linear layer at this scope, if it has one. */
  lora(shape: Shape): Lora | undefined;
  /** Every parameter handed out so far, in order. */
  parameters(): ReadonlyMap<string, Tensor>;
}

/** A new, empty root scope. */
export function rootScope(options: ScopeOptions = {}): Scope {
  return childScope("", options, new Map());
}

function childScope(path: string, options: ScopeOptions, known: Map<string, Tensor>): Scope {
  const full = (name: string): string => (path === "" ? name : `${path}.${name}`);
  const ask = (name: string, shape: Shape, initial: Initial): Tensor => {
    const earlier = known.get(full(name));
    if (earlier === undefined) {
      const made = parameter(full(name), shape, initial, options.trained?.(full(name)) ?? true);
      known.set(full(name), made);
      return made;
    }
    if (!sameShape(earlier.shape, shape)) {
      throw new TypeError(
        `parameter ${full(name)}: asked for as ${showShape(shape)}, but it is ${showShape(earlier.shape)}`,
      );
    }
    return earlier;
  };
  return {
    path,
    at: (name) => childScope(full(name), options, known),
    parameter: ask,
    lora: (shape) => askLora(path, shape, options, ask),
    parameters: () => known,
  };
}

function askLora(
  path: string,
  shape: Shape,
  options: ScopeOptions,
  ask: Scope["parameter"],
): Lora | undefined {
  const { lora } = options;
  if (!lora?.targets(path)) return undefined;
  const [out, width] = shape;
  const rank = { name: "rank", size: lora.rank };
  return {
    // PEFT starts A as Kaiming-uniform with a = √5, which is ±1/√width, and B at zero.
    a: ask("lora_A.weight", [rank, width], { kind: "uniform", bound: 1 / Math.sqrt(width.size ?? 1) }),
    b: ask("lora_B.weight", [out, rank], { kind: "constant", value: 0 }),
    scale: lora.alpha / lora.rank,
  };
}
