import { expect, test } from "vitest";
import type { ParameterDescription } from "../model/index.ts";
import { recipe } from "./testing/small-run.ts";
import { requireUpdatable } from "./trained-memory.ts";

test("a table that no memory of the kernels holds with its gradients and optimizer state is refused by name", () => {
  const table = (rows: number, trained = true): ParameterDescription[] => [
    {
      name: "embed.weight",
      dims: [rows, 1024],
      role: "embedding",
      module: "language model",
      trained,
      dtype: "float32",
      initial: { kind: "constant", value: 0 },
    },
  ];
  const one = { replicas: 1, deterministic: false };
  // 152,064 rows of 1,536 and 3,584 numbers are those of mPLUG-Owl3 2B and 7B.
  for (const rows of [(152_064 * 1_536) / 1024, (152_064 * 3_584) / 1024])
    expect(() => requireUpdatable(table(rows), recipe, one)).toThrow(
      /embed\.weight must have at most \d+ elements to be updated, got \d+; train a stage that freezes it or a LoRA/,
    );
  requireUpdatable(table(152_064, false), recipe, one);
  requireUpdatable(table(151_936), recipe, one);
  expect(() => requireUpdatable(table(151_936), recipe, { replicas: 4, deterministic: true })).toThrow();
});
