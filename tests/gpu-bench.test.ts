import { expect, test } from "vitest";
import { configurations } from "../bench/configurations.ts";
import { gpuBench } from "../bench/gpu.ts";

const { language, vision, abstractor, ...rest } = configurations.nano;
/** Two layers of small sizes. */
const config = {
  ...rest,
  vision: { ...vision, hidden: 48, intermediate: 64, layers: 1 },
  abstractor: { ...abstractor, hidden: 48, intermediate: 64, layers: 1 },
  language: {
    ...language,
    hidden: 64,
    heads: 2,
    keyValueHeads: 2,
    headDim: 32,
    intermediate: 96,
    layers: 2,
    vocabulary: 300,
  },
};

test("the check of a GPU runs through on the CPU, whose gradients are its own", async () => {
  const results: Record<string, unknown>[] = [];
  const options = { device: { device: "cpu", threads: 1 }, config, runs: 1 } as const;
  for await (const result of gpuBench(options)) results.push(result);
  expect(results.filter(({ failed, left_out }) => failed !== undefined || left_out !== undefined)).toEqual(
    [],
  );
  expect(results.map(({ part, equal }) => [part, equal])).toEqual([
    ["gradients", true],
    ["gradients layer by layer", true],
    ["step", undefined],
    ["step layer by layer", undefined],
    ["answer", undefined],
  ]);
  expect(results[2].step_ms).toBeGreaterThan(0);
  // The difference of two answers, which the noise of a model as small as this exceeds.
  expect(results[4].decode_ms_per_token).toBeTypeOf("number");
});
