import { checkedIndex, entry, type Float64Tensor, mapRows, tabulate } from "./float64-tensor.ts";
import { logSumExp } from "./normalization.ts";
import type { Reference } from "./reference.ts";

export const gather: Reference<"gather"> = (_, [table, indices]) => {
  const depth = indices.dims.length;
  return [
    tabulate([...indices.dims, ...table.dims.slice(1)], (at) => {
      const row = checkedIndex("gather", entry(indices, at.slice(0, depth)), table.dims[0]);
      return entry(table, [row, ...at.slice(depth)]);
    }),
  ];
};

/** Row `row` of an index tensor [count, depth]: the first coordinates of an entry of x. */
function namedEntry(where: string, indices: Float64Tensor, row: number, x: Float64Tensor): number[] {
  const depth = indices.dims[1];
  return Array.from({ length: depth }, (_, axis) =>
    checkedIndex(where, indices.data[row * depth + axis], x.dims[axis]),
  );
}

export const gatherNd: Reference<"gatherNd"> = (_, [x, indices]) => [
  tabulate([indices.dims[0], ...x.dims.slice(indices.dims[1])], ([row, ...rest]) =>
    entry(x, [...namedEntry("gatherNd", indices, row, x), ...rest]),
  ),
];

export const scatterNd: Reference<"scatterNd"> = (node, [x, indices, updates]) => {
  const result = { dims: x.dims, data: x.data.slice() };
  const [count, depth] = indices.dims;
  const width = x.dims.slice(depth).reduce((product, size) => product * size, 1);
  for (let row = 0; row < count; row++) {
    let start = 0;
    for (const [axis, index] of namedEntry("scatterNd", indices, row, x).entries()) {
      start = start * x.dims[axis] + index;
    }
    for (let i = 0; i < width; i++) {
      const update = updates.data[row * width + i];
      const at = start * width + i;
      result.data[at] = node.attributes.reduction === "add" ? result.data[at] + update : update;
    }
  }
  return [result];
};

/** The rows' losses, and the logarithms of all probabilities. */
export const crossEntropy: Reference<"crossEntropy"> = (_, [logits, labels]) => {
  const [rows, vocabulary] = logits.dims;
  const logProbabilities = mapRows(logits, (row) => {
    const sum = logSumExp(row);
    return row.map((value) => value - sum);
  });
  const loss = tabulate([rows], ([row]) => {
    const label = checkedIndex("crossEntropy", labels.data[row], vocabulary);
    return -logProbabilities.data[row * vocabulary + label];
  });
  return [loss, logProbabilities];
};
