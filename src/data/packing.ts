import { packedFeeds } from "../model/index.ts";
import type { HostTensor } from "../tensor/index.ts";
import type { TokenRow } from "./token-row.ts";

/**
 * Which rows share a sequence: as few sequences as the rows, the longest first, fit into wherever there is room, and these as short
 * as they then may be.
 *
 * @param lengths of the rows in tokens
 * @param most tokens of a sequence, beside its last one, which is only a target
 * @param step sequences are multiples of so many tokens, up to `most`
 * @returns indices of rows, in order
 */
export function sharedSequences(lengths: readonly number[], most: number, step: number): number[][] {
  const longestFirst = lengths.map((_, row) => row).sort((a, b) => lengths[b] - lengths[a] || a - b);
  const fitInto = (capacity: number): number[][] => {
    const sequences: { rows: number[]; room: number }[] = [];
    for (const row of longestFirst) {
      let place = sequences.find(({ room }) => room >= lengths[row]);
      if (place === undefined) {
        place = { rows: [], room: capacity + 1 };
        sequences.push(place);
      }
      place.rows.push(row);
      place.room -= lengths[row];
    }
    return sequences.map(({ rows }) => rows.sort((a, b) => a - b)).sort(([a], [b]) => a - b);
  };
  const longest = lengths[longestFirst[0]] - 1;
  const widest = fitInto(Math.max(most, longest));
  const total = lengths.reduce((sum, length) => sum + length, 0);
  const least = Math.max(longest, Math.ceil(total / widest.length) - 1);
  for (let capacity = Math.ceil(least / step) * step; capacity < most; capacity += step) {
    const tighter = fitInto(capacity);
    if (tighter.length === widest.length) return tighter;
  }
  return widest;
}

/** Rows one behind the other, as one row with the first one's name. */
export function joinedRows(rows: readonly TokenRow[]): TokenRow {
  if (rows.length === 1) return rows[0];
  let start = 0;
  const spans = rows.flatMap((row) => {
    const moved = row.spans.map((span) => ({ ...span, start: start + span.start }));
    start += row.ids.length;
    return moved;
  });
  const positions = rows.flatMap((row) => row.positions ?? []);
  return {
    ids: rows.flatMap(({ ids }) => ids),
    spans,
    lossMask: rows.flatMap(({ lossMask }) => lossMask),
    pixels: rows.flatMap(({ pixels }) => pixels),
    ...(positions.length > 0 && { positions }),
    videos: rows.flatMap(({ videos = [] }) => videos),
    name: rows[0].name,
  };
}

/** The same row, whose first token nothing in front of it predicts. */
export function unpredicted(row: TokenRow): TokenRow {
  return row.lossMask[0] ? { ...row, lossMask: row.lossMask.map((learned, t) => learned && t > 0) } : row;
}

/** The inputs that keep the rows of sequences apart. */
export function separatingFeeds(
  sequences: readonly (readonly TokenRow[])[],
  tokens: number,
): Record<string, HostTensor> {
  const lengths = sequences.map((rows) => rows.map(({ ids }) => ids.length));
  return { ...packedFeeds(lengths, tokens) };
}
