import { crop } from "./augment.ts";
import type { TileGrid } from "./preprocessor-file.ts";
import { type RgbImage, resizeBicubic } from "./resize.ts";
import { gridOf } from "./tiles.ts";

// Adaptive cutting as mPLUG-Owl3 does it (arXiv 2408.04840): a grid of squares is chosen as for readers in tiles, from grids of its own,
// and the whole picture is one square more behind them. Every picture is cut, small ones too.

/** The grids of mPLUG-Owl3 in their order: of equally good ones the first counts. */
export const adaptiveGrids: readonly TileGrid[] = [
  [2, 2],
  [1, 3],
  [1, 4],
  [3, 1],
  [4, 1],
  [2, 3],
  [3, 2],
];

/**
 * The grid that a picture is cut to.
 *
 * @param size side of a square in pixels
 */
export function adaptiveGrid(picture: Pick<RgbImage, "width" | "height">, size: number): TileGrid {
  return gridOf(picture, size, adaptiveGrids);
}

/** The squares of a picture row by row, and behind them the whole picture as a square. */
export function cutAdaptively(image: RgbImage, size: number): readonly RgbImage[] {
  const [rows, columns] = adaptiveGrid(image, size);
  const large = resizeBicubic(image, columns * size, rows * size);
  const squares = Array.from({ length: rows * columns }, (_, i) => {
    const [row, column] = [Math.floor(i / columns), i % columns];
    return crop(large, { left: column * size, top: row * size, width: size, height: size });
  });
  return [...squares, resizeBicubic(image, size, size)];
}
