import { type Chunk, chunksOf, type Layout, type ParameterGroup } from "./flat-buffer.ts";

/** A chunk of trained numbers, and the process that updates it. */
export interface OwnedChunk extends Chunk {
  readonly group: ParameterGroup;
  readonly owner: number;
}

/**
 * Divides the trained numbers among processes by whole chunks, one shard after the other: each process sums the gradients of its
 * shard, keeps its optimizer state, and updates it (ZeRO stage 1, arXiv 1910.02054). The chunks do not depend on the number of
 * processes, so neither do sums over them.
 */
export function ownedChunks(layout: Layout, processes: number): OwnedChunk[] {
  const chunks = layout.groups.flatMap((group) =>
    chunksOf(group, layout).map((chunk) => ({ ...chunk, group })),
  );
  const total = chunks.reduce((sum, { bytes }) => sum + bytes, 0);
  let before = 0;
  return chunks.map((chunk) => {
    const owner = Math.floor((before / total) * processes);
    before += chunk.bytes;
    return { ...chunk, owner };
  });
}

/** Neighbouring elements of one process's shard. */
export interface OwnedRange {
  readonly owner: number;
  /** First element. */
  readonly start: number;
  readonly length: number;
}

/** Who owns which elements from `start` on. */
export function ownedRanges(chunks: readonly OwnedChunk[], start: number, length: number): OwnedRange[] {
  const ranges: OwnedRange[] = [];
  for (const chunk of chunks) {
    const from = Math.max(start, chunk.start);
    const to = Math.min(start + length, chunk.start + chunk.bytes / 4);
    if (to <= from) continue;
    const last = ranges.at(-1);
    if (last?.owner === chunk.owner) ranges[ranges.length - 1] = { ...last, length: to - last.start };
    else ranges.push({ owner: chunk.owner, start: from, length: to - from });
  }
  return ranges;
}
