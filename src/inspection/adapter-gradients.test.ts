import { fileURLToPath } from "node:url";
import { expect, test } from "vitest";
import { type Adapter, adapterFrom, loadCheckpoint, loraName, mergeLora } from "../checkpoint/index.ts";
import { describeParameters, type OwlConfig, parseConfig } from "../model/index.ts";
import { openDevice } from "../runtime/index.ts";
import { float32, type HostTensor } from "../tensor/index.ts";
import { type ModelInputs, stageGradients } from "./forward-backward.ts";

const model = fileURLToPath(new URL("../../tests/fixtures/model", import.meta.url));

/** A LoRA of rank 2 and alpha 6 beside the weights of all layers that a pattern names. */
function adapterOn(config: OwlConfig, layers: RegExp): Adapter {
  const lora = new Map<string, HostTensor>();
  const some = (dims: [number, number], seed: number): HostTensor =>
    float32(
      Array.from({ length: dims[0] * dims[1] }, (_, i) => 0.2 * Math.sin(seed + 1.7 * i)),
      dims,
    );
  for (const { name, dims } of describeParameters(config)) {
    const layer = name.replace(/\.weight$/, "");
    if (!layers.test(layer)) continue;
    lora.set(loraName(layer, "A"), some([2, dims[1]], lora.size));
    lora.set(loraName(layer, "B"), some([dims[0], 2], lora.size));
  }
  const config6 = { peft_type: "LORA", r: 2, lora_alpha: 6, target_modules: layers.source };
  return adapterFrom(lora, config6);
}

const ids = [[1, 5, 60, 99, 300, 7, 12]];
const inputs: ModelInputs = { ids, lossMask: [ids[0].map((_, i) => i > 1)] };

test.each([
  ["all projections of attention", /language_model.*\.(q|k|v|o)_proj$/, 4],
  ["the MLP alone", /language_model.*\.mlp\.down_proj$/, 1],
])("gradients are those of the loss, wherever the adapter stands: %s", async (_, layers, perLayer) => {
  const { config: json, tensors } = await loadCheckpoint(model);
  const config = parseConfig(json);
  const adapter = adapterOn(config, layers);
  const device = await openDevice({ threads: 1 });
  const { gradients, loss } = await stageGradients(config, tensors, inputs, "released", adapter, device);
  const names = [...adapter.lora.keys()];
  expect([...gradients.keys()].sort()).toEqual(names.sort());
  expect(names).toHaveLength(2 * perLayer * config.language.layers);
  // The loss of the merged model is what the gradient speaks of: also where one matrix goes a small step along it.
  const lossOf = async (changed: Adapter): Promise<number> => {
    const merged = mergeLora(tensors, changed);
    return (await stageGradients(config, merged, inputs, "full", undefined, device)).loss;
  };
  expect(await lossOf(adapter)).toBeCloseTo(loss, 5);
  for (const name of [names[0], names.at(-1)!]) {
    const gradient = gradients.get(name)!;
    const data = gradient.data as Float32Array;
    const squares = data.reduce((sum, value) => sum + value * value, 0);
    const step = 0.006 / Math.sqrt(squares);
    const moved = (sign: number): Adapter => {
      const values = adapter.lora.get(name)!.data as Float32Array;
      const there = float32(
        values.map((value, i) => value + sign * step * data[i]),
        [...gradient.dims],
      );
      return { ...adapter, lora: new Map([...adapter.lora, [name, there]]) };
    };
    const slope = ((await lossOf(moved(1))) - (await lossOf(moved(-1)))) / (2 * step);
    expect(slope / squares, name).toBeCloseTo(1, 2);
  }
});

test("a LoRA where no addition is computed is refused by name", async () => {
  const { config: json, tensors } = await loadCheckpoint(model);
  const config = parseConfig(json);
  const adapter = adapterOn(config, /lm_head$/);
  const device = await openDevice({ threads: 1 });
  await expect(stageGradients(config, tensors, inputs, "released", adapter, device)).rejects.toThrow(
    "stage released needs a LoRA on linear layers, got language_model.lm_head",
  );
});
