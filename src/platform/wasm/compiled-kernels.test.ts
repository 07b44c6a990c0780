import { readFileSync } from "node:fs";
import { expect, test } from "vitest";
import { compileKernels, kernelFiles } from "./testing/compile-kernels.ts";

test.each(
  kernelFiles,
)("the kernels of $file are compiled from $source as it is (if not: npm run build:kernels)", async (kernel) => {
  const written = readFileSync(new URL(`../../${kernel.file}`, import.meta.url), "utf8");
  expect(written).toBe(await compileKernels(kernel));
});
