import fc from "fast-check";
import { describe, expect, test } from "vitest";
import * as op from "../tensor/index.ts";
import { requireClose } from "../tensor/testing/compare.ts";
import { randomStream } from "../tensor/testing/random.ts";
import { randomGraph } from "../tensor/testing/random-graph.ts";
import { weightedSum } from "../tensor/testing/weighted-sum.ts";
import { gradientName, gradients, type SegmentStep, segmentSteps } from "./index.ts";

type Values = Readonly<Record<string, op.TensorLike>>;

/** Runs steps one after the other on the interpreter; the result is everything they compute, by name. */
function runSteps(steps: readonly SegmentStep[], values: Values): Map<string, op.Float64Tensor> {
  const known = new Map<string, op.Float64Tensor>();
  for (const { graph, reads } of steps) {
    const read = [...reads].map(([input, value]) => [input, known.get(value)!] as const);
    const results = op.interpret(Object.values(graph.outputs), { ...values, ...Object.fromEntries(read) });
    for (const [i, name] of Object.keys(graph.outputs).entries()) known.set(name, results[i]);
  }
  return known;
}

/** Compares what steps compute with the loss and the gradients of one graph. */
function requireEqual(
  loss: op.Tensor,
  steps: readonly SegmentStep[],
  wrt: ReadonlyMap<string, op.Tensor>,
  values: Values,
): void {
  const known = runSteps(steps, values);
  const expected = op.interpret([loss, ...gradients(loss, [...wrt.values()])], values);
  for (const [i, name] of ["loss", ...[...wrt.keys()].map(gradientName)].entries()) {
    requireClose(name, known.get(name)!, expected[i], 1e-12);
  }
}

test("any graph cut anywhere has the gradients of the whole", () => {
  const choices = fc.array(fc.nat(), { minLength: 1, maxLength: 14 });
  fc.assert(
    fc.property(choices, fc.nat(), (chosen, seed) => {
      const { placeholders, values, results } = randomGraph(chosen);
      const loss = weightedSum(results, "loss");
      const random = randomStream(`cuts ${seed}`);
      const inside = op.nodesOf([loss]).flatMap(({ outputs }) => outputs);
      const cuts = inside.filter(({ dtype }) => dtype === "float32" && random() < 0.3);
      const wrt = new Map(Object.entries(placeholders).filter(() => random() < 0.7));
      requireEqual(loss, segmentSteps(loss, cuts, wrt), wrt, values);
    }),
    { seed: 20230427, numRuns: 150 },
  );
});

const width = 3;
const hidden = op.dim("hidden", width);
const initial = { kind: "normal", deviation: 1 } as const;
const rows = [op.dim("rows", 2), hidden];

/** A layer with a weight of its own, and a factor that all share. */
function layer(scope: op.Scope, x: op.Tensor, shared: op.Tensor): op.Tensor {
  const weight = scope.parameter("weight", [hidden, hidden], initial);
  return op.add(x, op.mul(op.sigmoid(op.linear(x, weight)), shared));
}

/** Four layers between an embedding and a head that have one table. */
function traced(trained: (name: string) => boolean): {
  loss: op.Tensor;
  cuts: op.Tensor[];
  wrt: Map<string, op.Tensor>;
  values: Record<string, op.HostTensor>;
} {
  const cuts: op.Tensor[] = [];
  const scope = op.rootScope({ onBoundary: (tensor) => void cuts.push(tensor) });
  const table = scope.parameter("table", [hidden, hidden], initial);
  const shared = op.input("shared", "float32", [hidden]);
  let x = scope.boundary(op.linear(op.input("x", "float32", rows), table));
  for (let i = 0; i < 4; i++) x = scope.boundary(layer(scope.at(`${i}`), x, shared));
  const loss = op.total(op.exp(op.linear(x, table)));
  const random = randomStream("values");
  const { inputs, parameters } = op.placeholdersOf({ name: "all", outputs: { loss } });
  const values = [...inputs, ...parameters].map(([name, { shape }]) => {
    const dims = op.staticSizes(shape, name);
    const numbers = Array.from({ length: op.elementCount(dims) }, () => random() - 0.5);
    return [name, op.float32(numbers, dims)] as const;
  });
  const wrt = new Map([...parameters].filter(([name]) => trained(name)));
  return { loss, cuts, wrt, values: Object.fromEntries(values) };
}

const namesOf = (steps: readonly SegmentStep[]): string[] => steps.map(({ graph }) => graph.name);

describe("layers between boundaries", () => {
  test("are computed forward, then backward; a table at both ends gets both gradients", () => {
    const { loss, cuts, wrt, values } = traced(() => true);
    const steps = segmentSteps(loss, cuts, wrt);
    const forward = [0, 1, 2, 3, 4].map((i) => `segment ${i}`);
    const backward = [4, 3, 2, 1, 0].map((i) => `segment ${i} backward`);
    expect(namesOf(steps)).toEqual([...forward, "step", ...backward]);
    expect(steps.at(-1)!.reads.get("earlier gradient of table")).toBe("gradient of table");
    requireEqual(loss, steps, wrt, values);
  });

  test("below which nothing is trained have no backward step", () => {
    const { loss, cuts, wrt, values } = traced((name) => name === "2.weight");
    const steps = segmentSteps(loss, cuts, wrt);
    expect(namesOf(steps).slice(6)).toEqual(["segment 4 backward", "segment 3 backward"]);
    requireEqual(loss, steps, wrt, values);
  });

  test("have one structure forward and one backward", () => {
    const { loss, cuts, wrt } = traced(() => true);
    const constants: op.ConstantNumbers = new Map();
    const steps = segmentSteps(loss, cuts, wrt);
    const keyOf = (name: string): string =>
      op.structureOf(steps.find(({ graph }) => graph.name === name)!.graph, constants).key;
    for (const suffix of ["", " backward"]) {
      const keys = [1, 2, 3, 4].map((i) => keyOf(`segment ${i}${suffix}`));
      expect(new Set(keys).size).toBe(1);
    }
    expect(keyOf("segment 0")).not.toBe(keyOf("segment 1"));
  });

  test("without gradients are computed forward alone; without boundaries in one step", () => {
    const { loss, cuts, wrt } = traced(() => true);
    expect(namesOf(segmentSteps(loss, cuts, new Map()))).toHaveLength(6);
    const [whole, ...others] = segmentSteps(loss, [], wrt);
    expect(others).toEqual([]);
    expect(Object.keys(whole.graph.outputs)).toEqual(["loss", ...[...wrt.keys()].map(gradientName)]);
    expect(whole.graph.outputs.loss).toBe(loss);
  });
});
