import { afterEach, describe, expect, test } from "vitest";
import { narrowFloats } from "../checkpoint/index.ts";
import { mulberry32 } from "../primitives/index.ts";
import { quantizeRows, unpackedZeroPoints } from "../quantization/index.ts";
import type { HostTensor, QuantizedFormat } from "../tensor/index.ts";
import { type NarrowWeight, narrowBytes, widened } from "./narrow-weights.ts";
import { createWidening, type Widening } from "./widening.ts";

const random = mulberry32(3);
const numbers = (count: number): Float32Array =>
  Float32Array.from({ length: count }, () => (random() - 0.5) * 2 ** Math.floor(20 * random() - 10));

function quantized(rows: number, width: number, format: QuantizedFormat): NarrowWeight {
  const { packed, scales, zeroPoints } = quantizeRows(numbers(rows * width), width, format);
  const zeros = unpackedZeroPoints(rows, width, format, format.zeroPoints ? zeroPoints : undefined);
  const { bits, blockSize } = format;
  return {
    kind: "blocks",
    dims: [rows, width],
    blocks: { bits, blockSize, packed, scales, zeroPoints: zeros },
  };
}

const half = (kind: "F16" | "BF16", dims: readonly number[], values: Float32Array): NarrowWeight => {
  return { kind, dims, bits: narrowFloats(values, kind)! };
};

/** Every finite number of half precision, subnormal ones and both zeros too. */
const everyHalf = (): Uint16Array =>
  Uint16Array.from({ length: 65_536 }, (_, i) => i).filter((i) => (i & 0x7c00) !== 0x7c00);

const formats = ([4, 8] as const).flatMap((bits) =>
  [16, 32, 128].flatMap((blockSize) =>
    [false, true].map((zeroPoints) => ({ bits, blockSize, zeroPoints, activations: "float32" }) as const),
  ),
);

describe("the kernels that widen", () => {
  let widening: Widening | undefined;
  afterEach(() => widening?.dispose());

  async function requireEqual(weights: ReadonlyMap<string, NarrowWeight>): Promise<void> {
    widening = createWidening(weights, 2);
    const [set] = widening.setsOf([[...weights.keys()]]);
    await set.widen();
    for (const [name, weight] of weights) {
      const got = set.tensors.get(name)!;
      expect(got.dims).toEqual(weight.dims);
      // Bit for bit, so that −0 is told from 0.
      const bits = ({ buffer, byteOffset, byteLength }: HostTensor["data"]) =>
        Buffer.from(buffer as ArrayBuffer, byteOffset, byteLength);
      expect(bits(got.data).equals(bits(widened(weight).data)), name).toBe(true);
    }
  }

  test.each(
    formats,
  )("blocks of $blockSize numbers of $bits bits (zero points: $zeroPoints)", async (format) => {
    // Widths with a last block that is not full, and one that ends inside sixteen numbers.
    await requireEqual(
      new Map([[1, 48, 130, 256].map((width) => [`${width}`, quantized(5, width, format)] as const)].flat()),
    );
  });

  test("half precision, every finite number; bfloat16; lengths that are no multiple of four", async () => {
    await requireEqual(
      new Map<string, NarrowWeight>([
        ["every half", { kind: "F16", dims: [63_488], bits: everyHalf() }],
        ["five", half("F16", [5], numbers(5))],
        ["bfloat16", half("BF16", [3, 7], numbers(21))],
        ["many", half("BF16", [600, 1000], numbers(600_000))],
      ]),
    );
  });
});

test("sets share their room: what one shows is gone when another is widened, and comes back", async () => {
  const weights = new Map([
    ["a", half("BF16", [2, 8], new Float32Array(16).fill(1))],
    ["b", half("BF16", [16], new Float32Array(16).fill(2))],
  ]);
  const widening = createWidening(weights, 1);
  const [a, b] = widening.setsOf([["a"], ["b"]]);
  await a.widen();
  await b.widen();
  expect(a.tensors.get("a")!.data[3]).toBe(2);
  await a.widen();
  expect(a.tensors.get("a")!.data[3]).toBe(1);
  widening.dispose();
});

test("some rows are those of the whole", () => {
  const format = { bits: 4, blockSize: 32, zeroPoints: true, activations: "int8" } as const;
  for (const weight of [quantized(6, 50, format), half("F16", [6, 50], numbers(300))]) {
    expect(widened(weight, [2, 5]).data).toEqual(widened(weight).data.slice(100, 250));
    expect(narrowBytes(weight)).toBeLessThan(4 * 300);
  }
});
