import * as op from "../index.ts";
import { fixed, floats, indices, type Row, row } from "./row.ts";

type Rows = readonly [Row, ...Row[]];

export const gather: Rows = [
  row(
    "embeddings, some rows twice",
    { table: floats({ vocabulary: 4, width: 3 }), ids: indices({ batch: 2, tokens: 5 }, 4) },
    ({ table, ids }) => op.gather(table, ids),
  ),
  row("numbers", { table: floats({ rows: 5 }), at: indices({ count: 7 }, 5) }, ({ table, at }) =>
    op.gather(table, at),
  ),
  row("one index", { table: floats({ rows: 3, a: 2, b: 2 }), at: indices({}, 3) }, ({ table, at }) =>
    op.gather(table, at),
  ),
  row(
    "a symbolic count",
    { table: floats({ vocabulary: 4, width: 3 }), ids: indices({ batch: 2, tokens: 3 }, 4) },
    ({ table, ids }) => op.gather(table, ids),
    { symbolic: ["batch", "tokens"], differentiable: [] },
  ),
];

export const gatherNd: Rows = [
  row("rows", { x: floats({ rows: 4, width: 2 }), at: indices({ count: 5, depth: 1 }, 4) }, ({ x, at }) =>
    op.gatherNd(x, at),
  ),
  row(
    "tokens of a batch",
    { x: floats({ batch: 2, tokens: 2, width: 3 }), at: indices({ count: 5, depth: 2 }, 2) },
    ({ x, at }) => op.gatherNd(x, at),
  ),
  row(
    "single numbers",
    { x: floats({ rows: 3, columns: 3 }), at: indices({ count: 6, depth: 2 }, 3) },
    ({ x, at }) => op.gatherNd(x, at),
  ),
  row(
    "a symbolic count",
    { x: floats({ batch: 2, tokens: 3, width: 2 }), at: indices({ count: 3, depth: 2 }, 2) },
    ({ x, at }) => op.gatherNd(x, at),
    { symbolic: ["batch", "tokens", "count"], differentiable: [] },
  ),
];

export const scatterNd: Rows = [
  row(
    "rows replaced",
    {
      x: floats({ batch: 2, tokens: 3, width: 2 }),
      at: fixed("int64", { count: 3, depth: 2 }, [1, 0, 0, 2, 1, 2]),
      updates: floats({ count: 3, width: 2 }),
    },
    ({ x, at, updates }) => op.scatterNd(x, at, updates),
  ),
  row(
    "numbers replaced",
    {
      x: floats({ rows: 4 }),
      at: fixed("int64", { count: 2, depth: 1 }, [3, 1]),
      updates: floats({ count: 2 }),
    },
    ({ x, at, updates }) => op.scatterNd(x, at, updates),
  ),
  row(
    "rows increased, some twice",
    {
      x: floats({ rows: 3, width: 2 }),
      at: fixed("int64", { count: 4, depth: 1 }, [2, 0, 2, 2]),
      updates: floats({ count: 4, width: 2 }),
    },
    ({ x, at, updates }) => op.scatterNd(x, at, updates, "add"),
  ),
  row(
    "tokens of a batch increased",
    {
      x: floats({ batch: 2, tokens: 3, width: 2 }),
      at: fixed("int64", { count: 4, depth: 2 }, [1, 2, 0, 1, 1, 2, 0, 0]),
      updates: floats({ count: 4, width: 2 }),
    },
    ({ x, at, updates }) => op.scatterNd(x, at, updates, "add"),
  ),
  row(
    "single numbers increased",
    {
      x: floats({ rows: 2, columns: 3 }),
      at: fixed("int64", { count: 3, depth: 2 }, [0, 2, 1, 1, 0, 2]),
      updates: floats({ count: 3 }),
    },
    ({ x, at, updates }) => op.scatterNd(x, at, updates, "add"),
  ),
  row(
    "symbolic axes",
    {
      x: floats({ batch: 2, tokens: 3, width: 2 }),
      at: fixed("int64", { count: 2, depth: 2 }, [1, 0, 0, 2]),
      updates: floats({ count: 2, width: 2 }),
    },
    ({ x, at, updates }) => op.scatterNd(x, at, updates),
    { symbolic: ["batch", "tokens", "count"], differentiable: [] },
  ),
];

export const crossEntropy: Rows = [
  row(
    "rows",
    { logits: floats({ rows: 4, vocabulary: 5 }, -4, 4), labels: indices({ rows: 4 }, 5) },
    ({ logits, labels }) => op.crossEntropy(logits, labels),
  ),
  row(
    "large logits",
    { logits: floats({ rows: 2, vocabulary: 3 }, 70, 90), labels: indices({ rows: 2 }, 3) },
    ({ logits, labels }) => op.crossEntropy(logits, labels),
  ),
  row(
    "logarithms of the probabilities too",
    { logits: floats({ rows: 3, vocabulary: 2 }), labels: indices({ rows: 3 }, 2) },
    ({ logits, labels }) => op.crossEntropy(logits, labels).node.outputs,
    { differentiable: [] },
  ),
  row(
    "symbolic rows",
    { logits: floats({ rows: 3, vocabulary: 2 }), labels: indices({ rows: 3 }, 2) },
    ({ logits, labels }) => op.crossEntropy(logits, labels),
    { symbolic: ["rows"], differentiable: [] },
  ),
];
