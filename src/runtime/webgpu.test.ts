import { beforeAll, describe, expect, it } from "vitest";
import { skipWebGpu, useSwiftShader } from "../../tests/setup/swiftshader.ts";
import { add, allocate, dim, type Graph, input, matmul, softmax } from "../tensor/index.ts";
import { type Device, openDevice } from "./index.ts";

const rows = dim("rows", 24);
const inner = dim("inner", 40);
const columns = dim("columns", 56);

function scores(): Graph {
  const x = input("x", "float32", [rows, inner]);
  const weight = input("weight", "float32", [inner, columns]);
  return { name: "scores", outputs: { y: softmax(matmul(x, weight, { alpha: 0.5 })) } };
}

function waves(step: number, dims: readonly number[]) {
  const tensor = allocate("float32", dims);
  for (const i of tensor.data.keys()) tensor.data[i] = Math.sin(i * step);
  return tensor;
}

describe.skipIf(skipWebGpu)("the WebGPU device (SwiftShader)", () => {
  let gpu: Device;
  let cpu: Device;

  beforeAll(async () => {
    useSwiftShader();
    gpu = await openDevice({ device: "webgpu", threads: 1 });
    cpu = await openDevice({ threads: 1 });
  });

  it("computes what the CPU computes, within 1e-5", async () => {
    const feeds = { x: waves(0.7, [24, 40]), weight: waves(0.3, [40, 56]) };
    const onGpu = await (await gpu.compile(scores())).run(feeds);
    const onCpu = await (await cpu.compile(scores())).run(feeds);
    const expected = onCpu.y.data as Float32Array;
    const differences = expected.map((value, i) => Math.abs(value - Number(onGpu.y.data[i])));
    expect(Math.max(...differences)).toBeLessThan(1e-5);
  });

  it("updates a buffer in place, run after run", async () => {
    const size = dim("size", 3);
    const next = add(input("total", "float32", [size]), input("part", "float32", [size]));
    const program = await gpu.compile({ name: "sum", outputs: { next } });
    const total = gpu.allocate("float32", [3]);
    const part = gpu.allocate("float32", [3]);
    const bound = program.bind({ total, part }, { next: total });
    for (const value of [1, 10, 100]) {
      part.data.set([value, 2 * value, 3 * value]);
      await bound.run();
    }
    expect([...total.data]).toEqual([111, 222, 333]);
  });
});
