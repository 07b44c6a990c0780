import { writeModel } from "../onnx/index.ts";
import { type CompileOptions, describeProvider, type ExecutionProvider } from "../platform/index.ts";
import {
  dim,
  type Graph,
  type HostTensor,
  input,
  isKind,
  nodesOf,
  packedParameter,
  parameter,
  rowQuantizedLinear,
  type Tensor,
} from "../tensor/index.ts";
import type { Program } from "./program.ts";

/** The packed numbers of the weights of one scale a row that a graph has products with. */
export function weightsOfRows(graph: Graph): Tensor[] {
  const nodes = nodesOf(Object.values(graph.outputs));
  return nodes.flatMap((node) => (isKind(node, "rowQuantizedLinear") ? [node.inputs[1]] : []));
}

/** What ONNX Runtime must be told for products of bytes to be exact. */
export interface IntegerProducts {
  readonly settings: Readonly<Record<string, string>>;
  /** Whether they are so only with weights that are constants of the program. */
  readonly constantsOnly: boolean;
}

const asWritten: IntegerProducts["settings"] = {};

/**
 * ONNX Runtime's constants of signed bytes become unsigned ones, whose kernels of x64 do not overflow. They are slower, also where
 * nothing overflows.
 */
const unsignedWeights: IntegerProducts["settings"] = { "session.x64quantprecision": "1" };

/**
 * How a provider's products of unsigned by signed bytes are exact: those of x64 processors without VNNI add pairs of products in 16
 * bits, where the largest ones (2 · 255 · 127) are cut off, and nothing says so. So the largest numbers there are get multiplied.
 *
 * @returns undefined where they are not
 */
export async function integerProducts(
  provider: ExecutionProvider,
  compile: (model: Uint8Array, options: CompileOptions) => Promise<Program>,
): Promise<IntegerProducts | undefined> {
  if (!describeProvider(provider).kernels.integerProducts) return undefined;
  for (const settings of [asWritten, unsignedWeights]) {
    const program = await compile(largestProducts(provider), { settings });
    const exact = [];
    // One row and several go to kernels of their own.
    for (const rows of [1, 5]) exact.push(await isExact(program, rows));
    program.dispose();
    if (exact.every(Boolean)) return { settings, constantsOnly: settings === unsignedWeights };
  }
  return undefined;
}

// Neither fills whole registers.
const [columns, width] = [37, 67];
/** The weight's columns by turns. */
const outermost = [127, -127];

/** A product with a weight of the outermost numbers. */
function largestProducts(target: ExecutionProvider): Uint8Array {
  const [out, numbers] = [dim("out", columns), dim("numbers", width)];
  const constant = { kind: "constant", value: 0 } as const;
  const weight = {
    packed: packedParameter("packed", [numbers, out], "int8"),
    scales: parameter("scales", [out], constant),
    sums: parameter("sums", [out], constant),
    activations: "int8",
  } as const;
  const graph: Graph = {
    name: "integer products",
    outputs: { y: rowQuantizedLinear(input("x", "float32", [dim("rows"), numbers]), weight) },
  };
  const packed = Int8Array.from({ length: width * columns }, (_, i) => outermost[(i % columns) % 2]);
  const floats = (of: (column: number) => number): Uint8Array =>
    new Uint8Array(Float32Array.from({ length: columns }, (_, column) => of(column)).buffer);
  return writeModel(graph, {
    target,
    integerProducts: true,
    stored: new Map([
      ["packed", { data: new Uint8Array(packed.buffer), type: "I8" }],
      ["scales", { data: floats(() => 1), type: "F32" }],
      ["sums", { data: floats((column) => width * outermost[column % 2]), type: "F32" }],
    ]),
  });
}

async function isExact(program: Program, rows: number): Promise<boolean> {
  // Positive numbers become the largest bytes.
  const x: HostTensor = {
    dtype: "float32",
    dims: [rows, width],
    data: new Float32Array(rows * width).fill(255),
  };
  const { y } = await program.run({ x });
  return (y.data as Float32Array).every((sum, i) => {
    const expected = width * 255 * outermost[(i % columns) % 2];
    return Math.abs(sum - expected) < 1e-5 * Math.abs(expected);
  });
}
