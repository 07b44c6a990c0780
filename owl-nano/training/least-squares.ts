/**
 * Ridge regression by the normal equations, solved by elimination: for each target the weights w that make
 * Σ (row · w − target)² + ridge · |w|² least.
 */
export function leastSquares(
  rows: readonly Float64Array[],
  targets: readonly Float64Array[],
  ridge: number,
): Float64Array[] {
  const size = rows[0].length;
  const width = size + targets.length;
  const system = Array.from({ length: size }, (_, i) => {
    const line = new Float64Array(width);
    line[i] = ridge;
    return line;
  });
  for (const [r, row] of rows.entries())
    for (let i = 0; i < size; i++) {
      const value = row[i];
      const line = system[i];
      for (let j = 0; j < size; j++) line[j] += value * row[j];
      for (let t = 0; t < targets.length; t++) line[size + t] += value * targets[t][r];
    }
  // The matrix is positive definite, so no pivot is too small.
  for (let pivot = 0; pivot < size; pivot++) {
    const chosen = system[pivot];
    for (let i = 0; i < size; i++) {
      if (i === pivot) continue;
      const line = system[i];
      const factor = line[pivot] / chosen[pivot];
      for (let j = pivot; j < width; j++) line[j] -= factor * chosen[j];
    }
  }
  return targets.map((_, t) => Float64Array.from(system, (line, i) => line[size + t] / line[i]));
}
