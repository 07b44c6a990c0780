import { beforeAll, describe, test } from "vitest";
import { skipWebGpu, useSwiftShader } from "../../tests/setup/swiftshader.ts";
import { gradients } from "../autodiff/index.ts";
import { type Graph, interpret, type Tensor } from "../tensor/index.ts";
import { requireClose } from "../tensor/testing/compare.ts";
import { type Row, trace } from "../tensor/testing/row.ts";
import { everyRow } from "../tensor/testing/rows.ts";
import { weightedSum } from "../tensor/testing/weighted-sum.ts";
import { type Device, openDevice } from "./index.ts";

/** A GPU sums in another order than the oracle, in float32. */
const TOLERANCE = 1e-4;

describe.skipIf(skipWebGpu)("operators on the WebGPU device (SwiftShader) against the interpreter", () => {
  let device: Device;
  beforeAll(async () => {
    useSwiftShader();
    device = await openDevice({ device: "webgpu", threads: 1 });
  }, 120_000);

  async function check(row: Row): Promise<void> {
    const { placeholders, values, results } = trace(row);
    const outputs: Record<string, Tensor> = {};
    for (const [i, result] of results.entries()) outputs[`result ${i}`] = result;
    const wanted = row.symbolic.length === 0 ? row.differentiable : [];
    if (wanted.length > 0) {
      const parts = gradients(
        weightedSum(results, "loss"),
        wanted.map((name) => placeholders[name]),
      );
      for (const [i, part] of parts.entries()) outputs[`gradient of ${wanted[i]}`] = part;
    }
    const graph: Graph = { name: "test", outputs };
    const program = await device.compile(graph);
    const got = await program.run(Object.fromEntries(program.inputs.map(({ name }) => [name, values[name]])));
    program.dispose();
    const expected = interpret(Object.values(outputs), values);
    for (const [i, name] of Object.keys(outputs).entries())
      requireClose(name, got[name], expected[i], TOLERANCE);
  }

  test.each(everyRow.filter(([, , { onCpuAlone }]) => !onCpuAlone))("%s", async (_, __, row) => check(row));
});
