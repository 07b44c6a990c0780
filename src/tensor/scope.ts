import type { ActivationPrecision, Initial, ParameterRole, QuantizedBits, Tensor } from "./node.ts";
import { packedParameter, parameter } from "./operators/inputs.ts";
import { type QuantizedWeight, quantizedShapes } from "./operators/quantized.ts";
import { type RowQuantizedWeight, rowQuantizedShapes } from "./operators/row-quantized.ts";
import { type Shape, sameShape, showShape } from "./shape.ts";

/** The LoRA of a linear layer: y += scale · B A x. */
export interface Lora {
  readonly a: Tensor;
  readonly b: Tensor;
  readonly scale: number;
  /** DoRA's learned lengths of the rows of W + scale · B A, [out]; rows have the lengths that they have if absent. */
  readonly magnitude?: Tensor | undefined;
  /** Whether dropout acts on its input. */
  readonly dropout: boolean;
}

/** How a weight is quantised; see `QuantizedWeight`. */
export interface QuantizedFormat {
  readonly bits: QuantizedBits;
  /** How many numbers share a scale. */
  readonly blockSize: number;
  /** Whether each block has a zero point of its own. */
  readonly zeroPoints: boolean;
  /** Whether each block has a number of its own that is added to all of its numbers; not if absent. */
  readonly offsets?: boolean;
  readonly activations: ActivationPrecision;
}

/** How a weight is quantised in whole rows of signed bytes; see `RowQuantizedWeight`. */
export interface RowFormat {
  readonly bits: 8;
  readonly blockSize: "row";
  readonly activations: ActivationPrecision;
}

/** How a weight is quantised: in blocks, or in whole rows. */
export type WeightFormat = QuantizedFormat | RowFormat;

/** Whether one scale stands for a whole row. */
export function isRowFormat(format: WeightFormat): format is RowFormat {
  return format.blockSize === "row";
}

/** What decides about the size of a LoRA's addition. */
export interface LoraSize {
  readonly rank: number;
  readonly alpha: number;
  /** Whether the addition is scaled by alpha / √rank in place of alpha / rank (rsLoRA, arXiv 2312.03732); not if absent. */
  readonly useRslora?: boolean | undefined;
}

/** The factor on a LoRA's addition B A. */
export function loraScale({ rank, alpha, useRslora = false }: LoraSize): number {
  return alpha / (useRslora ? Math.sqrt(rank) : rank);
}

export interface ScopeOptions {
  /** Which parameters are trained, by name; all of them if absent. */
  readonly trained?: (name: string) => boolean;
  /** Which linear layers get a LoRA, by the weight's name without `.weight`. */
  readonly lora?: LoraSize & {
    readonly targets: (layer: string) => boolean;
    /** Whether the lengths of a weight's rows are learned apart from their directions (DoRA, arXiv 2402.09353); not if absent. */
    readonly useDora?: boolean | undefined;
    /** Whether dropout acts on its input, as in training; not if absent. */
    readonly dropout?: boolean;
  };
  /** The format of the weight of this name, where it is quantised; none is, if absent. */
  readonly quantized?: (name: string) => WeightFormat | undefined;
  /** Is told the tensors at which the graph may be cut, in the order of the computation. */
  readonly onBoundary?: (tensor: Tensor) => void;
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
  /**
   * The parameter of this name: shape, initial value and role stand where it is used. Biases, norms and learned tokens
   * have to say their role, because weight decay acts on the others.
   *
   * @param role default "weight"
   */
  parameter(name: string, shape: Shape, initial: Initial, role?: ParameterRole): Tensor;
  /** The LoRA of the linear layer at this scope, if it has one. */
  lora(shape: Shape): Lora | undefined;
  /**
   * The weight of this name quantised in blocks, if it is one: the parameters `<name>.packed`, `<name>.scales`,
   * `<name>.zero_points` and `<name>.offsets`.
   */
  quantized(name: string, shape: Shape): QuantizedWeight | undefined;
  /** The weight of this name quantised in whole rows, if it is one: the parameters `<name>.packed`, `<name>.scales` and `<name>.sums`. */
  quantizedRows(name: string, shape: Shape): RowQuantizedWeight | undefined;
  /** Every parameter handed out so far, in order. */
  parameters(): ReadonlyMap<string, Tensor>;
  /**
   * Marks a tensor at which the graph may be cut, so that what comes before it and what comes behind run as programs of their own:
   * the state between two layers. Gives back the same tensor.
   */
  boundary(tensor: Tensor): Tensor;
}

/** A new, empty root scope. */
export function rootScope(options: ScopeOptions = {}): Scope {
  return childScope("", options, new Map());
}

function childScope(path: string, options: ScopeOptions, known: Map<string, Tensor>): Scope {
  const full = (name: string): string => (path === "" ? name : `${path}.${name}`);
  const once = (name: string, shape: Shape, make: (name: string) => Tensor): Tensor => {
    const earlier = known.get(full(name));
    if (earlier === undefined) {
      const made = make(full(name));
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
  const ask: Scope["parameter"] = (name, shape, initial, role = "weight") =>
    once(name, shape, (whole) =>
      parameter(whole, shape, initial, { trained: options.trained?.(whole) ?? true, role }),
    );
  const bytes = (name: string, shape: Shape, dtype: "uint8" | "int8" = "uint8"): Tensor =>
    once(name, shape, (whole) => packedParameter(whole, shape, dtype));
  return {
    path,
    at: (name) => childScope(full(name), options, known),
    parameter: ask,
    lora: (shape) => askLora(path, shape, options, ask),
    quantized: (name, shape) => {
      const format = options.quantized?.(full(name));
      if (format === undefined || isRowFormat(format)) return undefined;
      const shapes = quantizedShapes(shape, format.bits, format.blockSize);
      const ofBlocks = (part: string): Tensor =>
        ask(`${name}.${part}`, shapes.scales, { kind: "constant", value: 0 });
      return {
        ...format,
        packed: bytes(`${name}.packed`, shapes.packed),
        scales: ofBlocks("scales"),
        zeroPoints: format.zeroPoints ? bytes(`${name}.zero_points`, shapes.zeroPoints) : undefined,
        offsets: format.offsets ? ofBlocks("offsets") : undefined,
      };
    },
    quantizedRows: (name, shape) => {
      const format = options.quantized?.(full(name));
      if (format === undefined || !isRowFormat(format)) return undefined;
      const shapes = rowQuantizedShapes(shape);
      const ofRows = (part: "scales" | "sums"): Tensor =>
        ask(`${name}.${part}`, shapes[part], { kind: "constant", value: 0 });
      return {
        activations: format.activations,
        packed: bytes(`${name}.packed`, shapes.packed, "int8"),
        scales: ofRows("scales"),
        sums: ofRows("sums"),
      };
    },
    parameters: () => known,
    boundary: (tensor) => {
      options.onBoundary?.(tensor);
      return tensor;
    },
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
    a: ask(
      "lora_A.weight",
      [rank, width],
      { kind: "uniform", bound: 1 / Math.sqrt(width.size ?? 1) },
      "lora",
    ),
    b: ask("lora_B.weight", [out, rank], { kind: "constant", value: 0 }, "lora"),
    scale: loraScale(lora),
    // DoRA starts with the lengths that the weight's rows have.
    magnitude: lora.useDora
      ? ask("lora_magnitude_vector", [out], { kind: "rowNorms", of: `${path}.weight` }, "magnitude")
      : undefined,
    dropout: lora.dropout ?? false,
  };
}
