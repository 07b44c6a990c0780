import type { DType, HostTensor } from "../host-tensor.ts";
import { float32, int64 } from "../host-tensor.ts";
import { type Initial, makeTensor, type ParameterRole, type Tensor } from "../node.ts";
import { dim, type Shape } from "../shape.ts";

/** A placeholder: a value that is fed each time the graph runs. */
export function input(name: string, dtype: DType, shape: Shape): Tensor {
  return makeTensor("input", [], { name }, dtype, shape);
}

/** A float32 parameter, known by its published name. Model code asks a `Scope` instead. */
export function parameter(
  name: string,
  shape: Shape,
  initial: Initial,
  { trained = true, role = "weight" }: { readonly trained?: boolean; readonly role?: ParameterRole } = {},
): Tensor {
  return makeTensor("parameter", [], { name, initial, trained, role }, "float32", shape);
}

/** Packed bytes of a quantised weight, unsigned if nothing else is said; they are never trained. */
export function packedParameter(name: string, shape: Shape, dtype: "uint8" | "int8" = "uint8"): Tensor {
  const initial: Initial = { kind: "constant", value: 0 };
  return makeTensor("parameter", [], { name, initial, trained: false, role: "weight" }, dtype, shape);
}

/** A constant of the graph. Dimension names are for error texts only. */
export function constant(value: HostTensor, names: readonly string[] = []): Tensor {
  const shape = value.dims.map((size, i) => dim(names[i] ?? `constant${i}`, size));
  return makeTensor("constant", [], { value }, value.dtype, shape);
}

/** A float32 scalar constant. */
export function scalar(value: number): Tensor {
  return constant(float32([value], []));
}

/** A list of whole numbers as an int64 constant. */
export function integers(values: readonly number[]): Tensor {
  return constant(int64(values, [values.length]));
}
