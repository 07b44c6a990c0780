import type { Preprocessor } from "../image/index.ts";
import { type DerivedInputs, elementTypes, integerConstant, type Writer } from "../onnx/index.ts";
import { float32 } from "../tensor/index.ts";
import { sizeOf } from "./decoder-inputs.ts";

/** ONNX's filters by Pillow's names: the two widen with the scale alike, for bytes with the same rounding. */
const filters: Readonly<Record<string, string>> = { bicubic: "cubic", bilinear: "linear" };

/** What of a model's preprocessing has no operator. */
export function unsupportedPreprocessing({ size, edge = size, resample, grids }: Preprocessor): string[] {
  return [
    ...(grids === undefined
      ? []
      : ["pictures in tiles, of which transformers.js has as many for every picture"]),
    ...(resample === undefined || resample in filters ? [] : [`pictures resized by "${resample}"`]),
    ...(edge < size ? [`pictures of ${edge} pixels with a border up to ${size}`] : []),
  ];
}

/**
 * The vision encoder's input from pictures of any size: `pixel_values` float32 [images, 3, height, width], levels of 0 to
 * 255. They are resized within the model, since transformers.js resizes neither as Pillow does nor alike in Node
 * and in a browser.
 */
export function pictureInputs(preprocessor: Preprocessor): DerivedInputs {
  const dims = ["images", 3, "height", "width"];
  return {
    inputs: [{ name: "pixel_values", dtype: "float32", dims }],
    values: new Map([["pixel_values", (writer) => prepared(writer, preprocessor)]]),
  };
}

function prepared(writer: Writer, preprocessor: Preprocessor): string {
  const { mean, std, rescale = 1 / 255, resizesNumbers = false } = preprocessor;
  const each = (values: readonly number[]): string => writer.constant(float32(values, [1, 3, 1, 1]));
  const rescaled = (x: string): string => writer.node("Mul", [x, writer.constant(float32([rescale], []))]);
  const bytes = (): string => writer.node("Cast", ["pixel_values"], { to: elementTypes.uint8 });
  const numbers = (): string => {
    const resized = middle(writer, resize(writer, bytes(), preprocessor), preprocessor);
    return rescaled(writer.node("Cast", [resized], { to: elementTypes.float32 }));
  };
  const unit = resizesNumbers
    ? middle(writer, resize(writer, rescaled("pixel_values"), preprocessor), preprocessor)
    : numbers();
  return writer.node("Div", [writer.node("Sub", [unit, each(mean)]), each(std)]);
}

function resize(writer: Writer, x: string, preprocessor: Preprocessor): string {
  const { resample = "bicubic" } = preprocessor;
  const sizes = writer.node("Concat", [...targetSizes(writer, x, preprocessor)], { axis: 0 });
  return writer.node("Resize", [x, "", "", sizes], {
    mode: filters[resample],
    antialias: 1,
    cubic_coeff_a: { float: -0.5 },
    coordinate_transformation_mode: "half_pixel",
    exclude_outside: 1,
  });
}

function targetSizes(writer: Writer, x: string, { size, edge = size, fit }: Preprocessor): string[] {
  const side = integerConstant(writer, [edge]);
  const front = [sizeOf(writer, x, 0), sizeOf(writer, x, 1)];
  if (fit !== "crop") return [...front, side, side];
  const [height, width] = [sizeOf(writer, x, 2), sizeOf(writer, x, 3)];
  const shorter = writer.node("Min", [height, width]);
  // Whole numbers, cut off as Pillow's are.
  const scaled = (length: string): string =>
    writer.node("Div", [writer.node("Mul", [length, side]), shorter]);
  return [...front, scaled(height), scaled(width)];
}

/** The square in the middle. */
function middle(writer: Writer, x: string, { size, edge = size, fit }: Preprocessor): string {
  if (fit !== "crop" && edge === size) return x;
  const side = integerConstant(writer, [size]);
  const starts = [2, 3].map((axis) =>
    writer.node("Div", [writer.node("Sub", [sizeOf(writer, x, axis), side]), integerConstant(writer, [2])]),
  );
  const start = writer.node("Concat", starts, { axis: 0 });
  const end = writer.node("Add", [start, side]);
  return writer.node("Slice", [x, start, end, integerConstant(writer, [2, 3])]);
}
