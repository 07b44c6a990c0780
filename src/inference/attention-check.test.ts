import { describe, expect, it } from "vitest";
import { skipWebGpu, useSwiftShader } from "../../tests/setup/swiftshader.ts";
import { openDevice } from "../runtime/index.ts";
import { requireCorrectAttention } from "./attention-check.ts";

describe("the check of a device's attention", () => {
  it("finds the CPU sound", async () => {
    await requireCorrectAttention(await openDevice({ threads: 1 }));
  });

  it.skipIf(skipWebGpu)(
    "refuses an adapter on which the kernel computes something else",
    async () => {
      useSwiftShader();
      const device = await openDevice({ device: "webgpu", threads: 1 });
      await expect(requireCorrectAttention(device)).rejects.toThrow(/attention over 32 tokens.*device cpu/);
    },
    120_000,
  );
});
