import { expect, test } from "vitest";
import { mulberry32 } from "../primitives/index.ts";
import {
  type Dim,
  dim,
  float32,
  type HostTensor,
  input,
  interpret,
  packedParameter,
  parameter,
  rowQuantizedLinear,
} from "../tensor/index.ts";
import { requireClose } from "../tensor/testing/compare.ts";
import { type Device, openDevice, type Program } from "./index.ts";
import { integerProducts } from "./integer-products.ts";

const device: Device = await openDevice({ threads: 1 });
const compile = (model: Uint8Array, options = {}): Promise<Program> => device.compileModel(model, options);
const products = await integerProducts("cpu", compile);
const initial = { kind: "constant", value: 0 } as const;

interface Case {
  readonly sizes: readonly number[];
  readonly out: number;
  readonly bias?: boolean;
  readonly symbolic?: boolean;
}

/** A product whose weight has a scale a row, as a graph and with its parameters' values. */
function product({ sizes, out, bias = false, symbolic = false }: Case, seed = 1) {
  const random = mulberry32(seed);
  const width = sizes[sizes.length - 1];
  const shape: Dim[] = sizes.map((size, i) =>
    symbolic && i < sizes.length - 1 ? dim(`axis ${i}`) : dim(`axis ${i}`, size),
  );
  const rows = dim("out", out);
  const added = bias ? parameter("bias", [rows], initial) : undefined;
  const weight = {
    packed: packedParameter("packed", [dim("width", width), rows], "int8"),
    scales: parameter("scales", [rows], initial),
    sums: parameter("sums", [rows], initial),
    activations: "int8",
  } as const;
  const packed = Int8Array.from({ length: out * width }, () => Math.floor(255 * random()) - 127);
  const sums = Array.from({ length: out }, (_, row) =>
    packed.reduce((sum, q, i) => (i % out === row ? sum + q : sum), 0),
  );
  const floats = (draw: () => number): HostTensor =>
    float32(
      Array.from({ length: out }, () => draw()),
      [out],
    );
  const constants: Record<string, HostTensor> = {
    packed: { dtype: "int8", dims: [width, out], data: packed },
    scales: floats(() => 0.001 + 0.01 * random()),
    sums: float32(sums, [out]),
    ...(bias && { bias: floats(() => random() - 0.5) }),
  };
  const y = rowQuantizedLinear(input("x", "float32", shape), weight, added);
  return { y, constants, width, random };
}

const cases: readonly (readonly [string, Case])[] = [
  ["one row", { sizes: [1, 64], out: 5 }],
  ["stacked matrices and a bias", { sizes: [2, 3, 40], out: 48, bias: true }],
  ["an odd width, symbolic axes", { sizes: [3, 7, 1031], out: 33, bias: true, symbolic: true }],
  ["many rows", { sizes: [130, 256], out: 96, symbolic: true }],
];

async function computed(made: ReturnType<typeof product>, x: HostTensor): Promise<HostTensor> {
  const graph = { name: "product", outputs: { y: made.y } };
  const program = await device.compile(graph, { constants: made.constants });
  const { y } = await program.run({ x });
  program.dispose();
  return y;
}

const sidesOf = (from: number) => (from === 0 ? "numbers of one sign" : "numbers of both signs");

test
  .skipIf(products === undefined)
  .each(cases.flatMap(([title, one]) => [-100, 0].map((from) => [title, sidesOf(from), one, from] as const)))(
  "rows that lie on a grid of 256 steps are multiplied exactly: %s, %s",
  async (_, __, one, from) => {
    const made = product(one);
    const count = one.sizes.reduce((a, b) => a * b);
    // A step is a power of two, and each row reaches both ends of its grid.
    const data = Float32Array.from({ length: count }, (_, i) => {
      const step = 2 ** -(Math.floor(i / made.width) % 5);
      const drawn = Math.floor(256 * made.random());
      const at = i % made.width === 3 ? 0 : i % made.width === 7 ? 255 : drawn;
      return step * (from + at);
    });
    const x = float32(data, one.sizes);
    const [expected] = interpret([made.y], { x, ...made.constants });
    requireClose("y", await computed(made, x), expected, 1e-6);
  },
);

test.skipIf(products === undefined)(
  "any rows, with outliers and without numbers, come as near as half a step of theirs allows",
  async () => {
    const made = product({ sizes: [6, 128], out: 24 }, 5);
    const data = Float32Array.from({ length: 6 * 128 }, (_, i) => {
      const row = Math.floor(i / 128);
      const wide = row % 2 === 1 && i % 128 === 17 ? 60 : 1;
      return row === 4 ? 0 : wide * (made.random() - 0.5);
    });
    const x = float32(data, [6, 128]);
    const [expected] = interpret([made.y], { x, ...made.constants });
    const y = (await computed(made, x)).data as Float32Array;
    const packed = made.constants.packed.data as Int8Array;
    const scales = made.constants.scales.data as Float32Array;
    for (let row = 0; row < 6; row++) {
      const numbers = data.subarray(row * 128, (row + 1) * 128);
      const step = (Math.max(0, ...numbers) - Math.min(0, ...numbers)) / 255;
      for (let i = 0; i < 24; i++) {
        const total = packed.reduce((sum, q, at) => (at % 24 === i ? sum + Math.abs(q) : sum), 0);
        // Half a step for the number, and as much again where the zero point was rounded beyond an end of the grid.
        const bound = step * scales[i] * total * 1.0001;
        expect(Math.abs(y[row * 24 + i] - expected.data[row * 24 + i])).toBeLessThanOrEqual(bound);
      }
    }
  },
);

test("a row's result does not depend on the others", async () => {
  const made = product({ sizes: [9, 96], out: 32, symbolic: true });
  const x = float32(
    Array.from({ length: 9 * 96 }, () => made.random() - 0.5),
    [9, 96],
  );
  const all = (await computed(made, x)).data as Float32Array;
  for (let row = 0; row < 9; row++) {
    const alone = await computed(made, float32(x.data.slice(row * 96, (row + 1) * 96), [1, 96]));
    expect([...(alone.data as Float32Array)]).toEqual([...all.subarray(row * 32, (row + 1) * 32)]);
  }
});

test("products of bytes are asked for on the processor alone", async () => {
  const never = () => Promise.reject(new Error("nothing must be compiled"));
  expect(await integerProducts("webgpu", never)).toBeUndefined();
  expect(await integerProducts("cuda", never)).toBeUndefined();
});

/** A compiler of programs whose results are right only with, or whatever, settings. */
const whereOnly =
  (isRight: (settings: Readonly<Record<string, string>>) => boolean): typeof compile =>
  async (model, options: { settings?: Readonly<Record<string, string>> } = {}) => {
    const program = await compile(model, options);
    if (isRight(options.settings ?? {})) return program;
    const run: Program["run"] = async (feeds) => {
      const { y } = await program.run(feeds);
      const cut = (y.data as Float32Array).map((sum) => Math.max(-32_768, Math.min(sum, 32_767)));
      return { y: { ...y, data: cut } };
    };
    return Object.assign(Object.create(program) as Program, { run, dispose: () => program.dispose() });
  };

test.skipIf(products === undefined)(
  "a processor that cuts pairs of products off gets unsigned weights, which are exact here, or blocks",
  async () => {
    const settings = { "session.x64quantprecision": "1" };
    const isUnsigned = (given: object): boolean => "session.x64quantprecision" in given;
    expect(await integerProducts("cpu", whereOnly(isUnsigned))).toEqual({ settings, constantsOnly: true });
    expect(
      await integerProducts(
        "cpu",
        whereOnly(() => false),
      ),
    ).toBeUndefined();
  },
);

test.skipIf(products === undefined)(
  "where weights have to become unsigned, those that are no constants become blocks",
  async () => {
    const own = await openDevice({ threads: 1 });
    Object.assign(own, { compileModel: whereOnly((given) => "session.x64quantprecision" in given) });
    const made = product({ sizes: [3, 64], out: 32 });
    const graph = { name: "product", outputs: { y: made.y } };
    const x = float32(
      Array.from({ length: 3 * 64 }, () => made.random() - 0.5),
      [3, 64],
    );
    const [expected] = interpret([made.y], { x, ...made.constants });
    const [constant, fed] = [
      await own.compile(graph, { constants: made.constants }),
      await own.compile(graph),
    ];
    // Blocks that are no constants are unpacked into single precision: bytes would come as near as their steps.
    const { y: bytes } = await constant.run({ x });
    expect(() => requireClose("constant", bytes, expected, 1e-5)).toThrow();
    requireClose("fed", (await fed.run({ x, ...made.constants })).y, expected, 1e-5);
    for (const program of [constant, fed]) program.dispose();
  },
);
