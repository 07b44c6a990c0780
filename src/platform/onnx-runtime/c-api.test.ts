import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setFlagsFromString } from "node:v8";
import { runInNewContext } from "node:vm";
import { beforeAll, describe, expect, it } from "vitest";
import { node, onnxModel } from "../testing/onnx-model.ts";
import { allocateTensor, type OnnxRuntime, type OnnxTensor } from "./binding.ts";
import { openOnnxRuntime } from "./open.ts";
import { requireProviderLibraries } from "./shared-library.ts";

setFlagsFromString("--expose-gc");
const collectGarbage: () => void = runInNewContext("gc");

/** Collects, and lets the releases that follow a collection run. */
async function collect(): Promise<void> {
  collectGarbage();
  await new Promise((resolve) => setImmediate(resolve));
}

function addModel(size: number): Uint8Array {
  return onnxModel(
    [node("Add", ["a", "b"], "sum")],
    { a: ["float32", [size]], b: ["float32", [size]] },
    { sum: ["float32", [size]] },
  );
}

function ones(size: number): OnnxTensor {
  const tensor = allocateTensor("float32", [size]);
  (tensor.data as Float32Array).fill(1);
  return tensor;
}

describe("the C API binding", () => {
  let runtime: OnnxRuntime;

  beforeAll(async () => {
    runtime = await openOnnxRuntime("c-api");
  });

  it("keeps memory where it is while garbage is collected, small arrays included", async () => {
    const session = await runtime.createSession(addModel(2));
    const total = { dtype: "float32" as const, dims: [2], data: new Float32Array([0, 0]) };
    const one = { dtype: "float32" as const, dims: [2], data: new Float32Array([1, 2]) };
    const bound = session.bind([total, one], [total]);
    for (let i = 0; i < 40; i++) {
      const garbage = Array.from({ length: 500 }, () => new Float32Array(2));
      if (i % 10 === 0) await collect();
      bound.runSync();
      expect(garbage).toHaveLength(500);
    }
    expect([...total.data]).toEqual([40, 80]);
  });

  it("keeps an asynchronous run's tensors and session although nothing else refers to them", async () => {
    const size = 1 << 18;
    const start = async () =>
      (await runtime.createSession(addModel(size))).run([ones(size), ones(size)], [undefined]);
    const runs = Array.from({ length: 8 }, start);
    for (let i = 0; i < 4; i++) await collect();
    for (const [sum] of await Promise.all(runs)) {
      expect((sum.data as Float32Array).every((value) => value === 2)).toBe(true);
    }
  });

  it("gives memory back", async () => {
    const size = 1 << 18;
    const session = await runtime.createSession(addModel(size));
    const round = async () => {
      for (let i = 0; i < 40; i++) session.runSync([ones(size), ones(size)], [undefined]);
      await collect();
    };
    await round();
    const before = process.memoryUsage().rss;
    for (let i = 0; i < 4; i++) await round();
    // Four rounds make 480 MB of tensors; what stays must be a small part of that.
    expect(process.memoryUsage().rss - before).toBeLessThan(200 * 2 ** 20);
  });

  it("leaves the event loop free during a run, with room on its stack for large products", async () => {
    const size = 512;
    const product = onnxModel(
      Array.from({ length: 8 }, (_, i) => node("MatMul", [`x${i}`, "w"], `x${i + 1}`)),
      { x0: ["float32", [size, size]], w: ["float32", [size, size]] },
      { x8: ["float32", [size, size]] },
    );
    const session = await runtime.createSession(product, { threads: 2 });
    const x0 = allocateTensor("float32", [size, size]);
    let ticks = 0;
    const timer = setInterval(() => {
      ticks++;
    }, 1);
    await session.run([x0, x0], [undefined]);
    clearInterval(timer);
    expect(ticks).toBeGreaterThan(2);
  });

  it("refuses a second run over buffers in use, and buffers that were transferred", async () => {
    const session = await runtime.createSession(addModel(4));
    const a = allocateTensor("float32", [4]);
    const bound = session.bind([a, ones(4)], [undefined]);
    const first = bound.run();
    expect(() => bound.runSync()).toThrow("the run before must have ended");
    await first;
    structuredClone(a.data.buffer, { transfer: [a.data.buffer as ArrayBuffer] });
    expect(() => bound.runSync()).toThrow("was transferred elsewhere");
    expect(() => session.runSync([a, ones(4)], [undefined])).toThrow("must hold 4 elements, got 0");
  });

  it("compiles for given sizes of symbolic dimensions", async () => {
    const model = onnxModel([node("Neg", ["x"], "y")], { x: ["float32", ["n"]] }, { y: ["float32", ["n"]] });
    const session = await runtime.createSession(model, { dimensions: { n: 3 } });
    expect(session.inputs[0].dims).toEqual([3]);
  });

  it("runs sessions of several numbers of threads, which wait in either way", async () => {
    for (const threads of [1, 2, 3]) {
      const session = await runtime.createSession(addModel(4), { threads, spinning: threads === 3 });
      expect(session.runSync([ones(4), ones(4)], [undefined])[0].data).toEqual(Float32Array.of(2, 2, 2, 2));
      session.dispose();
    }
  });
});

describe("the CUDA provider's files", () => {
  it("names those that are missing", () => {
    const folder = mkdtempSync(join(tmpdir(), "owl-cuda-"));
    try {
      writeFileSync(join(folder, "libonnxruntime_providers_shared.so"), "");
      expect(() => requireProviderLibraries("cuda", join(folder, "libonnxruntime.so.1"))).toThrow(
        /^device cuda: libonnxruntime_providers_cuda.so must lie in .*--onnxruntime-node-install=cuda12/,
      );
      writeFileSync(join(folder, "libonnxruntime_providers_cuda.so"), "");
      requireProviderLibraries("cuda", join(folder, "libonnxruntime.so.1"));
    } finally {
      rmSync(folder, { recursive: true });
    }
  });
});
