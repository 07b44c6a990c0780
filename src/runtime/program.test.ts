import { beforeAll, describe, expect, it } from "vitest";
import {
  add,
  allocate,
  dim,
  float32,
  gather,
  input,
  int64,
  matmul,
  mul,
  parameter,
  scalar,
  tensorView,
} from "../tensor/index.ts";
import { type Device, FeedError, openDevice, type Program } from "./index.ts";

/** `y = table[ids] · weight`, with a free number of tokens. */
function embedAndProject() {
  const ids = input("ids", "int64", [dim("tokens")]);
  const table = parameter("table", [dim("vocabulary", 4), dim("hidden", 2)], { kind: "constant", value: 0 });
  const weight = parameter("weight", [dim("hidden", 2), dim("features", 3)], { kind: "constant", value: 0 });
  return { name: "embed", outputs: { y: matmul(gather(table, ids), weight) } };
}

const table = float32([0, 1, 2, 3, 4, 5, 6, 7], [4, 2]);
const weight = float32([1, 0, 1, 0, 1, 1], [2, 3]);

describe("a program", () => {
  let device: Device;
  let program: Program;

  beforeAll(async () => {
    device = await openDevice({ threads: 2 });
    program = await device.compile(embedAndProject());
  });

  it("runs with any size of a symbolic dimension", async () => {
    for (const ids of [[3], [0, 2], []]) {
      const { y } = await program.run({ ids: int64(ids, [ids.length]), table, weight });
      const rows = ids.flatMap((id) => [2 * id, 2 * id + 1, 4 * id + 1]);
      expect(y).toEqual(float32(rows, [ids.length, 3]));
      expect(program.runSync({ ids: int64(ids, [ids.length]), table, weight })).toEqual({ y });
    }
  });

  it("names everything that does not fit in one error", () => {
    const run = () =>
      program.runSync(
        { ids: float32([1], [1]), table: float32([1, 2], [1, 2]), extra: scalarTensor(1) },
        { y: allocate("float32", [1, 4]), z: scalarTensor(1) },
      );
    expect(run).toThrow(FeedError);
    expect(run).toThrow(
      [
        "embed: its tensors do not fit:",
        "  ids: must be int64 [tokens], got float32 [1]",
        "  table: must be float32 [4, 2], got float32 [1, 2]",
        "  weight: is missing, must be float32 [2, 3]",
        "  no input is called extra; the inputs are ids, table, weight",
        "  y: must be float32 [tokens, 3], got float32 [1, 4]",
        "  no output is called z; the outputs are y",
      ].join("\n"),
    );
  });

  it("holds symbolic dimensions of one name to one size", async () => {
    const [a, b] = ["a", "b"].map((name) => input(name, "float32", [dim("batch")]));
    const sum = await device.compile({ name: "sum", outputs: { sum: add(a, b) } });
    expect(() => sum.runSync({ a: float32([1, 2], [2]), b: float32([1], [1]) })).toThrow(
      "b: must be float32 [batch] with batch 2 as in a, got float32 [1]",
    );
  });

  it("reports data that is shorter than its sizes", () => {
    const broken = { ...table, data: table.data.subarray(0, 3) };
    expect(() => program.runSync({ ids: int64([0], [1]), table: broken, weight })).toThrow(
      "table: [4, 2] does not fit its data of 3 elements",
    );
  });

  it("has parameters as constants that lie in memory, and no inputs for them", async () => {
    const fixed = await device.compile(embedAndProject(), { constants: { weight, table } });
    expect(fixed.inputs.map(({ name }) => name)).toEqual(["ids"]);
    const ids = int64([3, 1], [2]);
    expect(fixed.runSync({ ids })).toEqual(program.runSync({ ids, table, weight }));
    fixed.dispose();
  });

  it("refuses constants that do not fit the graph", async () => {
    const narrow = { weight: float32([1, 2], [2, 1]) };
    await expect(device.compile(embedAndProject(), { constants: narrow })).rejects.toThrow(
      "embed: the constant weight must be float32 [2, 3], got float32 [2, 1]",
    );
    const unknown = { bias: float32([0], [1]) };
    await expect(device.compile(embedAndProject(), { constants: unknown })).rejects.toThrow(
      "embed: the constant bias must be a parameter, got float32 [1]",
    );
  });

  it("feeds what the other binding cannot take as constants in memory", async () => {
    const other = await openDevice({ binding: "onnxruntime-node" });
    expect([device.takesConstants, other.takesConstants]).toEqual([true, false]);
    await expect(other.compile(embedAndProject(), { constants: { weight } })).rejects.toThrow(
      'needs the binding "c-api"',
    );
  });

  it("updates views of one buffer in place with bound runs", async () => {
    const size = dim("size", 3);
    const names = ["weight", "gradient", "rate"] as const;
    const [w, g] = names.map((name) => input(name, "float32", [size]));
    const rate = input("rate", "float32", []);
    const step = await device.compile({
      name: "step",
      outputs: { next: add(w, mul(mul(g, rate), scalar(-1))) },
    });
    const buffer = new ArrayBuffer(4 * 8);
    const parameters = tensorView("float32", [3], buffer, 4);
    const gradients = tensorView("float32", [3], buffer, 20);
    const rateValue = float32([0.5], []);
    const bound = step.bind(
      { weight: parameters, gradient: gradients, rate: rateValue },
      { next: parameters },
    );
    expect(bound.outputs.next).toBe(parameters);
    gradients.data.set([2, 4, 6]);
    bound.runSync();
    rateValue.data[0] = 1;
    await bound.run();
    expect([...new Float32Array(buffer)]).toEqual([0, -3, -6, -9, 0, 2, 4, 6]);
  });

  it("gives bound runs tensors for the results that have none", () => {
    const bound = program.bind({ ids: int64([1], [1]), table, weight });
    bound.runSync();
    expect(bound.outputs.y).toEqual(float32([2, 3, 5], [1, 3]));
  });

  it("cannot run once it was disposed of", async () => {
    const brief = await device.compile(embedAndProject());
    brief.dispose();
    await expect(brief.run({ ids: int64([1], [1]), table, weight })).rejects.toThrow(
      "must not be disposed of",
    );
  });
});

function scalarTensor(value: number) {
  return float32([value], []);
}

describe("a device", () => {
  it("says what it is", async () => {
    const device = await openDevice({ threads: 3, binding: "onnxruntime-node" });
    expect([device.name, device.threads, device.binding, device.fallbackReason]).toEqual([
      "cpu",
      3,
      "onnxruntime-node",
      undefined,
    ]);
  });

  it("refuses impossible thread counts and models that are none", async () => {
    await expect(openDevice({ threads: 0 })).rejects.toThrow(
      "threads: must be a whole number of at least 1, got 0",
    );
    const device = await openDevice();
    await expect(device.compileModel(new Uint8Array(3), { name: "nothing" })).rejects.toThrow("compile");
  });
});
