import { type Float64Tensor, mapRows, reduceRows, sumOver } from "./float64-tensor.ts";
import type { Reference } from "./reference.ts";

const meanOf = (row: Float64Array): number => sumOver(row.length, (i) => row[i]) / row.length;

/** log Σ eˣ of a row, shifted by its largest entry so that nothing overflows. */
export function logSumExp(row: Float64Array): number {
  const largest = row.reduce((a, b) => Math.max(a, b), -Infinity);
  return largest + Math.log(sumOver(row.length, (i) => Math.exp(row[i] - largest)));
}

export function softmaxOf(x: Float64Tensor): Float64Tensor {
  return mapRows(x, (row) => {
    const sum = logSumExp(row);
    return row.map((value) => Math.exp(value - sum));
  });
}

export const softmax: Reference<"softmax"> = (_, [x]) => [softmaxOf(x)];

/** The result, the rows' means and the rows' 1 / √(variance + epsilon). */
export const layerNorm: Reference<"layerNorm"> = (node, [x, weight, bias]) => {
  const mean = reduceRows(x, meanOf);
  const inverse = reduceRows(x, (row) => {
    const centre = meanOf(row);
    return 1 / Math.sqrt(meanOf(row.map((value) => (value - centre) ** 2)) + node.attributes.epsilon);
  });
  const result = mapRows(x, (row, r) =>
    row.map((value, i) => (value - mean.data[r]) * inverse.data[r] * weight.data[i] + bias.data[i]),
  );
  return [result, mean, inverse];
};

/** The result and the rows' 1 / √(mean of squares + epsilon). */
export const rmsNorm: Reference<"rmsNorm"> = (node, [x, weight]) => {
  const inverse = reduceRows(
    x,
    (row) => 1 / Math.sqrt(meanOf(row.map((value) => value * value)) + node.attributes.epsilon),
  );
  const result = mapRows(x, (row, r) => row.map((value, i) => value * inverse.data[r] * weight.data[i]));
  return [result, inverse];
};
