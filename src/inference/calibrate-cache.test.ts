import { expect, test } from "vitest";
import { describeParameters, type OwlConfig } from "../model/index.ts";
import { microConfig, randomParameters } from "../model/testing/micro.ts";
import { openDevice } from "../runtime/index.ts";
import { calibrateKvCache } from "./calibrate-cache.ts";
import { Decoder } from "./decoder.ts";
import { LoadedModel } from "./loaded-model.ts";

/** A language model alone of random weights, so large that every small change grows from layer to layer. */
async function noisyModel(layers: number, change = (_name: string, value: number) => value) {
  const { vision: _, ...rest } = microConfig;
  const language = { ...microConfig.language, layers, hidden: 48, headDim: 16, initializerRange: 0.5 };
  const config: OwlConfig = { ...rest, vision: microConfig.vision, language, textOnly: true };
  const parameters = randomParameters(describeParameters(config));
  for (const [name, { data }] of Object.entries(parameters)) {
    for (let i = 0; i < data.length; i++) data[i] = change(name, Number(data[i]));
  }
  const device = await openDevice({ threads: 1 });
  return new LoadedModel(config, new Map(Object.entries(parameters)), device, { kvCacheDtype: "int8" });
}

/** The share of numbers of a prompt's keys and values that are cut off, and that are no more than a few steps long all along. */
async function shares(model: LoadedModel): Promise<{ cut: number; blurred: number }> {
  const ids = Array.from({ length: 24 }, (_, i) => 1 + ((7 * i) % 22));
  const cache = model.newCache(1, ids.length);
  await new Decoder(model, cache).prefill([{ ids, spans: [] }], new Float32Array(), 0);
  let [cut, blurred, all] = [0, 0, 0];
  for (const { data, dims } of cache.buffers) {
    const [, , capacity, headDim] = dims;
    for (let head = 0; head < data.length; head += capacity * headDim) {
      for (let i = 0; i < headDim; i++, all++) {
        const steps = ids.map((_, at) => Math.abs(Number(data[head + at * headDim + i])));
        const most = Math.max(...steps);
        if (most >= 127) cut++;
        if (most < 8) blurred++;
      }
    }
  }
  return { cut: cut / all, blurred: blurred / all };
}

test("scales of a deep model are found although each one changes all layers behind it", async () => {
  const model = await noisyModel(48);
  await calibrateKvCache(model);
  const { cut, blurred } = await shares(model);
  expect(cut).toBeLessThan(0.02);
  expect(blurred).toBeLessThan(0.02);
  await model.close();
});

test.each([
  "layers.1.mlp.up",
  "layers.1.self_attn.q_proj",
  "layers.1.self_attn.k_proj",
  "layers.1.self_attn.v_proj",
])("a model that computes no numbers by its %s is told so", async (where) => {
  for (const bad of [Number.NaN, Number.POSITIVE_INFINITY]) {
    const model = await noisyModel(2, (name, value) => (name.includes(where) ? bad : value));
    await expect(calibrateKvCache(model)).rejects.toThrow(
      "KV cache in int8: keys, values and logits must be numbers, got some that are infinite or none",
    );
    await model.close();
  }
});
