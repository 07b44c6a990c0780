import { readFileSync } from "node:fs";
import { describe, expect, it } from "vitest";
import { shared, sharedAvailable } from "../../tests/shared.ts";
import { learningRateAt } from "./schedule.ts";

describe("learningRateAt", () => {
  it("rises linearly, falls as a cosine and stays at the least ratio", () => {
    const schedule = { shape: "cosine", peak: 2, warmup: 4, steps: 12, minRatio: 0.1 } as const;
    expect([0, 1, 4, 8, 12, 50].map((step) => learningRateAt(schedule, step))).toEqual([
      0,
      0.5,
      2,
      expect.closeTo(1.1, 12),
      expect.closeTo(0.2, 12),
      expect.closeTo(0.2, 12),
    ]);
  });

  it("is constant after the warm-up where that is asked for", () => {
    const schedule = { shape: "constant", peak: 3, warmup: 2, steps: 4 } as const;
    expect([0, 1, 2, 9].map((step) => learningRateAt(schedule, step))).toEqual([0, 1.5, 3, 3]);
  });
});

describe.skipIf(!sharedAvailable)("learningRateAt against the reference's schedules", () => {
  const golden: Record<string, number[] | Record<string, number>> = sharedAvailable
    ? JSON.parse(readFileSync(shared("golden/tiny-train/schedules.json"), "utf8"))
    : {};

  it("equals the cosine with warm-up used for the fixtures", () => {
    const expected = Object.values(golden.used_cosine_lr1e3_warm2_total10).slice(0, 11);
    const schedule = { shape: "cosine", peak: 1e-3, warmup: 2, steps: 10 } as const;
    for (const [step, rate] of expected.entries()) {
      expect(learningRateAt(schedule, step)).toBeCloseTo(rate, 12);
    }
  });

  it("equals the linear schedule that the released script really runs", () => {
    const schedule = { shape: "linear", peak: 2e-5, warmup: 50, steps: 4236 } as const;
    for (const [step, rate] of Object.entries(golden.trainer_default_linear_lr2e5_warm50_total4236)) {
      expect(learningRateAt(schedule, Number(step))).toBeCloseTo(rate, 12);
    }
  });
});
