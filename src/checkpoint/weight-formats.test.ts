import { expect, test } from "vitest";
import { isModelFile } from "../model-files/index.ts";
import {
  adapterFile,
  indexFile,
  isWeightFile,
  safetensors,
  shardFile,
  weightFormats,
  wholeFile,
} from "./weight-formats.ts";

test("every format has the names that its library publishes, safetensors first", () => {
  const names = weightFormats.map((format) => [wholeFile(format), indexFile(format), adapterFile(format)]);
  expect(names).toEqual([
    ["model.safetensors", "model.safetensors.index.json", "adapter_model.safetensors"],
    ["pytorch_model.bin", "pytorch_model.bin.index.json", "adapter_model.bin"],
  ]);
  expect(shardFile(safetensors, 1, 12)).toBe("model-00002-of-00012.safetensors");
});

test("files of weights are known by their names", () => {
  for (const format of weightFormats) {
    const names = [wholeFile(format), indexFile(format), shardFile(format, 0, 3)];
    expect(names.every(isWeightFile)).toBe(true);
    expect(names.every(isModelFile)).toBe(true);
  }
  expect(["optimizer.safetensors", "model.txt", "README.md"].some(isWeightFile)).toBe(false);
  expect(["owl.png", "weights.pt", "notes.md"].some(isModelFile)).toBe(false);
});
