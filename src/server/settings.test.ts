import { expect, test } from "vitest";
import { completeSettings } from "../generation/index.ts";
import { settingsOfChoice } from "./settings.ts";

test("every answer to a request has a seed of its own, that of a negative one too", () => {
  const last = Number.MAX_SAFE_INTEGER;
  const seedsOf = (seed: number): unknown[] =>
    [0, 1, 2, 3].map((choice) => settingsOfChoice(completeSettings({ seed }), choice).seed);
  expect(seedsOf(5)).toEqual([5, 6, 7, 8]);
  expect(seedsOf(last - 1)).toEqual([last - 1, last, 0, 1]);
  expect(settingsOfChoice(completeSettings({}), 2).seed).toBeUndefined();
});
