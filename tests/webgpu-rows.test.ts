// A language model in whole rows on a GPU, whose kernels have no products of bytes.
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { expect, test } from "vitest";
import { textLogits } from "../src/inference/index.ts";
import { convertCheckpoint } from "../src/quantization/index.ts";
import { openDevice } from "../src/runtime/index.ts";
import { skipWebGpu, useSwiftShader } from "./setup/swiftshader.ts";

const tied = fileURLToPath(new URL("./fixtures/families/qwen2", import.meta.url));

test.skipIf(skipWebGpu)(
  "a language model in whole rows is computed in blocks on a GPU, and so is a table that is its head",
  { timeout: 300_000 },
  async () => {
    useSwiftShader();
    const rows = await mkdtemp(join(tmpdir(), "rows-on-gpu-"));
    await convertCheckpoint(tied, rows, { quantize: "q8", blockSize: "row" });
    const texts = [[1, 5, 9, 31, 8]];
    const [given] = await textLogits(tied, texts, await openDevice({ threads: 1 }));
    const [got] = await textLogits(rows, texts, await openDevice({ device: "webgpu", threads: 1 }));
    const expected = given.data as Float32Array;
    const squares = (of: (i: number) => number): number =>
      expected.reduce((sum, _, i) => sum + of(i) ** 2, 0);
    const change = squares((i) => Number(got.data[i]) - expected[i]) / squares((i) => expected[i]);
    expect(got.dims).toEqual(given.dims);
    expect(Math.sqrt(change)).toBeLessThan(0.03);
    await rm(rows, { recursive: true });
  },
);
