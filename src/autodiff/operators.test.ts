import { describe, expect, test } from "vitest";
import * as op from "../tensor/index.ts";
import { requireClose } from "../tensor/testing/compare.ts";
import { randomStream } from "../tensor/testing/random.ts";
import { type Traced, trace } from "../tensor/testing/row.ts";
import { everyRow, rows } from "../tensor/testing/rows.ts";
import { gradients } from "./index.ts";

/** A scalar that depends on every entry of the results, each with a weight of its own. */
function weightedSum(results: readonly op.Tensor[], seed: string): op.Tensor {
  const random = randomStream(seed);
  const sums = results.map((result) => {
    const dims = op.staticSizes(result.shape, "the weights of a loss");
    const weights = Array.from({ length: op.elementCount(dims) }, () => 2 * random() - 1);
    return op.total(op.mul(result, op.constant(op.float32(weights, dims))));
  });
  return sums.reduce(op.add);
}

/** ∂loss/∂leaf by central differences in float64. */
function differences(loss: op.Tensor, values: Traced["values"], name: string): op.Numbers {
  const centre = Float64Array.from(values[name].data as Float32Array);
  const { dims } = values[name];
  const lossAt = (i: number, step: number): number => {
    const data = centre.with(i, centre[i] + step);
    return op.interpret([loss], { ...values, [name]: { dims, data } })[0].data[0];
  };
  const step = 1e-5;
  const data = centre.map((_, i) => (lossAt(i, step) - lossAt(i, -step)) / (2 * step));
  return { dims, data };
}

/** Compares the derived gradient graph, interpreted in float64, with finite differences. */
export function checkGradients({ leaves, values, results }: Traced, names: readonly string[]): void {
  const loss = weightedSum(results, names.join());
  const derived = op.interpret(
    gradients(
      loss,
      names.map((name) => leaves[name]),
    ),
    values,
  );
  for (const [i, name] of names.entries()) {
    requireClose(`gradient of ${name}`, derived[i], differences(loss, values, name), 1e-6);
  }
}

const differentiable = everyRow.filter(
  ({ row }) => row.differentiable.length > 0 && row.symbolic.length === 0,
);

describe("gradient rules against finite differences", () => {
  test.each(differentiable)("$kind: $about", ({ row }) => checkGradients(trace(row), row.differentiable));

  test("every operator but the one for inference is tried", () => {
    const tried = new Set(differentiable.map(({ kind }) => kind));
    expect(Object.keys(rows).filter((kind) => !tried.has(kind as op.OperatorKind))).toEqual([
      "cachedAttention",
    ]);
  });
});
