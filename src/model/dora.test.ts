import { expect, test } from "vitest";
import { gradients } from "../autodiff/index.ts";
import { dim, type Float64Tensor, input, interpret, rootScope, type Tensor, total } from "../tensor/index.ts";
import { linearLayer } from "./layers.ts";
import { randomNumbers } from "./testing/micro.ts";

const sizes: Readonly<Record<string, readonly number[]>> = {
  x: [4, 5],
  "dropout.layer": [4, 5],
  "layer.weight": [3, 5],
  "layer.bias": [3],
  "layer.lora_A.weight": [2, 5],
  "layer.lora_B.weight": [3, 2],
  "layer.lora_magnitude_vector": [3],
};
const values = Object.fromEntries(
  Object.entries(sizes).map(([name, dims], i): [string, Float64Tensor] => {
    const count = dims.reduce((product, size) => product * size, 1);
    return [name, { dims, data: Float64Array.from(randomNumbers(count, 1, 31 * (i + 1))) }];
  }),
);

/** The layer's output, and its parameters by their names. */
function traced(dropout: boolean): { y: Tensor; parameters: ReadonlyMap<string, Tensor> } {
  const lora = { rank: 2, alpha: 3, useDora: true, targets: () => true, dropout };
  const scope = rootScope({ lora });
  const x = input("x", "float32", [dim("rows", 4), dim("in", 5)]);
  const y = linearLayer(scope.at("layer"), x, dim("out", 3), { bias: true, deviation: 1 });
  return { y, parameters: scope.parameters() };
}

/** m / ‖V‖ · V x by plain loops, of an input [rows, in], without the bias; V = W + 1.5 · B A. */
function directed(x: Float64Tensor["data"]): number[][] {
  const [w, a, b, m] = ["weight", "lora_A.weight", "lora_B.weight", "lora_magnitude_vector"].map(
    (name) => values[`layer.${name}`].data,
  );
  const v = Array.from({ length: 3 }, (_, o) =>
    Array.from({ length: 5 }, (_, i) => {
      const low = b[2 * o] * a[i] + b[2 * o + 1] * a[5 + i];
      return w[5 * o + i] + 1.5 * low;
    }),
  );
  return Array.from({ length: 4 }, (_, row) =>
    v.map(
      (weights, o) =>
        (m[o] / Math.hypot(...weights)) * weights.reduce((sum, value, i) => sum + value * x[5 * row + i], 0),
    ),
  );
}

test("a DoRA has the direction of W + scale · B A and lengths of its own", () => {
  const [y] = interpret([traced(false).y], values);
  const bias = values["layer.bias"].data;
  const expected = directed(values.x.data).flatMap((row) => row.map((value, o) => value + bias[o]));
  for (const [i, value] of expected.entries()) expect(y.data[i]).toBeCloseTo(value, 12);
});

test("with dropout the layer's own product is of the whole input", () => {
  const [y] = interpret([traced(true).y], values);
  const mask = values["dropout.layer"].data;
  const [x, w, bias] = [values.x.data, values["layer.weight"].data, values["layer.bias"].data];
  const kept = x.map((value, i) => value * mask[i]);
  const product = (rows: typeof x, row: number, o: number): number =>
    Array.from({ length: 5 }, (_, i) => rows[5 * row + i] * w[5 * o + i]).reduce(
      (sum, value) => sum + value,
      0,
    );
  const changed = directed(kept);
  for (let row = 0; row < 4; row++) {
    for (let o = 0; o < 3; o++) {
      const own = product(x, row, o) + bias[o] + changed[row][o] - product(kept, row, o);
      expect(y.data[3 * row + o]).toBeCloseTo(own, 12);
    }
  }
});

test.each([false, true])("gradients hold the rows' lengths still, with dropout %s", (dropout) => {
  const { y, parameters } = traced(dropout);
  const names = [...parameters.keys()].filter((name) => name.includes("lora_"));
  const loss = total(y);
  const derived = interpret(
    gradients(
      loss,
      names.map((name) => parameters.get(name)!),
    ),
    values,
  );
  const lengthsOf = (changed: typeof values): number[] => {
    const [w, a, b] = ["weight", "lora_A.weight", "lora_B.weight"].map(
      (name) => changed[`layer.${name}`].data,
    );
    return Array.from({ length: 3 }, (_, o) =>
      Math.hypot(
        ...Array.from(
          { length: 5 },
          (_, i) => w[5 * o + i] + 1.5 * (b[2 * o] * a[i] + b[2 * o + 1] * a[5 + i]),
        ),
      ),
    );
  };
  const start = lengthsOf(values);
  // Where a matrix moves, the learned lengths move with the rows', so that their ratio m / ‖V‖ stays.
  const lossAt = (name: string, i: number, step: number): number => {
    const { dims, data } = values[name];
    const moved = { ...values, [name]: { dims, data: data.with(i, data[i] + step) } };
    const lengths = lengthsOf(moved);
    const m = moved["layer.lora_magnitude_vector"].data.map((value, o) => (value * lengths[o]) / start[o]);
    return interpret([loss], { ...moved, "layer.lora_magnitude_vector": { dims: [3], data: m } })[0].data[0];
  };
  for (const [index, name] of names.entries()) {
    for (const i of values[name].data.keys()) {
      const slope = (lossAt(name, i, 1e-5) - lossAt(name, i, -1e-5)) / 2e-5;
      expect(derived[index].data[i], `${name} ${i}`).toBeCloseTo(slope, 7);
    }
  }
});
