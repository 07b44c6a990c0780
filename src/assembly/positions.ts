import { rowsOf, type TensorEntry, type TensorSource } from "../checkpoint/index.ts";
import { plainCubicTaps, resampleGrid, tapsOf } from "../image/index.ts";
import type { PositionTable } from "../model/index.ts";
import { float32, type HostTensor } from "../tensor/index.ts";

/**
 * A source whose table of positions fits a picture of another size: the patches' rows are interpolated as transformers
 * does it, those in front of them stay. The new table is float32, whatever the old one was: rounded, it would be other
 * numbers than those that transformers computes with.
 *
 * @param name the table's in the source
 * @param dims the sizes that it must have, the rows in the last axis but one
 */
export function withPositions(
  source: TensorSource,
  { prefix, antialias }: PositionTable,
  name: string,
  dims: readonly number[],
): TensorSource {
  const entry = source.tensors.find((one) => one.name === name);
  const from = entry && sideOf(entry.dims, prefix);
  const to = sideOf(dims, prefix);
  if (entry === undefined || from === undefined || to === undefined || from === to) return source;
  if (entry.dims.at(-1) !== dims.at(-1)) return source;
  const resized: TensorEntry = { name, type: "F32", dims };
  return {
    ...source,
    tensors: source.tensors.map((one) => (one === entry ? resized : one)),
    read: async (wanted, rows) => {
      if (wanted !== name) return source.read(wanted, rows);
      const data = resampled(await source.read(name), { prefix, antialias, from, to });
      return rowsOf(float32(data, dims), rows);
    },
  };
}

/** Patches along a side of the square that a table is of; undefined where it is of none. */
function sideOf(dims: readonly number[], prefix: number): number | undefined {
  const [rows = 0] = dims.slice(-2, -1);
  const side = Math.sqrt(rows - prefix);
  const onesInFront = dims.slice(0, -2).every((size) => size === 1);
  return onesInFront && side >= 1 && Number.isInteger(side) ? side : undefined;
}

interface Grids extends Omit<PositionTable, "tensor"> {
  /** Patches along a side. */
  readonly from: number;
  readonly to: number;
}

function resampled({ dims, data }: HostTensor, { prefix, antialias, from, to }: Grids): Float32Array {
  const hidden = dims.at(-1)!;
  const values = data as Float32Array;
  const grid = { rows: from, columns: from, channels: hidden, data: values.subarray(prefix * hidden) };
  const taps = antialias ? tapsOf("bicubic", from, to) : plainCubicTaps(from, to);
  const result = new Float32Array((prefix + to * to) * hidden);
  result.set(values.subarray(0, prefix * hidden));
  result.set(resampleGrid(grid, taps, taps).data, prefix * hidden);
  return result;
}
