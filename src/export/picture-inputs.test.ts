import { expect, test } from "vitest";
import { type Preprocessor, toPixelValues } from "../image/index.ts";
import { writeModel } from "../onnx/index.ts";
import { openDevice } from "../runtime/index.ts";
import { dim, float32, input } from "../tensor/index.ts";
import { pictureInputs, unsupportedPreprocessing } from "./picture-inputs.ts";

const device = await openDevice({ threads: 1 });
const colours = { mean: [0.48, 0.45, 0.4], std: [0.26, 0.27, 0.28] } as const;

function picture(width: number, height: number) {
  const data = Uint8Array.from({ length: width * height * 3 }, (_, i) => (i * 7919 + (i >> 3) * 31) % 256);
  return { width, height, data };
}

const kinds: readonly (readonly [string, Preprocessor])[] = [
  ["squeezed, bicubic", { size: 48, ...colours }],
  ["squeezed and cut", { size: 40, edge: 48, fit: "squeeze", resample: "bilinear", ...colours }],
  ["by the shorter edge and cut", { size: 40, edge: 45, fit: "crop", resample: "bicubic", ...colours }],
  ["numbers, bilinear", { size: 48, resample: "bilinear", resizesNumbers: true, ...colours }],
  ["another factor", { size: 48, rescale: 1 / 127.5, ...colours }],
];

test.each(kinds)("pictures of any size are prepared within the model: %s", async (_, preprocessor) => {
  const side = dim("imageSize", preprocessor.size);
  const pixels = input("pixel_values", "float32", [dim("images"), dim("channels", 3), side, side]);
  const graph = { name: "pictures", outputs: { prepared: pixels } };
  const program = await device.compileModel(writeModel(graph, { derived: pictureInputs(preprocessor) }));
  for (const [width, height] of [
    [100, 80],
    [37, 200],
    [48, 48],
    [20, 31],
  ]) {
    const image = picture(width, height);
    const planes = [0, 1, 2].flatMap((channel) =>
      Array.from({ length: width * height }, (_value, i) => image.data[i * 3 + channel]),
    );
    const { prepared } = await program.run({ pixel_values: float32(planes, [1, 3, height, width]) });
    const expected = toPixelValues(image, preprocessor);
    const levels = [...expected].map((value, i) => Math.abs(value - Number(prepared.data[i])) * 255 * 0.28);
    expect(prepared.data.length).toBe(expected.length);
    // A level of 255 at some pixels: where a sum lies between two levels, ONNX Runtime may round to the other one.
    const factor = (preprocessor.rescale ?? 1 / 255) * 255;
    expect(Math.max(...levels)).toBeLessThan(1.2 * factor);
    expect(levels.filter((difference) => difference > 0.01).length).toBeLessThan(levels.length / 30);
  }
  program.dispose();
});

test("what has no operator is named", () => {
  expect(unsupportedPreprocessing({ size: 8, edge: 6, resample: "lanczos", ...colours })).toEqual([
    'pictures resized by "lanczos"',
    "pictures of 6 pixels with a border up to 8",
  ]);
});
