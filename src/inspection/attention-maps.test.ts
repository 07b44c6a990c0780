import { readFileSync } from "node:fs";
import { afterAll, beforeAll, expect, test } from "vitest";
import { owlFixture } from "../../tests/owl-fixture.ts";
import { loadCheckpoint } from "../checkpoint/index.ts";
import { CLIP_PREPROCESSOR } from "../image/index.ts";
import { LoadedModel, mediaFromPixels } from "../inference/index.ts";
import { parseConfig, traceAttention } from "../model/index.ts";
import { Owl } from "../owl/index.ts";
import { openDevice } from "../runtime/index.ts";
import { interpret, type TensorLike } from "../tensor/index.ts";
import { attentionMaps, besideTextMaps } from "./attention-maps.ts";

let fixture: Awaited<ReturnType<typeof owlFixture>>;
beforeAll(async () => {
  fixture = await owlFixture();
});
afterAll(() => fixture.remove());

test("the maps are those of the float64 interpreter", async () => {
  const { config: json, tensors } = await loadCheckpoint(fixture.directory);
  const config = parseConfig(json);
  const { imageSize } = config.vision;
  const pixels = Float32Array.from({ length: 3 * imageSize ** 2 }, (_, i) => Math.sin(i * i));
  const model = new LoadedModel(config, tensors, await openDevice({ threads: 1 }));
  const { layers, heads, queries, rows, columns, maps } = attentionMaps(
    config,
    { ...CLIP_PREPROCESSOR, size: config.vision.imageSize },
    await model.abstractorAttention(await mediaFromPixels(pixels)),
  );
  await model.close();
  expect([layers, heads, queries, rows * columns * layers * heads * queries]).toEqual([
    config.abstractor.layers,
    config.abstractor.heads,
    config.numQueryTokens,
    maps.length,
  ]);

  const feeds: Record<string, TensorLike> = Object.fromEntries(
    [...tensors].map(([name, { dims, data }]) => [name, { dims, data: Array.from(data, Number) }]),
  );
  feeds.pixel_values = { dims: [1, 3, imageSize, imageSize], data: [...pixels] };
  const { outputs } = traceAttention(config);
  const exact = interpret(Object.values(outputs), feeds).flatMap(({ data }) => [...data]);
  expect(maps.length).toBe(exact.length);
  const furthest = exact.reduce((most, value, i) => Math.max(most, Math.abs(value - maps[i])), 0);
  expect(furthest).toBeLessThan(1e-5);
});

test("a share is of everything a query sees: without a preference each patch gets as much as a query", async () => {
  const { config: json, tensors } = await loadCheckpoint(fixture.directory);
  const config = parseConfig(json);
  const blind = new Map(
    [...tensors].map(([name, tensor]) =>
      /abstractor.*attention\.key\./.test(name)
        ? [name, { ...tensor, data: new Float32Array(tensor.data.length) }]
        : [name, tensor],
    ),
  );
  const model = new LoadedModel(config, blind, await openDevice({ threads: 1 }));
  const { rows, columns, queries, maps } = attentionMaps(
    config,
    { ...CLIP_PREPROCESSOR, size: config.vision.imageSize },
    await model.abstractorAttention(
      await mediaFromPixels(new Float32Array(3 * config.vision.imageSize ** 2)),
    ),
  );
  await model.close();
  for (const share of maps) expect(share).toBeCloseTo(1 / (queries + 1 + rows * columns), 6);
});

test("owl-nano's maps: shares of at most 1, the same for the same picture and others for another", async () => {
  const owl = await Owl.load("models/owl-nano", { threads: 1 });
  const { rows, columns, maps } = await owl.attention("examples/owl.png");
  const patches = rows * columns;
  for (let at = 0; at < maps.length; at += patches) {
    const sum = maps.subarray(at, at + patches).reduce((all, share) => all + share, 0);
    expect(sum).toBeGreaterThan(0);
    expect(sum).toBeLessThanOrEqual(1 + 1e-5);
  }
  const same = await owl.attention(new Uint8Array(readFileSync("examples/owl.png")));
  expect(same.maps).toEqual(maps);
  const other = await owl.attention("examples/penguin.png");
  expect(other.maps.some((share, i) => Math.abs(share - maps[i]) > 0.01)).toBe(true);
  await owl.close();
});

test("results of all layers are put one after the other", () => {
  const config = parseConfig(JSON.parse(readFileSync("models/owl-nano/config.json", "utf8")));
  const side = config.vision.imageSize / config.vision.patchSize;
  const dims = [1, config.abstractor.heads, config.numQueryTokens, side * side];
  const size = dims.reduce((product, count) => product * count);
  const layer = (value: number) => ({
    dtype: "float32" as const,
    dims,
    data: new Float32Array(size).fill(value),
  });
  const { maps, rows, columns } = attentionMaps(config, CLIP_PREPROCESSOR, [layer(0.25), layer(0.5)]);
  expect([rows, columns, maps[0], maps[size - 1], maps[size]]).toEqual([side, side, 0.25, 0.25, 0.5]);
});

test("squares lie side by side, and the whole is shared out among them", () => {
  const config = parseConfig({
    model_type: "mplugowl3",
    mplugowl3_version: "241014",
    hidden_size: 4,
    num_hidden_layers: 1,
    num_attention_heads: 1,
    num_key_value_heads: 1,
    intermediate_size: 4,
    vocab_size: 4,
    max_position_embeddings: 8,
    hyper_layers: [1],
    vision_config: {
      hidden_size: 4,
      num_hidden_layers: 2,
      num_attention_heads: 1,
      intermediate_size: 4,
      image_size: 30,
      patch_size: 14,
    },
  });
  // One row of two squares of four patches, and the whole; behind them what is no picture's.
  const data = Float32Array.from([1, 2, 3, 4, 5, 6, 7, 8, 20, 40, 60, 80, 9, 9]);
  const looks = { byLayer: [{ dtype: "float32" as const, dims: [1, 1, 1, 14], data }], words: ["?"] };
  const { rows, columns, maps, framing } = besideTextMaps(config, 30, { ...looks, grid: [1, 2] });
  expect([rows, columns]).toEqual([2, 4]);
  expect([...maps]).toEqual([11, 12, 25, 26, 33, 34, 47, 48]);
  expect(framing.covered).toBe(30);
  const uncut = besideTextMaps(config, 30, looks);
  expect([uncut.rows, uncut.columns, ...uncut.maps, uncut.framing.covered]).toEqual([2, 2, 1, 2, 3, 4, 28]);
});
