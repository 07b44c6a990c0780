import { beforeAll, describe, expect, it } from "vitest";
import { node, onnxModel } from "../testing/onnx-model.ts";
import {
  type OnnxData,
  type OnnxRuntime,
  OnnxRuntimeError,
  type OnnxTensor,
  type OnnxType,
} from "./binding.ts";
import { openOnnxRuntime } from "./open.ts";

function tensor(dtype: OnnxType, dims: readonly number[], data: OnnxData): OnnxTensor {
  return { dtype, dims, data };
}

const floats = (dims: readonly number[], ...values: number[]) =>
  tensor("float32", dims, Float32Array.from(values));

const addModel = onnxModel(
  [node("Add", ["a", "b"], "sum")],
  { a: ["float32", ["rows", 2]], b: ["float32", ["rows", 2]] },
  { sum: ["float32", ["rows", 2]] },
);

describe.each(["c-api", "onnxruntime-node"] as const)("ONNX Runtime through %s", (binding) => {
  let runtime: OnnxRuntime;

  beforeAll(async () => {
    runtime = await openOnnxRuntime(binding);
  });

  it("says which binding and version it is", () => {
    expect(runtime.binding).toBe(binding);
    expect(runtime.version).toMatch(/^1\.\d+\.\d+/);
    expect(runtime.fallbackReason).toBeUndefined();
  });

  it("reads a model's signature with its symbolic dimensions", async () => {
    const session = await runtime.createSession(addModel);
    expect(session.inputs).toEqual([
      { name: "a", dtype: "float32", dims: ["rows", 2] },
      { name: "b", dtype: "float32", dims: ["rows", 2] },
    ]);
    expect(session.outputs).toEqual([{ name: "sum", dtype: "float32", dims: ["rows", 2] }]);
  });

  it("reads and writes memory that threads share", async () => {
    const session = await runtime.createSession(addModel);
    const shared = new SharedArrayBuffer(24);
    const part = (offset: number) => tensor("float32", [1, 2], new Float32Array(shared, offset, 2));
    const [a, b, sum] = [part(0), part(8), part(16)];
    (a.data as Float32Array).set([1, 2]);
    (b.data as Float32Array).set([10, 20]);
    expect(await session.run([a, b], [sum])).toEqual([sum]);
    const bound = session.bind([a, sum], [a]);
    await bound.run();
    expect([...new Float32Array(shared)]).toEqual([12, 24, 10, 20, 11, 22]);
  });

  it("computes into a new tensor, whose size follows from the symbolic dimensions", async () => {
    const session = await runtime.createSession(addModel);
    const [sum] = await session.run(
      [floats([2, 2], 1, 2, 3, 4), floats([2, 2], 10, 20, 30, 40)],
      [undefined],
    );
    expect(sum).toEqual(floats([2, 2], 11, 22, 33, 44));
  });

  it("computes into a given tensor and over an input, also where both are views", async () => {
    const session = await runtime.createSession(addModel);
    const buffer = new Float32Array(new ArrayBuffer(64));
    buffer.set([9, 1, 2, 9, 10, 20, 9, 0, 0, 9]);
    const a = tensor("float32", [1, 2], buffer.subarray(1, 3));
    const b = tensor("float32", [1, 2], buffer.subarray(4, 6));
    const into = tensor("float32", [1, 2], buffer.subarray(7, 9));
    const [sum] = await session.run([a, b], [into]);
    expect(sum).toBe(into);
    await session.run([a, b], [a]);
    expect([...buffer.subarray(0, 10)]).toEqual([9, 11, 22, 9, 10, 20, 9, 11, 22, 9]);
  });

  it("returns an output whose size only the run knows", async () => {
    const session = await runtime.createSession(
      onnxModel([node("NonZero", ["x"], "where")], { x: ["float32", [4]] }, { where: ["int64", [1, ""]] }),
    );
    const [where] = await session.run([floats([4], 0, 5, 0, 6)], [undefined]);
    expect(where).toEqual(tensor("int64", [1, 2], BigInt64Array.of(1n, 3n)));
    expect(() => session.bind([floats([4], 0, 5, 0, 6)], [undefined])).toThrow(
      /output where .*needs a tensor/,
    );
  });

  it.each([
    ["int64", BigInt64Array.of(1n, -2n)],
    ["int32", Int32Array.of(1, -2)],
    ["bool", Uint8Array.of(1, 0)],
    ["uint8", Uint8Array.of(1, 255)],
    ["int8", Int8Array.of(1, -2)],
    ["float16", Uint16Array.of(0x3c00, 0xc000)],
  ] as const)("passes %s through", async (dtype, data) => {
    const copy = onnxModel([node("Identity", ["x"], "y")], { x: [dtype, [2]] }, { y: [dtype, [2]] });
    const session = await runtime.createSession(copy);
    const [y] = await session.run([tensor(dtype, [2], data)], [undefined]);
    expect(y).toEqual(tensor(dtype, [2], data));
  });

  it("takes tensors without elements and scalars", async () => {
    const session = await runtime.createSession(addModel);
    const [sum] = await session.run([floats([0, 2]), floats([0, 2])], [undefined]);
    expect(sum.dims).toEqual([0, 2]);
    const negate = onnxModel([node("Neg", ["x"], "y")], { x: ["float32", []] }, { y: ["float32", []] });
    const scalar = await runtime.createSession(negate);
    expect(await scalar.run([floats([], 5)], [undefined])).toEqual([floats([], -5)]);
  });

  it("throws ONNX Runtime's errors", async () => {
    await expect(runtime.createSession(Uint8Array.of(1, 2, 3))).rejects.toThrow(
      /^compile: .*protobuf parsing failed/,
    );
    const session = await runtime.createSession(addModel);
    const run = session.run([floats([2, 2], 1, 2, 3, 4), floats([1, 3], 1, 2, 3)], [undefined]);
    await expect(run).rejects.toThrow(OnnxRuntimeError);
    await expect(run).rejects.toThrow(/^run: .*invalid dimensions for input: b/is);
  });

  it("ends a run under way before it disposes of its session", async () => {
    const session = await runtime.createSession(addModel);
    const feeds = [floats([1, 2], 1, 2), floats([1, 2], 3, 4)];
    const run = session.run(feeds, [undefined]);
    session.dispose();
    session.dispose();
    expect(await run).toEqual([floats([1, 2], 4, 6)]);
    await expect(session.run(feeds, [undefined])).rejects.toThrow("must not be disposed of");
  });
});
