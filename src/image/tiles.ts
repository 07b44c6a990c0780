import { crop } from "./augment.ts";
import { decodeImage, loadPixelValues } from "./image.ts";
import { squeezing, toPixelValues } from "./pixel-values.ts";
import type { Preprocessor, TileGrid } from "./preprocessor-file.ts";
import type { ImageFile, ReadOptions } from "./read-image.ts";
import { type RgbImage, resizeRgb } from "./resize.ts";

// How UReader reads a picture (arXiv 2310.05126, "shape-adaptive cropping"; reference: `DocProcessor` of its release): the whole of
// it at a glance, and then piece by piece, in rows and columns that fit its shape and size.

/** A picture, or a tile of one, as the vision encoder takes it. */
export interface PictureTile {
  /** float32 [3, size, size], normalised. */
  readonly pixels: Float32Array;
  /** Row and column of a tile; absent where the model reads pictures whole. */
  readonly position?: readonly [row: number, column: number];
}

/** The most tiles that the released model cuts a picture into, and the most rows or columns. */
const MOST_TILES = 20;
const LONGEST_SIDE = 11;

/** The grids of the released UReader in its order: by their number of tiles, then by their rows. */
export const releasedGrids: readonly TileGrid[] = Array.from({ length: MOST_TILES }, (_, i) => i + 1).flatMap(
  (tiles) =>
    Array.from({ length: LONGEST_SIDE }, (_, i): TileGrid => [i + 1, tiles / (i + 1)]).filter(
      ([, columns]) => Number.isInteger(columns) && columns <= LONGEST_SIDE,
    ),
);

/** A picture's size in pixels. */
type Size = Pick<RgbImage, "width" | "height">;

const f32 = Math.fround;

/** The part that two sizes have in common, of what one of them covers, as float32 computes it. */
function overlap(common: number, union: number): number {
  return f32(f32(common) / f32(f32(union) + f32(1e-5)));
}

/**
 * How well a grid of tiles fits a picture: above all its shape, and among grids of one shape its size. Whole numbers are exact,
 * and every step between them is rounded as the reference rounds it, which decides between neighbours.
 */
function fitOf({ width, height }: Size, side: number, [rows, columns]: TileGrid): number {
  const across = columns * side;
  const down = rows * side;
  const scaled = Math.trunc(f32(f32(height / width) * across));
  const both = Math.min(down, scaled);
  const shape = overlap(across * both, across * down + across * scaled - across * both);
  const common = Math.min(across, width) * Math.min(down, height);
  const size = overlap(common, across * down + width * height - common);
  return f32(f32(shape * 100) + size);
}

/**
 * The grid that fits a picture best; of equals the first.
 *
 * @param side of a tile in pixels
 */
export function gridOf(picture: Size, side: number, grids: readonly TileGrid[] = releasedGrids): TileGrid {
  let [best] = grids;
  let most = Number.NEGATIVE_INFINITY;
  for (const grid of grids) {
    const fit = fitOf(picture, side, grid);
    if (fit > most) [best, most] = [grid, fit];
  }
  return best;
}

/** How many tiles a picture of a size becomes, with the one of the whole; 1 where the model reads pictures whole. */
export function tileCount(picture: Size, { size, grids }: Preprocessor): number {
  if (grids === undefined) return 1;
  const [rows, columns] = gridOf(picture, size, grids);
  return 1 + rows * columns;
}

/** The most tiles that a picture becomes; 1 where the model reads pictures whole. */
export function mostTiles({ grids }: Preprocessor): number {
  return grids === undefined ? 1 : 1 + Math.max(...grids.map(([rows, columns]) => rows * columns));
}

/**
 * A picture as the model reads it: itself, or in tiles. Then the whole comes first, squeezed to a tile; its place in both tables
 * of positions is behind those of all rows and columns. The tiles follow row by row.
 */
export function toTiles(image: RgbImage, preprocessor: Preprocessor): PictureTile[] {
  const { size, grids, resample } = preprocessor;
  if (grids === undefined) return [{ pixels: toPixelValues(image, preprocessor) }];
  const behind = Math.max(...grids.flat());
  const [rows, columns] = gridOf(image, size, grids);
  const squeezed = squeezing(preprocessor);
  const spread = resizeRgb(image, columns * size, rows * size, { resample });
  const tiles: PictureTile[] = [{ pixels: toPixelValues(image, squeezed), position: [behind, behind] }];
  for (let row = 0; row < rows; row++) {
    for (let column = 0; column < columns; column++) {
      const tile = crop(spread, { left: column * size, top: row * size, width: size, height: size });
      tiles.push({ pixels: toPixelValues(tile, squeezed), position: [row, column] });
    }
  }
  return tiles;
}

/** Reads a picture as {@link toTiles} gives it; in tiles it is made RGB first, there as here. */
export async function loadTiles(
  source: ImageFile,
  preprocessor: Preprocessor,
  options: ReadOptions = {},
): Promise<PictureTile[]> {
  if (preprocessor.grids !== undefined) return toTiles(await decodeImage(source, options), preprocessor);
  return [{ pixels: await loadPixelValues(source, preprocessor, options) }];
}
