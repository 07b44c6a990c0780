import fc from "fast-check";
import { describe, expect, test } from "vitest";
import * as op from "../tensor/index.ts";
import { requireClose } from "../tensor/testing/compare.ts";
import { randomStream } from "../tensor/testing/random.ts";
import { randomGraph } from "../tensor/testing/random-graph.ts";
import { type Traced, trace } from "../tensor/testing/row.ts";
import { everyRow, rows } from "../tensor/testing/rows.ts";
import { weightedSum } from "../tensor/testing/weighted-sum.ts";
import { gradients } from "./index.ts";

const toFloat64 = ({ dims, data }: op.HostTensor): op.Float64Tensor => ({
  dims,
  data: Float64Array.from(data, Number),
});

/** ∂loss/∂placeholder by central differences in float64. */
function differences(loss: op.Tensor, values: Traced["values"], name: string): op.Float64Tensor {
  const { dims, data: centre } = toFloat64(values[name]);
  const lossAt = (i: number, step: number): number => {
    const data = centre.with(i, centre[i] + step);
    return op.interpret([loss], { ...values, [name]: { dims, data } })[0].data[0];
  };
  const step = 1e-5;
  const data = centre.map((_, i) => (lossAt(i, step) - lossAt(i, -step)) / (2 * step));
  return { dims, data };
}

/** Compares the derived gradient graph, interpreted in float64, with finite differences. */
function checkGradients({ placeholders, values, results }: Traced, names: readonly string[]): void {
  const loss = weightedSum(results, names.join());
  const derived = op.interpret(
    gradients(
      loss,
      names.map((name) => placeholders[name]),
    ),
    values,
  );
  for (const [i, name] of names.entries()) {
    requireClose(`gradient of ${name}`, derived[i], differences(loss, values, name), 1e-6);
  }
}

const differentiable = everyRow.filter(
  ([, , row]) => row.differentiable.length > 0 && row.symbolic.length === 0,
);

describe("gradient rules against finite differences", () => {
  test.each(differentiable)("%s", (_, __, row) => checkGradients(trace(row), row.differentiable));

  test("no gradient passes what is detached", () => {
    const x = op.input("x", "float32", [op.dim("n", 3)]);
    const [gradient] = gradients(op.total(op.mul(x, op.detach(op.mul(x, x)))), [x]);
    const values = { x: { dims: [3], data: Float64Array.of(1, -2, 3) } };
    expect([...op.interpret([gradient], values)[0].data]).toEqual([1, 4, 9]);
    expect(() => gradients(op.total(op.detach(x)), [x])).toThrow("does not depend on x");
  });

  test("every operator but those for inference is tried", () => {
    const tried = new Set(differentiable.map(([, kind]) => kind));
    const untried = Object.keys(rows).filter((kind) => !tried.has(kind as op.OperatorKind));
    expect(untried.sort()).toEqual([
      "cachedAttention",
      "detach",
      "quantizedGather",
      "quantizedLinear",
      "rowQuantizedGather",
      "rowQuantizedLinear",
    ]);
  });
});

type Slope = { readonly derived: number; readonly measured: number };

/** The slope of a loss in a random direction of all its placeholders: by its gradients, and by a central difference. */
function slope({ placeholders, values, results }: Traced, direction: string): Slope {
  const random = randomStream(direction);
  const moving = Object.entries(placeholders).map(([name, tensor]) => {
    const { dims, data } = toFloat64(values[name]);
    return { name, tensor, dims, data, way: data.map(() => 2 * random() - 1) };
  });
  const loss = weightedSum(results, direction);
  const derivatives = op.interpret(
    gradients(
      loss,
      moving.map(({ tensor }) => tensor),
    ),
    values,
  );
  const products = moving.flatMap(({ way }, i) => [...derivatives[i].data].map((value, j) => value * way[j]));
  const lossAt = (step: number): number => {
    const moved = moving.map(({ name, dims, data, way }) => [
      name,
      { dims, data: data.map((value, j) => value + step * way[j]) },
    ]);
    return op.interpret([loss], Object.fromEntries(moved))[0].data[0];
  };
  const step = 1e-5;
  return {
    derived: products.reduce((sum, product) => sum + product, 0),
    measured: (lossAt(step) - lossAt(-step)) / (2 * step),
  };
}

test("gradients of random graphs against finite differences", () => {
  const choices = fc.array(fc.nat(), { minLength: 1, maxLength: 14 });
  fc.assert(
    fc.property(choices, (chosen) => {
      const graph = randomGraph(chosen);
      for (const direction of ["one way", "another way"]) {
        const { derived, measured } = slope(graph, direction);
        expect(Math.abs(derived - measured)).toBeLessThanOrEqual(1e-6 * Math.max(1, Math.abs(measured)));
      }
    }),
    { seed: 20230427, numRuns: 300 },
  );
});
