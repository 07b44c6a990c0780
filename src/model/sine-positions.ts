import { constant, float32, type Tensor } from "../tensor/index.ts";

// Positions of mPLUG-Owl2's abstractor (arXiv 2311.04257; names of its code: q_pos_embed, k_pos_embed). They are no parameters.

/** [sin(p w₀) … sin(p w_{d/2−1}), cos(p w₀) … cos(p w_{d/2−1})] with w_k = 10000^(−k / (d/2)). */
function sines(width: number, position: number): number[] {
  const half = width / 2;
  const angles = Array.from({ length: half }, (_, k) => position / 10000 ** (k / half));
  return [...angles.map(Math.sin), ...angles.map(Math.cos)];
}

/** Of learned queries: their number in the row, [queries, hidden]. */
export function queryPositions(queries: number, hidden: number): Tensor {
  const rows = Array.from({ length: queries }, (_, i) => sines(hidden, i));
  return constant(float32(rows.flat(), [queries, hidden]), ["queries", "hidden"]);
}

/**
 * Of a picture's patches: column in the first half of the numbers, row in the second, [prefix + grid², hidden]; tokens in front of
 * the patches have zeros.
 *
 * @param grid patches along a side
 */
export function patchPositions(grid: number, hidden: number, prefix: number): Tensor {
  const inFront = new Array<number>(prefix * hidden).fill(0);
  const rows = Array.from({ length: grid * grid }, (_, i) => [
    ...sines(hidden / 2, i % grid),
    ...sines(hidden / 2, Math.floor(i / grid)),
  ]);
  return constant(float32([...inFront, ...rows.flat()], [prefix + grid * grid, hidden]), [
    "tokens",
    "hidden",
  ]);
}
