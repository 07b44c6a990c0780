// The pixels of transformers 5.18.0 with Pillow (tests/fixtures/towers/make.py).

import { readdirSync, readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { describe, expect, test } from "vitest";
import { readSafetensors } from "../checkpoint/index.ts";
import {
  loadPixelValues,
  modelPreprocessor,
  preprocessorOfSize,
  publishedPreprocessor,
  statedPreprocessor,
} from "./index.ts";

const fixture = (path: string): string =>
  fileURLToPath(new URL(`../../tests/fixtures/towers/${path}`, import.meta.url));
const json = (path: string) => JSON.parse(readFileSync(fixture(path), "utf8"));
const expected = await readSafetensors(fixture("expected.safetensors"));
const pictures: string[] = json("pictures/order.json");
const kinds = readdirSync(fixture("processors")).map((file) => file.replace(".json", ""));

describe.each(kinds)("preprocessing of %s", (kind) => {
  const preprocessor = statedPreprocessor(json(`processors/${kind}.json`), kind);
  const { data } = expected.get(`pixels.${kind}`)!;
  const length = 3 * preprocessor.size ** 2;

  test.each(pictures.map((name, i) => [name, i] as const))("%s", async (name, i) => {
    const path = fixture(`pictures/${name}.png`);
    const values = await loadPixelValues(path, preprocessor, { fidelity: "reference" });
    const wanted = Float32Array.from(data.subarray(i * length, (i + 1) * length), Number);
    if (!preprocessor.resizesNumbers) return expect(values).toEqual(wanted);
    const worst = Math.max(...values.map((value, at) => Math.abs(value - wanted[at])));
    // PyTorch adds up in float32.
    expect(worst).toBeLessThan(5e-6);
  });

  test("is written into an owl's directory and read back", () => {
    const { size } = preprocessor;
    expect(modelPreprocessor(publishedPreprocessor(preprocessor), size, "x")).toEqual(preprocessor);
  });
});

test("at another size as much of a picture is seen", () => {
  const dino = statedPreprocessor(json("processors/dinov2.json"), "x");
  expect(preprocessorOfSize(dino, 26)).toEqual({ ...dino, size: 26, edge: 32 });
  const siglip = statedPreprocessor(json("processors/siglip.json"), "x");
  expect(preprocessorOfSize(siglip, 26)).toEqual({ ...siglip, size: 26 });
});

describe("what is not computed is refused", () => {
  const siglip = json("processors/siglip.json");
  test.each([
    [{ ...siglip, image_processor_type: "Siglip2ImageProcessor" }, /one of CLIPImageProcessor.*Siglip2/],
    [{ ...siglip, do_pad: true, do_flip_channel_order: true }, /do_pad[\s\S]*do_flip_channel_order/],
    [{ ...siglip, size: { shortest_edge: 14 } }, /size: must make pictures square/],
    [{ ...siglip, size: { height: 14, width: 28 } }, /size/],
    [{ ...siglip, resample: 9, image_std: [1, 0, 1] }, /image_std[\s\S]*resample/],
    [{ ...siglip, fit: "crop" }, /fit: must be "squeeze" as size says/],
    [[], /image_processor_type.*got \[\]/],
  ])("%o", (content, message) => {
    expect(() => statedPreprocessor(content, "x")).toThrow(message);
  });
});
