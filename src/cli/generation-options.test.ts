import { Command } from "commander";
import { expect, test } from "vitest";
import { addGenerationOptions, generationSettings } from "./generation-options.ts";

const parsed = (...words: string[]): object =>
  generationSettings(
    addGenerationOptions(new Command().exitOverride()).parse(words, { from: "user" }).opts(),
  );

test("options are settings, and one of sampling asks for sampling", () => {
  expect(parsed()).toEqual({});
  expect(parsed("--max-new-tokens", "7", "--beams", "2")).toEqual({ maxNewTokens: 7, numBeams: 2 });
  expect(parsed("--seed", "3")).toEqual({ seed: 3 });
  expect(parsed("--min-p", "0.1", "--seed", "3")).toEqual({ minP: 0.1, seed: 3, doSample: true });
});
