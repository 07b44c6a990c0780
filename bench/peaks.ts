import { cpus } from "node:os";
import { elementTypes, type Writer, writeModel } from "../src/onnx/index.ts";
import { startWorkerPool } from "../src/platform/index.ts";
import { openDevice } from "../src/runtime/index.ts";
import { allocate, dim, input, neg } from "../src/tensor/index.ts";

/** What a processor does at most, all cores together: what was reached, not what is printed about it. */
export interface Peaks {
  /** Bytes a second of a loop that reads memory. */
  readonly bandwidth: number;
  /** Operations a second (a multiplication and an addition are two) of ONNX Runtime's product in single precision. */
  readonly float32: number;
  /** The same of unsigned by signed 8-bit numbers. */
  readonly int8: number;
}

async function bandwidth(seconds: number, totalBytes: number): Promise<number> {
  const threads = cpus().length;
  const bytes = 2 ** 16 * Math.ceil(totalBytes / threads / 2 ** 16);
  const pool = startWorkerPool(new URL("./reading-loop.ts", import.meta.url), threads);
  const inEach = (name: string): Promise<unknown[]> =>
    Promise.all(Array.from({ length: threads }, () => pool.call(name, { bytes, seconds })));
  await inEach("prepare");
  const rates: number[] = [];
  for (let round = 0; round < 3; round++) {
    const read = (await inEach("read")) as number[];
    rates.push(read.reduce((total, rate) => total + rate, 0));
  }
  await pool.close();
  return Math.max(...rates);
}

/** Rows, inner size and columns. */
type Sizes = readonly [rows: number, inner: number, columns: number];

/** A chunk of a prompt times a weight of a 7 B; and what shows that the probe runs. */
const sizes: Readonly<Record<"full" | "quick", Sizes>> = { full: [256, 4096, 4096], quick: [32, 256, 256] };

/** ONNX's number for signed bytes. */
const signedBytes = 3;

type Kind = "float32" | "int8";

/** A product with a constant weight, which the kernel may rearrange. */
function productModel(kind: Kind, [rows, inner, columns]: Sizes): Uint8Array {
  const result = neg(input("product", "float32", [dim("rows", rows), dim("columns", columns)]));
  const isFloat = kind === "float32";
  const multiply = (writer: Writer): string => {
    const weight = allocate(isFloat ? "float32" : "uint8", [inner, columns]);
    for (const i of weight.data.keys()) weight.data[i] = isFloat ? (i % 251) / 251 : i % 251;
    const constant = writer.constant(weight);
    if (isFloat) return writer.node("MatMul", ["x", constant]);
    // Kernels for signed weights are the faster ones.
    const signed = writer.node("Cast", [constant], { to: signedBytes });
    const sums = writer.node("MatMulInteger", ["x", signed]);
    return writer.node("Cast", [sums], { to: elementTypes.float32 });
  };
  return writeModel(
    { name: "product", outputs: { result } },
    {
      derived: {
        inputs: [{ name: "x", dtype: isFloat ? "float32" : "uint8", dims: [rows, inner] }],
        values: new Map([["product", multiply]]),
      },
    },
  );
}

/** Operations a second of a product, the best of several. */
async function operations(kind: Kind, size: Sizes, runs: number): Promise<number> {
  const [rows, inner, columns] = size;
  const device = await openDevice({ spinning: true });
  const program = await device.compileModel(productModel(kind, size), { name: `product of ${kind}` });
  const x = allocate(kind === "float32" ? "float32" : "uint8", [rows, inner]);
  for (const i of x.data.keys()) x.data[i] = i % 7;
  const bound = program.bind({ x });
  let best = Number.POSITIVE_INFINITY;
  for (let run = 0; run < runs + 2; run++) {
    const began = performance.now();
    await bound.run();
    if (run >= 2) best = Math.min(best, performance.now() - began);
  }
  program.dispose();
  return (2 * rows * inner * columns) / (best / 1000);
}

/** Measures what this machine reaches at most: a second and a half, less when `quick`. */
export async function measurePeaks({ quick = false } = {}): Promise<Peaks> {
  const size = sizes[quick ? "quick" : "full"];
  return {
    bandwidth: await bandwidth(quick ? 0.05 : 0.3, quick ? 2 ** 24 : 2 ** 30),
    float32: await operations("float32", size, quick ? 2 : 9),
    int8: await operations("int8", size, quick ? 2 : 9),
  };
}
