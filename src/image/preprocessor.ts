import { z } from "zod";
import { type Preprocessor, problemsOf, shown, type TileGrid, withoutNulls } from "./preprocessor-file.ts";
import { ImageError } from "./read-image.ts";
import { statedFit, statedPreprocessor, withStatedFit } from "./stated-preprocessor.ts";
import { releasedGrids } from "./tiles.ts";

export type { Preprocessor };

/** The published preprocessing: 224 pixels and CLIP's mean and deviation. */
export const CLIP_PREPROCESSOR: Preprocessor = {
  size: 224,
  mean: [0.48145466, 0.4578275, 0.40821073],
  std: [0.26862954, 0.26130258, 0.27577711],
};

const BICUBIC = 3;
const pixels = z.number().int().positive();
const square = z.object({ height: pixels, width: pixels }).refine((size) => size.height === size.width, {
  message: "must be a square",
});
const triple = z.tuple([z.number(), z.number(), z.number()]);

const schema = z.object({
  size: z.union([pixels, square, z.object({ shortest_edge: pixels })]),
  crop_size: z.union([pixels, square]).optional(),
  image_mean: triple,
  image_std: z.tuple([z.number().positive(), z.number().positive(), z.number().positive()]),
  resample: z.literal(BICUBIC).default(BICUBIC),
  rescale_factor: z
    .number()
    .refine((factor) => Math.abs(factor * 255 - 1) < 1e-6, { message: "must be 1/255" })
    .optional(),
  do_resize: z.literal(true).default(true),
  do_rescale: z.literal(true).default(true),
  do_normalize: z.literal(true).default(true),
  // The picture is squeezed either way, as the released processor does it, and always has three colours.
  do_center_crop: z.boolean().default(true),
  do_convert_rgb: z.boolean().default(true),
});

/** Problems with steps that change pixels and are not computed here. */
function unsupportedSteps(json: Record<string, unknown>): string[] {
  const asked = Object.entries(json).filter(
    ([key, value]) => /^(do_|offset$)/.test(key) && !(key in schema.shape) && value !== false,
  );
  return asked.map(([key, value]) => `${key}: not supported here, got ${shown(value)}`);
}

/**
 * Reads `preprocessor_config.json`. The picture is squeezed to a square of `crop_size` (or `size`), its aspect
 * not kept: so the released processor does it, whatever the file's `do_center_crop` says.
 *
 * @throws ImageError naming every field that is wrong or not supported
 */
export function parsePreprocessor(json: unknown, where = "preprocessor_config.json"): Preprocessor {
  const content = withoutNulls(json);
  const result = schema.safeParse(content ?? json);
  const problems = content === undefined ? [] : unsupportedSteps(content);
  problems.push(...problemsOf(result.error, content ?? json));
  const { size, crop_size: cut, do_center_crop: cuts } = result.data ?? {};
  if (size !== undefined && cut !== undefined && cuts && sideOf(size) !== sideOf(cut)) {
    problems.push(
      `crop_size: must be size, ${sideOf(size)}, since nothing is cut off here; got ${sideOf(cut)}`,
    );
  }
  if (result.data === undefined || problems.length > 0) {
    throw new ImageError(`${where}: must describe CLIP's preprocessing, got\n  - ${problems.join("\n  - ")}`);
  }
  const { image_mean, image_std } = result.data;
  return { size: sideOf((cuts ? cut : undefined) ?? result.data.size), mean: image_mean, std: image_std };
}

/**
 * How a model's pictures are prepared: as its `preprocessor_config.json` or `processor_config.json` says, or the published way where there
 * is none. A file with the key `fit`, this package's own, is taken at its word; the released mPLUG-Owl squeezes whatever
 * its file says.
 *
 * @param json content of the file, undefined where there is none
 * @param imageSize side of the pictures that the model takes
 * @param fit how pictures of the model become square (see {@link Preprocessor.fit}) where the file has no such key
 * @throws ImageError where the file asks for another size
 */
export function modelPreprocessor(
  json: unknown,
  imageSize: number,
  where: string,
  fit: Preprocessor["fit"] = "squeeze",
): Preprocessor {
  const preprocessor =
    json === undefined ? { ...CLIP_PREPROCESSOR, size: imageSize, fit } : read(json, where, fit);
  requireSize(preprocessor, imageSize, where);
  return preprocessor;
}

function read(json: unknown, where: string, fit: Preprocessor["fit"]): Preprocessor {
  const stated = statedFit(json);
  if (stated === "stretch" || stated === "pad") return { ...parsePreprocessor(json, where), fit: stated };
  if (stated !== undefined) return statedPreprocessor(json, where);
  return { ...parsePreprocessor(json, where), ...(fit && { fit }) };
}

/** @throws ImageError where the preprocessing makes pictures of another size than a model takes */
export function requireSize({ size }: Preprocessor, imageSize: number, where: string): void {
  if (size === imageSize) return;
  throw new ImageError(
    `${where}: its size must be ${imageSize} as the model's config.json says, got ${size}`,
  );
}

const tileGrids = z.array(z.tuple([pixels, pixels])).min(1);

/**
 * The same for a model that reads pictures in tiles: by the grids of the file (key `tile_grids`, this package's own: rows and
 * columns), or those of the released UReader.
 *
 * @param json content of the file, undefined where there is none
 * @param positions how many rows and columns have an embedding; the whole picture takes the place behind the last
 * @throws ImageError where the grids are none, or need more positions
 */
export function withTiles(
  preprocessor: Preprocessor,
  json: unknown,
  where: string,
  positions: number,
): Preprocessor {
  const stated = withoutNulls(json)?.tile_grids;
  const grids: readonly TileGrid[] | undefined =
    stated === undefined ? releasedGrids : tileGrids.safeParse(stated).data;
  if (grids === undefined) {
    throw new ImageError(
      `${where}: tile_grids must be a list of [rows, columns], as [[1, 1], [2, 3]], got ${shown(stated)}`,
    );
  }
  const needed = Math.max(...grids.flat()) + 1;
  if (needed <= positions) return { ...preprocessor, fit: "squeeze", grids };
  throw new ImageError(
    `${where}: tile_grids must have at most ${positions - 1} rows and columns, for which the model has positions, got ${needed - 1}; name smaller grids as tile_grids`,
  );
}

function sideOf(size: number | { height: number } | { shortest_edge: number }): number {
  if (typeof size === "number") return size;
  return "height" in size ? size.height : size.shortest_edge;
}

/** The content of `preprocessor_config.json` for a preprocessor, in the published form. */
export function publishedPreprocessor(preprocessor: Preprocessor): Record<string, unknown> {
  const { grids } = preprocessor;
  return { ...withoutGrids(preprocessor), ...(grids && { tile_grids: grids }) };
}

function withoutGrids(preprocessor: Preprocessor): Record<string, unknown> {
  if (preprocessor.resample !== undefined) return withStatedFit(preprocessor);
  const { size, mean, std, fit } = preprocessor;
  return {
    ...((fit === "stretch" || fit === "pad") && { fit }),
    crop_size: { height: size, width: size },
    do_center_crop: true,
    do_convert_rgb: true,
    do_normalize: true,
    do_rescale: true,
    do_resize: true,
    feature_extractor_type: "CLIPFeatureExtractor",
    image_mean: mean,
    image_processor_type: "CLIPImageProcessor",
    image_std: std,
    resample: BICUBIC,
    rescale_factor: 1 / 255,
    size: { shortest_edge: size },
  };
}
