import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { gradients } from "../../src/autodiff/index.ts";
import {
  cacheSizes,
  configJson,
  describeParameters,
  hasWeightDecay,
  type OwlConfig,
  parseConfig,
  stageScope,
  tokensPerImage,
  traceAttention,
  traceForward,
  traceLoss,
  tracePrefill,
  trainedParameters,
} from "../../src/model/index.ts";
import { families } from "../../src/model/language/families.ts";
import { microConfig, randomNumbers, randomParameters } from "../../src/model/testing/micro.ts";
import { towers } from "../../src/model/vision/towers.ts";
import { float32, type HostTensor, int32, int64, interpret } from "../../src/tensor/index.ts";
import { requireClose } from "../../src/tensor/testing/compare.ts";
import { type InventedConfig, invented } from "./invented-family.ts";
import { type InventedTowerConfig, inventedTower } from "./invented-tower.ts";
import { batchFeeds, requireReference } from "./run-model.ts";

// A language-model family and a vision tower that no file of src knows: each is one file and one row.
const language: InventedConfig = { ...microConfig.language, family: "invented", ropeTheta: 500 };
const vision: InventedTowerConfig = { ...microConfig.vision, tower: "invented" };
const config = { ...microConfig, language, vision } as unknown as OwlConfig;

beforeAll(() => {
  Object.assign(families, { invented });
  Object.assign(towers, { invented: inventedTower });
});
afterAll(() => {
  Reflect.deleteProperty(families, "invented");
  Reflect.deleteProperty(towers, "invented");
});

const { imageSize } = vision;
const visualRun = new Array<number>(tokensPerImage(config)).fill(-1);
const pixels: HostTensor = float32(randomNumbers(6 * imageSize ** 2, 1, 5), [2, 3, imageSize, imageSize]);
const batch = {
  rows: [
    [1, ...visualRun, 5, 6, 2],
    [1, 9, 8, 7, ...visualRun],
  ],
  counts: [
    [0, 0, 0, 0, 0, 1, 1, 1],
    [0, 0, 1, 0, 0, 0, 0, 0],
  ],
  images: 2,
  pixels: { pixel_values: pixels },
};
const sizes = { batch: 2, tokens: 8, images: 2 };

test("config.json is written and read", () => {
  const json = JSON.parse(JSON.stringify(configJson(config)));
  expect(json.text_config.model_type).toBe("invented");
  expect(json.vision_config.model_type).toBe("invented_vision_model");
  expect(parseConfig(json)).toEqual(config);
});

test("its parameters are asked for by their names, and say what they are", () => {
  const parameters = describeParameters(config);
  const named = (name: string) => parameters.find((parameter) => parameter.name === name);
  const layer = "language_model.model.layers.1.self_attn";
  expect(named(`${layer}.q_norm.weight`)).toMatchObject({ dims: [6], role: "norm" });
  expect(named(`${layer}.k_proj.bias`)).toMatchObject({ dims: [12], role: "bias" });
  expect(named("vision_model.embeddings.position_embedding")).toMatchObject({ dims: [1, 4, 12] });
  expect(named("vision_model.embeddings.cls_token")).toBeUndefined();
  expect(parameters.filter((one) => one.dims.length < 2 && hasWeightDecay(one))).toEqual([]);
});

describe("ONNX Runtime computes what the float64 interpreter does", () => {
  const weights = () => randomParameters(describeParameters(config));

  test("forward", async () => {
    const graph = traceForward(config, sizes, ["vision.last_hidden_state", "logits", "loss"]);
    expect(graph.outputs["vision.last_hidden_state"].shape.map(({ size }) => size)).toEqual([2, 4, 12]);
    await requireReference(graph, { ...weights(), ...batchFeeds(batch, config) });
  });

  test.each(["1", "full"] as const)("gradients of stage %s", async (stage) => {
    const scope = stageScope(stage);
    const { loss } = traceLoss(config, { ...sizes, lossRows: 6 }, scope);
    const trained = trainedParameters(scope);
    const found = gradients(loss, [...trained.values()]);
    const outputs = Object.fromEntries(
      [...trained.keys()].map((name, i) => [`gradient of ${name}`, found[i]]),
    );
    const feeds = { ...weights(), ...batchFeeds(batch, config, 6) };
    await requireReference({ name: "gradients", outputs: { loss, ...outputs } }, feeds);
  });

  test("attention maps over patches alone", async () => {
    const graph = traceAttention(config);
    expect(graph.outputs["attention.0"].shape[3].size).toBe(4);
    await requireReference(graph, { ...weights(), pixel_values: pixels });
  });
});

test("a prefill of the KV cache gives the logits of the whole sequence", () => {
  const weights = randomParameters(describeParameters(config));
  const row = [1, 7, 5, 9, 4];
  const { keyValueHeads, headDim } = cacheSizes(config.language);
  const empty = float32(new Float32Array(keyValueHeads * 8 * headDim), [1, keyValueHeads, 8, headDim]);
  const pasts = Array.from({ length: language.layers }, (_, i) => [
    [`past_key.${i}`, empty],
    [`past_value.${i}`, empty],
  ]).flat();
  const feeds = { ...weights, input_ids: int64(row, [1, row.length]) };
  const [cached] = interpret([tracePrefill(config, { pictures: false }).outputs.logits], {
    ...feeds,
    ...Object.fromEntries(pasts),
    logit_positions: int64(
      row.flatMap((_, position) => [0, position]),
      [row.length, 2],
    ),
    last_position: int32([row.length - 1], [1]),
    total_length: int32([row.length], [1]),
  });
  const alone = { batch: 1, tokens: row.length, images: 0 };
  const [whole] = interpret([traceForward(config, alone, ["logits"]).outputs.logits], feeds);
  requireClose("logits", { dims: whole.dims, data: cached.data }, whole, 1e-12);
});
