import { randomFor } from "../random.ts";
import { dot, orthonormal } from "./orthonormal.ts";

const ROUNDS = 20;

/**
 * The orthonormal directions in which rows have most of their squares, by orthogonal iteration (Golub and Van Loan, Matrix
 * Computations, §8.2); the mean is not taken off.
 */
export function principalDirections(rows: readonly Float64Array[], count: number): Float64Array[] {
  const width = rows[0].length;
  const random = randomFor(1, "principal directions", 0);
  let directions = orthonormal(
    Array.from({ length: Math.min(count, width) }, () =>
      Float64Array.from({ length: width }, () => random.range(-1, 1)),
    ),
  );
  const moments = secondMoments(rows, width);
  for (let round = 0; round < ROUNDS; round++)
    directions = orthonormal(
      directions.map((direction) => Float64Array.from(moments, (row) => dot(row, direction))),
    );
  return directions;
}

function secondMoments(rows: readonly Float64Array[], width: number): Float64Array[] {
  const moments = Array.from({ length: width }, () => new Float64Array(width));
  for (const row of rows)
    for (let i = 0; i < width; i++) for (let j = 0; j < width; j++) moments[i][j] += row[i] * row[j];
  // A little of every direction, where there are fewer rows than directions.
  const trace = moments.reduce((sum, row, i) => sum + row[i], 0);
  for (let i = 0; i < width; i++) moments[i][i] += (1e-6 * trace) / width;
  return moments;
}
