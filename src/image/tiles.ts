import { crop } from "./augment.ts";
import { decodeImage, loadPixelValues } from "./image.ts";
import { squeezing, toPixelValues } from "./pixel-values.ts";
import type { Preprocessor, TileGrid } from "./preprocessor-file.ts";
import type { ImageFile, ReadOptions } from "./read-image.ts";
import { type RgbImage, resizeRgb } from "./resize.ts";

// How UReader reads a picture (arXiv 2310.05126, "shape-adaptive cropping"; reference: `DocProcessor` of its release): the whole of
// it at a glance, and then piece by piece, in rows and columns that fit its shape and size. mPLUG-Owl3 (arXiv 2408.04840) chooses among
// grids of its own in the same way, cuts small pictures too, and sees the whole behind the pieces.

/** A picture, or a tile of one, as the vision encoder takes it. */
export interface PictureTile {
  /** float32 [3, size, size], normalised. */
  readonly pixels: Float32Array;
  /** Row and column of a tile; absent where the model reads pictures whole. */
  readonly position?: readonly [row: number, column: number];
  /** Of a whole picture behind its tiles: their rows and columns. */
  readonly grid?: TileGrid;
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

/** The grids of mPLUG-Owl3 in its order. */
export const cuttingGrids: readonly TileGrid[] = [
  [2, 2],
  [1, 3],
  [1, 4],
  [3, 1],
  [4, 1],
  [2, 3],
  [3, 2],
];

/** The grids that pictures are cut by; undefined where the model reads them whole. */
function gridsOf({ grids, cuts }: Preprocessor): readonly TileGrid[] | undefined {
  return cuts ? cuttingGrids : grids;
}

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
export function tileCount(picture: Size, preprocessor: Preprocessor): number {
  const grid = fittingGrid(picture, preprocessor);
  return grid === undefined ? 1 : 1 + grid[0] * grid[1];
}

/** The grid that a picture is cut by; undefined where the model reads pictures whole. */
export function fittingGrid(picture: Size, preprocessor: Preprocessor): TileGrid | undefined {
  const grids = gridsOf(preprocessor);
  return grids && gridOf(picture, preprocessor.size, grids);
}

/** The most tiles that a picture becomes; 1 where the model reads pictures whole. */
export function mostTiles(preprocessor: Preprocessor): number {
  const grids = gridsOf(preprocessor);
  return grids === undefined ? 1 : 1 + Math.max(...grids.map(([rows, columns]) => rows * columns));
}

/**
 * A picture as the model reads it: itself, or in tiles row by row. The whole, squeezed to a tile, stands in front of them; its place in both
 * tables of positions is behind those of all rows and columns. Of a preprocessing that cuts it stands behind them.
 */
export function toTiles(image: RgbImage, preprocessor: Preprocessor): PictureTile[] {
  const grid = fittingGrid(image, preprocessor);
  if (grid === undefined) return [{ pixels: toPixelValues(image, preprocessor) }];
  const { size, grids = [], cuts, resample } = preprocessor;
  const [rows, columns] = grid;
  const squeezed = squeezing(preprocessor);
  const spread = resizeRgb(image, columns * size, rows * size, { resample });
  const pixels = toPixelValues(image, squeezed);
  const tiles = Array.from({ length: rows * columns }, (_, i) => {
    const [row, column] = [Math.floor(i / columns), i % columns];
    const tile = crop(spread, { left: column * size, top: row * size, width: size, height: size });
    return { pixels: toPixelValues(tile, squeezed), position: [row, column] as const };
  });
  if (cuts) return [...tiles.map((tile) => ({ pixels: tile.pixels })), { pixels, grid }];
  const behind = Math.max(...grids.flat());
  return [{ pixels, position: [behind, behind] }, ...tiles];
}

/** Reads a picture as {@link toTiles} gives it; in tiles it is made RGB first, there as here. */
export async function loadTiles(
  source: ImageFile,
  preprocessor: Preprocessor,
  options: ReadOptions = {},
): Promise<PictureTile[]> {
  if (gridsOf(preprocessor)) return toTiles(await decodeImage(source, options), preprocessor);
  return [{ pixels: await loadPixelValues(source, preprocessor, options) }];
}
