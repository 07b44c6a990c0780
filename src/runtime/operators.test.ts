import fc from "fast-check";
import { beforeAll, describe, test } from "vitest";
import { gradients } from "../autodiff/index.ts";
import { writeModel } from "../onnx/index.ts";
import type { ExecutionProvider } from "../platform/index.ts";
import { type Graph, interpret, type Tensor } from "../tensor/index.ts";
import { requireClose } from "../tensor/testing/compare.ts";
import { randomGraph } from "../tensor/testing/random-graph.ts";
import { type Traced, trace } from "../tensor/testing/row.ts";
import { everyRow } from "../tensor/testing/rows.ts";
import { weightedSum } from "../tensor/testing/weighted-sum.ts";
import { type Device, openDevice } from "./index.ts";

let device: Device;
beforeAll(async () => {
  device = await openDevice({ threads: 1 });
});

/** Compares what ONNX Runtime computes in float32 with the float64 interpreter. */
async function checkGraph(
  graph: Graph,
  values: Traced["values"],
  target: ExecutionProvider = "cpu",
): Promise<void> {
  const program = await device.compileModel(writeModel(graph, { target }));
  const feeds = Object.fromEntries(program.inputs.map(({ name }) => [name, values[name]]));
  const results = await program.run(feeds);
  program.dispose();
  const names = Object.keys(graph.outputs);
  const expected = interpret(Object.values(graph.outputs), values);
  for (const [i, name] of names.entries()) requireClose(name, results[name], expected[i], 1e-5);
}

/** The results, and (where asked for) the gradients of a loss on them, as one graph. */
function graphOf({ placeholders, results }: Traced, differentiable: readonly string[]): Graph {
  const outputs: Record<string, Tensor> = {};
  for (const [i, result] of results.entries()) outputs[`result ${i}`] = result;
  if (differentiable.length > 0) {
    const wanted = differentiable.map((name) => placeholders[name]);
    for (const [i, gradient] of gradients(weightedSum(results, "loss"), wanted).entries()) {
      outputs[`gradient of ${differentiable[i]}`] = gradient;
    }
  }
  return { name: "test", outputs };
}

describe("ONNX Runtime against the interpreter", () => {
  test.each(everyRow)("%s", async (_, __, row) => {
    const traced = trace(row);
    await checkGraph(graphOf(traced, []), traced.values);
    if (row.symbolic.length > 0 || row.differentiable.length === 0) return;
    await checkGraph(graphOf(traced, row.differentiable), traced.values);
  });

  // The kernels are the CPU's: this checks what is written, which differs for WebGPU in a few operators.
  test.each(everyRow)("%s, written for WebGPU", async (_, __, row) => {
    const traced = trace(row);
    await checkGraph(graphOf(traced, []), traced.values, "webgpu");
  });

  test("random graphs and their gradients", async () => {
    const choices = fc.array(fc.nat(), { minLength: 1, maxLength: 14 });
    const agrees = fc.asyncProperty(choices, async (chosen) => {
      const traced = randomGraph(chosen);
      await checkGraph(graphOf(traced, Object.keys(traced.placeholders)), traced.values);
    });
    await fc.assert(agrees, { seed: 20230427, numRuns: 150 });
  });
});
