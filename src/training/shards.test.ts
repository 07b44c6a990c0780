import { expect, it } from "vitest";
import { layOut } from "./flat-buffer.ts";
import { ownedChunks, ownedRanges } from "./shards.ts";

const layer = (name: string, width: number) =>
  [
    { name: `${name}.weight`, dims: [width, width], role: "weight", learningRateMultiplier: 1 },
    { name: `${name}.bias`, dims: [width], role: "bias", learningRateMultiplier: 1 },
  ] as const;

it("every trained number has one owner, and the largest shard falls with the number of processes", () => {
  const layers = Array.from({ length: 24 }, (_, i) => layer(`layers.${i}`, 1024)).flat();
  // Segments of an odd size, so that there are several memories.
  const layout = layOut(layers, 9_000_000);
  const one = ownedChunks(layout, 1);
  const total = one.reduce((sum, { bytes }) => sum + bytes, 0);
  for (const processes of [1, 2, 3, 8, 64]) {
    const chunks = ownedChunks(layout, processes);
    expect(chunks.map(({ owner: _, ...chunk }) => chunk)).toEqual(one.map(({ owner: _, ...chunk }) => chunk));
    const owners = chunks.map(({ owner }) => owner);
    expect(owners).toEqual(owners.toSorted((a, b) => a - b));
    const shards = Array.from({ length: processes }, () => 0);
    for (const { owner, bytes } of chunks) shards[owner] += bytes;
    expect(Math.max(...shards)).toBeLessThanOrEqual(total / processes + 2 ** 20);
    for (const { start, dims } of layout.views.values()) {
      const length = dims.reduce((product, size) => product * size, 1);
      const ranges = ownedRanges(chunks, start, length);
      expect(ranges.reduce((sum, range) => sum + range.length, 0)).toBe(length);
      expect(ranges[0].start).toBe(start);
    }
  }
});
