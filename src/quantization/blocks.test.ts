import { describe, expect, test } from "vitest";
import {
  dim,
  float32,
  input,
  interpret,
  packedParameter,
  parameter,
  type QuantizedFormat,
  quantizedLinear,
  quantizedShapes,
} from "../tensor/index.ts";
import { quantizeRows } from "./index.ts";
import { unpackRows } from "./testing/unpack-rows.ts";

const four: QuantizedFormat = { bits: 4, blockSize: 16, zeroPoints: true, activations: "float32" };
const formats: readonly QuantizedFormat[] = [
  four,
  { ...four, zeroPoints: false },
  { ...four, bits: 8 },
  { ...four, bits: 8, zeroPoints: false },
];

/** Waves of many lengths, none of them symmetric. */
const waves = (count: number): Float32Array =>
  Float32Array.from({ length: count }, (_, i) => Math.sin(i * i * 0.37) * (1 + (i % 7) / 3) + 0.2);

const title = ({ bits, zeroPoints }: QuantizedFormat): string =>
  `${bits} bits${zeroPoints ? ", zero points" : ""}`;

describe.each(formats.map((format) => [title(format), format] as const))("%s", (_, format) => {
  test("what is unpacked is what the operator computes with", () => {
    const [rows, width] = [5, 40];
    const packed = quantizeRows(waves(rows * width), width, format);
    const shapes = quantizedShapes([dim("rows", rows), dim("width", width)], format.bits, 16);
    const weight = {
      ...format,
      packed: packedParameter("packed", shapes.packed),
      scales: parameter("scales", shapes.scales, { kind: "constant", value: 0 }),
      zeroPoints: format.zeroPoints ? packedParameter("zeros", shapes.zeroPoints) : undefined,
      offsets: undefined,
    };
    const identity = Float32Array.from({ length: width * width }, (_, i) => (i % (width + 1) === 0 ? 1 : 0));
    const x = input("x", "float32", [dim("rows", width), dim("width", width)]);
    const sizesOf = (shape: readonly { size: number | undefined }[]): number[] =>
      shape.map(({ size }) => size!);
    const [columns] = interpret([quantizedLinear(x, weight)], {
      x: float32(identity, [width, width]),
      packed: { dims: sizesOf(shapes.packed), data: packed.packed },
      scales: { dims: sizesOf(shapes.scales), data: packed.scales },
      zeros: { dims: sizesOf(shapes.zeroPoints), data: packed.zeroPoints },
    });
    const unpacked = unpackRows(packed, width, format);
    for (const [at, value] of unpacked.entries()) {
      expect(columns.data[(at % width) * rows + Math.floor(at / width)]).toBeCloseTo(value, 6);
    }
  });

  test("what is inside the grid moves by half a step at most", () => {
    const values = waves(64 * 32);
    const { scales, ...packed } = quantizeRows(values, 32, format);
    const unpacked = unpackRows({ ...packed, scales }, 32, format);
    let cut = 0;
    for (const [i, value] of values.entries()) {
      const step = Math.abs(scales[Math.floor(i / 16)]);
      const error = Math.abs(unpacked[i] - value);
      if (error > 0.5001 * step) cut++;
      // The outermost numbers may be cut: the narrowest grid spans 72 % of the range.
      expect(error).toBeLessThanOrEqual(0.3 * 2 ** format.bits * step);
    }
    expect(cut / values.length).toBeLessThan(format.bits === 8 ? 0.001 : 0.25);
  });

  test("zeros stay zero, in rows of zeros and beside others", () => {
    const values = new Float32Array(48);
    values.set([1.7, -0.3, 0.9], 20);
    const unpacked = unpackRows(quantizeRows(values, 16, format), 16, format);
    for (const [i, value] of values.entries()) if (value === 0) expect(unpacked[i] === 0).toBe(true);
  });

  test("rows do not depend on their neighbours", () => {
    const values = waves(6 * 40);
    const whole = quantizeRows(values, 40, format);
    const last = quantizeRows(values.slice(5 * 40), 40, format);
    expect(whole.packed.slice(-last.packed.length)).toEqual(last.packed);
    expect(whole.scales.slice(-last.scales.length)).toEqual(last.scales);
    expect(whole.zeroPoints.slice(whole.zeroPoints.length - last.zeroPoints.length)).toEqual(last.zeroPoints);
  });

  test.each([Number.NaN, Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY])("refuses %s", (value) => {
    const values = waves(32);
    values[9] = value;
    expect(() => quantizeRows(values, 32, format)).toThrow("must hold finite numbers only");
  });
});

test("the error of normal weights is what the literature's formats have, or less", () => {
  // Sums of uniform numbers are near enough to normal.
  let state = 1;
  const uniform = (): number => {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    return state / 2 ** 32 - 0.5;
  };
  const values = Float32Array.from({ length: 512 * 128 }, () =>
    Array.from({ length: 12 }, uniform).reduce((sum, value) => sum + value, 0),
  );
  const errorOf = (format: QuantizedFormat): number => {
    const { squaredError, squaredSum } = quantizeRows(values, 128, format);
    return Math.sqrt(squaredError / squaredSum);
  };
  expect(errorOf({ ...four, blockSize: 32 })).toBeLessThan(0.085);
  expect(errorOf({ ...four, blockSize: 128 })).toBeLessThan(0.1);
  expect(errorOf({ ...four, bits: 8, zeroPoints: false, blockSize: 128 })).toBeLessThan(0.007);
});
