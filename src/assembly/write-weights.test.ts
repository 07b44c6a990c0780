import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect, test } from "vitest";
import { openSafetensors, type TensorSource } from "../checkpoint/index.ts";
import { allocate } from "../tensor/index.ts";
import { writeWeights } from "./write-weights.ts";

test("a large tensor is never asked for as a whole, and arrives as a whole", async () => {
  const dims = [3, 2 ** 21];
  const asked: (readonly [number, number] | undefined)[] = [];
  const source: TensorSource = {
    path: "made up",
    tensors: [{ name: "table", dims, type: "BF16" }],
    read: async (_, rows) => {
      asked.push(rows);
      const [from, to] = rows ?? [0, dims[0]];
      const part = allocate("float32", [to - from, dims[1]]);
      for (let row = from; row < to; row++)
        part.data.fill(row + 1, (row - from) * dims[1], (row - from + 1) * dims[1]);
      return part;
    },
    close: async () => {},
  };
  const directory = mkdtempSync(join(tmpdir(), "owl-write-"));
  try {
    const told: number[] = [];
    await writeWeights(source, directory, { onProgress: (bytes) => told.push(bytes) });
    expect(asked).toEqual([
      [0, 2],
      [2, 3],
    ]);
    expect(told).toEqual([2 ** 23, 3 * 2 ** 22]);
    const file = await openSafetensors(join(directory, "model.safetensors"));
    expect(file.tensors).toMatchObject([{ name: "table", dims, type: "BF16" }]);
    const { data } = await file.read("table");
    await file.close();
    const ends = [0, 2 ** 21 - 1, 2 ** 21, 2 ** 22 - 1, 2 ** 22, 3 * 2 ** 21 - 1].map((i) => data[i]);
    expect(ends).toEqual([1, 1, 2, 2, 3, 3]);
  } finally {
    rmSync(directory, { recursive: true });
  }
});
