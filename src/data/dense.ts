import { allocate, type HostTensor } from "../tensor/index.ts";
import { DataError, ignoredClass } from "./example.ts";

/** Sizes of a dense batch. */
export interface DenseSizes {
  readonly images: number;
}

/** A picture's pixels and the class of each of its patches. */
export interface DenseRow {
  /** float32 [3, size, size], normalised. */
  readonly pixels: Float32Array;
  readonly labels: Uint16Array;
  readonly name: string;
}

/** A batch as the graph of stage `vision` takes it. */
export interface DenseBatch {
  readonly sizes: DenseSizes;
  /** `pixel_values` [images, 3, size, size]; `labels` int64 and `loss_weights` float32 [images · patches]. */
  readonly feeds: Readonly<Record<string, HostTensor>>;
  readonly labelCount: number;
  readonly tokenCount: number;
  readonly rowsWithoutLabels: readonly string[];
  /** Names of all rows, for errors. */
  readonly rowNames?: readonly string[] | undefined;
}

/** Puts pictures with labelled patches into one batch. */
export function collateDense(
  rows: readonly DenseRow[],
  { imageSize, patches }: { readonly imageSize: number; readonly patches: number },
): DenseBatch {
  const images = rows.length;
  const pixels = allocate("float32", [images, 3, imageSize, imageSize]);
  const labels = allocate("int64", [images * patches]);
  const weights = allocate("float32", [images * patches]);
  for (const [r, row] of rows.entries()) {
    if (row.labels.length !== patches) {
      throw new DataError(`${row.name}: needs ${patches} labels, one a patch, got ${row.labels.length}`);
    }
    pixels.data.set(row.pixels, r * 3 * imageSize * imageSize);
    for (const [p, label] of row.labels.entries()) {
      if (label === ignoredClass) continue;
      labels.data[r * patches + p] = BigInt(label);
      weights.data[r * patches + p] = 1;
    }
  }
  return {
    sizes: { images },
    feeds: { pixel_values: pixels, labels, loss_weights: weights },
    labelCount: weights.data.reduce((sum, weight) => sum + weight, 0),
    tokenCount: images * patches,
    rowNames: rows.map((row) => row.name),
    rowsWithoutLabels: rows
      .filter((row) => row.labels.every((label) => label === ignoredClass))
      .map((row) => row.name),
  };
}
