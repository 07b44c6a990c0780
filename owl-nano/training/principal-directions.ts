import { randomFor } from "../random.ts";

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

function dot(a: Float64Array, b: Float64Array): number {
  let sum = 0;
  for (let i = 0; i < a.length; i++) sum += a[i] * b[i];
  return sum;
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

/** Gram and Schmidt's directions, twice over for accuracy. */
function orthonormal(vectors: readonly Float64Array[]): Float64Array[] {
  const found: Float64Array[] = [];
  for (const vector of vectors) {
    const rest = Float64Array.from(vector);
    for (let pass = 0; pass < 2; pass++)
      for (const direction of found) {
        const share = dot(rest, direction);
        for (let i = 0; i < rest.length; i++) rest[i] -= share * direction[i];
      }
    const length = Math.sqrt(dot(rest, rest));
    found.push(rest.map((value) => value / length));
  }
  return found;
}
