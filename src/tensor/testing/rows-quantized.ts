import * as op from "../index.ts";
import { bytes, type Feed, floats, indices, learned, type Row, row, signedBytes } from "./row.ts";

type Rows = readonly [Row, ...Row[]];

interface Sizes {
  readonly bits: op.QuantizedBits;
  readonly blockSize: number;
  readonly rows: number;
  readonly width: number;
}

/** Zero points of their own, or those in the middle of the range. */
type ZeroPoints = "own" | "middle";

function parts({ bits, blockSize, rows, width }: Sizes): Record<"packed" | "scales" | "zeroPoints", Feed> {
  const blocks = Math.ceil(width / blockSize);
  return {
    packed: bytes({ rows, blocks, bytes: (blockSize * bits) / 8 }),
    scales: learned({ rows, blocks }, 0.01, 0.1),
    zeroPoints: bytes({ rows, zeros: Math.ceil((blocks * bits) / 8) }),
  };
}

function product(
  about: string,
  sizes: Sizes,
  zeroPoints: ZeroPoints,
  { bias = false, symbolic = [] }: { bias?: boolean; symbolic?: readonly string[] } = {},
): Row {
  const { packed, scales, zeroPoints: zeros } = parts(sizes);
  const feeds: Record<string, Feed> = {
    x: floats({ batch: 2, tokens: 3, width: sizes.width }),
    packed,
    scales,
    ...(zeroPoints === "own" && { zeros }),
    ...(bias && { bias: learned({ rows: sizes.rows }) }),
  };
  const { bits, blockSize } = sizes;
  return row(
    about,
    feeds,
    ({ x, packed, scales, zeros, bias }) =>
      op.quantizedLinear(x, { packed, scales, zeroPoints: zeros, bits, blockSize }, bias),
    { differentiable: [], symbolic },
  );
}

const small = { rows: 5, width: 64, blockSize: 32 };

export const quantizedLinear: Rows = [
  product("4 bits", { ...small, bits: 4 }, "middle"),
  product("4 bits, zero points", { ...small, bits: 4 }, "own"),
  product("4 bits, an odd count of blocks", { rows: 3, width: 48, blockSize: 16, bits: 4 }, "own"),
  product("4 bits, a last block that is not full", { rows: 3, width: 40, blockSize: 32, bits: 4 }, "own"),
  product("4 bits, one block wider than a row", { rows: 3, width: 40, blockSize: 128, bits: 4 }, "middle"),
  product("4 bits, bias", { ...small, bits: 4 }, "own", { bias: true }),
  product("8 bits", { ...small, bits: 8 }, "middle"),
  product("8 bits, zero points", { ...small, bits: 8 }, "own"),
  product("8 bits, bias", { ...small, bits: 8 }, "middle", { bias: true }),
  product("4 bits, symbolic tokens", { ...small, bits: 4 }, "own", { symbolic: ["batch", "tokens"] }),
];

const ofRows = (about: string, width: number, bias: boolean, symbolic: readonly string[] = []): Row =>
  row(
    about,
    {
      x: floats({ batch: 2, tokens: 3, width }),
      packed: signedBytes({ width, rows: 5 }),
      scales: learned({ rows: 5 }, 0.01, 0.1),
      sums: learned({ rows: 5 }),
      ...(bias && { bias: learned({ rows: 5 }) }),
    },
    ({ x, packed, scales, sums, bias }) => op.rowQuantizedLinear(x, { packed, scales, sums }, bias),
    { differentiable: [], symbolic },
  );

export const rowQuantizedLinear: Rows = [
  ofRows("whole blocks", 32, false),
  ofRows("an odd width, bias", 43, true),
  ofRows("symbolic tokens", 48, true, ["batch", "tokens"]),
];

const table = (about: string, blockSize: number, width: number, symbolic: readonly string[] = []): Row => {
  const { packed, scales } = parts({ rows: 6, width, bits: 8, blockSize });
  return row(
    about,
    { packed, scales, ids: indices({ batch: 2, tokens: 3 }, 6) },
    ({ packed, scales, ids }) =>
      op.quantizedGather({ packed, scales, zeroPoints: undefined, bits: 8, blockSize }, ids, width),
    { differentiable: [], symbolic },
  );
};

export const quantizedGather: Rows = [
  table("rows of two blocks", 16, 32),
  table("a last block that is not full", 16, 24),
  table("symbolic indices", 16, 32, ["batch", "tokens"]),
];

const tableOfRows = (about: string, ids: Feed, symbolic: readonly string[] = []): Row =>
  row(
    about,
    {
      packed: signedBytes({ width: 24, rows: 6 }),
      scales: learned({ rows: 6 }, 0.01, 0.1),
      sums: learned({ rows: 6 }),
      ids,
    },
    ({ packed, scales, sums, ids }) => op.rowQuantizedGather({ packed, scales, sums }, ids),
    { differentiable: [], symbolic },
  );

export const rowQuantizedGather: Rows = [
  tableOfRows("a list of indices", indices({ tokens: 4 }, 6)),
  tableOfRows("a table of indices", indices({ batch: 2, tokens: 3 }, 6)),
  tableOfRows("symbolic indices", indices({ batch: 2, tokens: 3 }, 6), ["batch", "tokens"]),
];
