import { broadcastSizes } from "./elementwise.ts";
import { entry, sumOver, tabulate } from "./float64-tensor.ts";
import type { Reference } from "./reference.ts";

export const matmul: Reference<"matmul"> = (node, [a, b]) => {
  const { transposeA, transposeB, alpha } = node.attributes;
  const rows = a.dims.at(transposeA ? -1 : -2)!;
  const inner = a.dims.at(transposeA ? -2 : -1)!;
  const columns = b.dims.at(transposeB ? -2 : -1)!;
  const batch = broadcastSizes(a.dims.slice(0, -2), b.dims.slice(0, -2));
  return [
    tabulate([...batch, rows, columns], (at) => {
      const outer = at.slice(0, -2);
      const [row, column] = at.slice(-2);
      const term = (k: number): number =>
        entry(a, transposeA ? [...outer, k, row] : [...outer, row, k]) *
        entry(b, transposeB ? [...outer, column, k] : [...outer, k, column]);
      return alpha * sumOver(inner, term);
    }),
  ];
};

export const linear: Reference<"linear"> = (_, [x, weight, bias]) => {
  const [out, width] = weight.dims;
  return [
    tabulate([...x.dims.slice(0, -1), out], (at) => {
      const outer = at.slice(0, -1);
      const row = at[at.length - 1];
      const product = sumOver(width, (k) => entry(x, [...outer, k]) * entry(weight, [row, k]));
      return product + (bias ? bias.data[row] : 0);
    }),
  ];
};
