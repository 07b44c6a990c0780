import { fileURLToPath } from "node:url";
import { expect, test, vi } from "vitest";
import { loadCheckpoint } from "../checkpoint/index.ts";
import { parseConfig } from "../model/index.ts";
import { mulberry32 } from "../primitives/index.ts";
import { openDevice } from "../runtime/index.ts";
import { float32 } from "../tensor/index.ts";
import { LoadedModel } from "./loaded-model.ts";
import { type Media, mediaFromPixels } from "./prompt.ts";

interface Written {
  readonly vision_config: { readonly patch_size: number };
}

/** The tiny model for larger pictures: of side × side patches, with positions drawn by chance. */
async function modelOfSide(side: number): Promise<{ model: LoadedModel; imageSize: number }> {
  const directory = fileURLToPath(new URL("../../tests/fixtures/model", import.meta.url));
  const { config, tensors } = await loadCheckpoint(directory);
  const written = config as Written;
  const imageSize = side * written.vision_config.patch_size;
  const vision_config = { ...written.vision_config, image_size: imageSize };
  const parsed = parseConfig({ ...written, vision_config });
  const [tokens, { hidden }, random] = [side ** 2 + 1, parsed.vision, mulberry32(side)];
  const numbers = Array.from({ length: tokens * hidden }, () => random() - 0.5);
  const positions = float32(numbers, [1, tokens, hidden]);
  const own = new Map(tensors).set("vision_model.embeddings.position_embedding", positions);
  return { model: new LoadedModel(parsed, own, await openDevice({ threads: 1 })), imageSize };
}

async function drawn(count: number, imageSize: number): Promise<Media[]> {
  return Promise.all(
    Array.from({ length: count }, (_, seed) => {
      const random = mulberry32(seed + 1);
      return mediaFromPixels(Float32Array.from({ length: 3 * imageSize ** 2 }, () => random() - 0.5));
    }),
  );
}

test("as many pictures are encoded at once as their scores leave room for, each as alone", async () => {
  // A layer's scores of one picture are 4 heads · 1,025² · 4 bytes: 16 MiB of the 40 that are allowed.
  const { model, imageSize } = await modelOfSide(32);
  const pictures = await drawn(5, imageSize);
  const run = vi.spyOn((await model.visionProgram()).program, "run");
  const sizes = (): number[] => run.mock.calls.splice(0).map(([feeds]) => feeds.pixel_values.dims[0]);
  const together = await model.visualTokens(pictures);
  expect(sizes()).toEqual([2, 2, 1]);
  model.visualCache.resize(0);
  const apart = await model.visualTokens(pictures, 1);
  expect(sizes()).toEqual([1, 1, 1, 1, 1]);
  const farthest = together.reduce((most, value, i) => Math.max(most, Math.abs(value - apart[i])), 0);
  expect(farthest).toBeLessThan(1e-5);
  await model.close();
});

test("small pictures go through it sixteen at once", async () => {
  const { model, imageSize } = await modelOfSide(4);
  const run = vi.spyOn((await model.visionProgram()).program, "run");
  await model.visualTokens(await drawn(18, imageSize));
  expect(run.mock.calls.map(([feeds]) => feeds.pixel_values.dims[0])).toEqual([16, 2]);
  await model.close();
});
