import * as op from "../index.ts";
import { type Feed, fixed, floats, indices, type Row, row, signedBytes } from "./row.ts";

type Rows = readonly [Row, ...Row[]];

const turning = { differentiable: ["x"] };

export const rotary: Rows = [
  row(
    "positions in order and out of order",
    {
      x: floats({ batch: 2, heads: 2, tokens: 3, headDim: 4 }),
      positions: fixed("int64", { batch: 2, tokens: 3 }, [0, 1, 2, 4, 0, 3]),
      cos: floats({ positions: 5, half: 2 }),
      sin: floats({ positions: 5, half: 2 }),
    },
    ({ x, positions, cos, sin }) => op.rotary(x, positions, cos, sin),
    turning,
  ),
  row(
    "symbolic tokens",
    {
      x: floats({ batch: 2, heads: 2, tokens: 3, headDim: 4 }),
      positions: indices({ batch: 2, tokens: 3 }, 5),
      cos: floats({ positions: 5, half: 2 }),
      sin: floats({ positions: 5, half: 2 }),
    },
    ({ x, positions, cos, sin }) => op.rotary(x, positions, cos, sin),
    { ...turning, symbolic: ["batch", "tokens"] },
  ),
];

const self = (tokens: number) => {
  const sizes = { batch: 2, heads: 2, tokens, headDim: 3 };
  return { q: floats(sizes), k: floats(sizes), v: floats(sizes) };
};
const cross = {
  q: floats({ batch: 2, heads: 2, queries: 2, headDim: 3 }),
  k: floats({ batch: 2, heads: 2, keys: 4, headDim: 3 }),
  v: floats({ batch: 2, heads: 2, keys: 4, headDim: 3 }),
};
const scale = 0.6;

export const attention: Rows = [
  row("self-attention", self(3), ({ q, k, v }) => op.attention(q, k, v, { scale })),
  row("queries over other keys", cross, ({ q, k, v }) => op.attention(q, k, v, { scale })),
  row("causal", self(4), ({ q, k, v }) => op.attention(q, k, v, { scale, causal: true })),
  row(
    "a mask of the full shape",
    { ...cross, mask: floats({ batch: 2, heads: 2, queries: 2, keys: 4 }) },
    (x) => op.attention(x.q, x.k, x.v, { scale, mask: x.mask }),
  ),
  row("a mask a key", { ...cross, mask: floats({ batch: 2, one: 1, single: 1, keys: 4 }) }, (x) =>
    op.attention(x.q, x.k, x.v, { scale, mask: x.mask }),
  ),
  row("a mask of two axes and causal", { ...self(3), mask: floats({ queries: 3, keys: 3 }) }, (x) =>
    op.attention(x.q, x.k, x.v, { scale, causal: true, mask: x.mask }),
  ),
  row(
    "hidden keys",
    {
      ...cross,
      mask: fixed("float32", { batch: 2, one: 1, single: 1, keys: 4 }, [0, -1e30, 0, 0, 0, 0, -1e30, -1e30]),
    },
    (x) => op.attention(x.q, x.k, x.v, { scale, mask: x.mask }),
    { differentiable: ["q", "k", "v"] },
  ),
  row("one tensor as query, key and value", { x: self(3).q }, ({ x }) => op.attention(x, x, x, { scale })),
  row("probabilities too", cross, ({ q, k, v }) => op.attention(q, k, v, { scale }).node.outputs, {
    differentiable: [],
  }),
  row("symbolic axes", self(3), ({ q, k, v }) => op.attention(q, k, v, { scale }), {
    symbolic: ["batch", "tokens"],
  }),
];

interface CacheCase {
  readonly batch: number;
  readonly tokens: number;
  readonly heads: number;
  readonly keyValueHeads: number;
  readonly lastPosition: readonly number[];
  readonly totalLength: number;
  readonly window?: number;
  readonly cap?: number;
}

const headDim = 16;
const capacity = 6;

function cacheFeeds({ batch, tokens, heads, keyValueHeads, lastPosition, totalLength }: CacheCase) {
  const cache = { batch, keyValueHeads, capacity, headDim };
  return {
    query: floats({ batch, tokens, queryWidth: heads * headDim }),
    key: floats({ batch, tokens, keyWidth: keyValueHeads * headDim }),
    value: floats({ batch, tokens, keyWidth: keyValueHeads * headDim }),
    pastKey: floats(cache),
    pastValue: floats(cache),
    lastPosition: fixed("int32", { batch }, lastPosition),
    totalLength: fixed("int32", { one: 1 }, [totalLength]),
    cos: floats({ positions: 8, half: headDim / 2 }, -1, 1),
    sin: floats({ positions: 8, half: headDim / 2 }, -1, 1),
  } satisfies Record<string, Feed>;
}

/** Only what the contract defines: the context of real tokens, and the cache rows that hold one. */
function definedRows(example: CacheCase, results: readonly op.Tensor[]): op.Tensor[] {
  const { tokens, lastPosition } = example;
  const first = (last: number): number => (example.totalLength === tokens ? 0 : last + 1 - tokens);
  const pairs = (count: (last: number) => number): op.Tensor => {
    const named = lastPosition.flatMap((last, b) => Array.from({ length: count(last) }, (_, i) => [b, i]));
    return op.constant(op.int64(named.flat(), [named.length, 2]));
  };
  const [context, ...caches] = results;
  const rowsOfCaches = pairs((last) => last + 1);
  return [
    op.gatherNd(
      context,
      pairs((last) => last + 1 - first(last)),
    ),
    ...caches.map((cache) => op.gatherNd(op.transpose(cache, [0, 2, 1, 3]), rowsOfCaches)),
  ];
}

const cached = (about: string, example: CacheCase, symbolic: readonly string[] = []): Row =>
  row(
    about,
    cacheFeeds(example),
    (operands) => {
      const { heads, keyValueHeads, window, cap } = example;
      const attributes = { heads, keyValueHeads, scale: 0.3, window, cap };
      return definedRows(example, op.cachedAttention(operands, attributes));
    },
    { differentiable: [], symbolic },
  );

/** Keys and values in 8 bits: a past of such numbers, and scales that hold what comes. */
const inEightBits = (about: string, example: CacheCase & { readonly slopes?: true }): Row => {
  const { batch, heads, keyValueHeads, window, cap } = example;
  const { cos, sin, ...feeds } = cacheFeeds(example);
  const cache = { batch, keyValueHeads, capacity, headDim };
  const scale = { keyValueHeads, one: 1, headDim };
  const given = {
    ...feeds,
    ...(example.slopes ? { slopes: floats({ heads }) } : { cos, sin }),
    pastKey: signedBytes(cache),
    pastValue: signedBytes(cache),
    keyScale: floats(scale, 0.03, 0.04),
    valueScale: floats(scale, 0.02, 0.03),
  };
  return row(
    about,
    given,
    ({ keyScale, valueScale, ...operands }) => {
      const attributes = { heads, keyValueHeads, scale: 0.3, window, cap };
      return definedRows(
        example,
        op.cachedAttention({ ...operands, scales: { keyScale, valueScale } }, attributes),
      );
    },
    { differentiable: [], onCpuAlone: true },
  );
};

const unturned = (about: string, example: CacheCase): Row => {
  const { cos, sin, ...feeds } = cacheFeeds(example);
  const { heads, keyValueHeads, window } = example;
  const attributes = { heads, keyValueHeads, scale: 0.3, window };
  return row(about, feeds, (operands) => definedRows(example, op.cachedAttention(operands, attributes)), {
    differentiable: [],
  });
};

const two = { batch: 2, heads: 2, keyValueHeads: 2 };

const sloped = (about: string, example: CacheCase, symbolic: readonly string[] = []): Row => {
  const { cos, sin, ...feeds } = cacheFeeds(example);
  const { heads, keyValueHeads } = example;
  return row(
    about,
    { ...feeds, slopes: floats({ heads }) },
    (operands) => definedRows(example, op.cachedAttention(operands, { heads, keyValueHeads, scale: 0.3 })),
    { differentiable: [], symbolic },
  );
};

export const cachedAttention: Rows = [
  cached("prefill", { ...two, tokens: 3, lastPosition: [2, 2], totalLength: 3 }),
  cached("prefill, rows padded on the right", { ...two, tokens: 4, lastPosition: [3, 1], totalLength: 4 }),
  cached("a first and only token", { ...two, tokens: 1, lastPosition: [0, 0], totalLength: 1 }),
  cached("decode, rows of unequal length", { ...two, tokens: 1, lastPosition: [4, 2], totalLength: 5 }),
  cached("decode, heads that share keys", {
    batch: 2,
    heads: 4,
    keyValueHeads: 2,
    tokens: 1,
    lastPosition: [1, 5],
    totalLength: 6,
  }),
  cached("several tokens after a past", {
    batch: 1,
    heads: 4,
    keyValueHeads: 1,
    tokens: 2,
    lastPosition: [4],
    totalLength: 5,
  }),
  cached("prefill, symbolic axes", { ...two, tokens: 3, lastPosition: [2, 1], totalLength: 3 }, [
    "batch",
    "tokens",
    "capacity",
  ]),
  cached("a window: prefill, rows padded on the right", {
    ...two,
    tokens: 5,
    lastPosition: [4, 3],
    totalLength: 5,
    window: 2,
  }),
  cached("a window: decode, rows of unequal length", {
    ...two,
    tokens: 1,
    lastPosition: [4, 1],
    totalLength: 5,
    window: 3,
  }),
  cached("a window of one token", { ...two, tokens: 4, lastPosition: [3, 2], totalLength: 4, window: 1 }),
  cached("a window: several tokens after a past", {
    batch: 1,
    heads: 4,
    keyValueHeads: 1,
    tokens: 2,
    lastPosition: [4],
    totalLength: 5,
    window: 2,
  }),
  cached("a window as long as the row", {
    ...two,
    tokens: 3,
    lastPosition: [2, 1],
    totalLength: 3,
    window: 3,
  }),
  cached("capped scores", { ...two, tokens: 4, lastPosition: [3, 1], totalLength: 4, cap: 0.5 }),
  cached("capped scores and a window: decode", {
    ...two,
    tokens: 1,
    lastPosition: [4, 2],
    totalLength: 5,
    window: 2,
    cap: 0.3,
  }),
  inEightBits("8 bits: prefill, rows padded on the right", {
    ...two,
    tokens: 4,
    lastPosition: [3, 1],
    totalLength: 4,
  }),
  inEightBits("8 bits: decode, rows of unequal length, heads that share keys, a window", {
    batch: 2,
    heads: 4,
    keyValueHeads: 2,
    tokens: 1,
    lastPosition: [1, 5],
    totalLength: 6,
    window: 3,
  }),
  inEightBits("8 bits and ALiBi: several tokens after a past", {
    ...{ batch: 1, heads: 4, keyValueHeads: 1, tokens: 2, lastPosition: [4], totalLength: 5 },
    slopes: true,
  }),
  unturned("no positions: prefill", { ...two, tokens: 3, lastPosition: [2, 1], totalLength: 3 }),
  unturned("no positions and a window: decode", {
    ...two,
    tokens: 1,
    lastPosition: [4, 2],
    totalLength: 5,
    window: 2,
  }),
  sloped("ALiBi: prefill, rows padded on the right", {
    ...two,
    tokens: 4,
    lastPosition: [3, 1],
    totalLength: 4,
  }),
  sloped("ALiBi: decode, rows of unequal length", {
    ...two,
    tokens: 1,
    lastPosition: [4, 2],
    totalLength: 5,
  }),
  sloped(
    "ALiBi: several tokens after a past, symbolic axes",
    { batch: 1, heads: 4, keyValueHeads: 2, tokens: 2, lastPosition: [4], totalLength: 5 },
    ["batch", "tokens", "capacity"],
  ),
];
