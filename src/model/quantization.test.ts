import { expect, test } from "vitest";
import { type Quantization, withActivations } from "./index.ts";

test("activations are changed in every part and exception, and nothing else is", () => {
  const blocks = { bits: 4, blockSize: 32, zeroPoints: false, activations: "int8" } as const;
  const offset = { ...blocks, offsets: true };
  const rows = { bits: 8, blockSize: "row", activations: "int8" } as const;
  const before: Quantization = {
    language: offset,
    head: rows,
    exceptions: { "a.weight": null, "b.weight": blocks },
  };
  const exact = { activations: "float32" } as const;
  expect(withActivations(before, "float32")).toEqual({
    language: { ...offset, ...exact },
    head: { ...rows, ...exact },
    exceptions: { "a.weight": null, "b.weight": { ...blocks, ...exact } },
  });
  expect(withActivations(before, "int8")).toEqual(before);
  expect(before.language?.activations).toBe("int8");
});
