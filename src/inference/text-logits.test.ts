import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { afterAll, beforeAll, expect, test } from "vitest";
import { Owl } from "../owl/index.ts";
import { convertCheckpoint } from "../quantization/index.ts";
import { openDevice } from "../runtime/index.ts";
import { textLogits } from "./text-logits.ts";

const source = fileURLToPath(new URL("../../tests/fixtures/model", import.meta.url));
const texts = [
  [1, 5, 9, 700, 31, 8],
  [1, 44],
];

let quantized: string;
beforeAll(async () => {
  quantized = await mkdtemp(join(tmpdir(), "text-logits-"));
  await convertCheckpoint(source, quantized, { quantize: "q4", blockSize: 32 });
});
afterAll(() => rm(quantized, { recursive: true }));

test.each([
  ["floating point", () => source],
  ["few bits", () => quantized],
])("layer by layer the logits are those of one forward pass: weights in %s", async (_, directory) => {
  const got = await textLogits(directory(), texts, await openDevice({ threads: 1 }));
  const owl = await Owl.load(directory(), { threads: 1 });
  for (const [i, ids] of texts.entries()) {
    const { logits } = await owl.forward({ ids: [ids] });
    expect(got[i].dims).toEqual(logits.dims);
    const differences = (got[i].data as Float32Array).map((value, k) => value - Number(logits.data[k]));
    expect(Math.max(...differences.map(Math.abs))).toBeLessThan(1e-5);
  }
  await owl.close();
});
