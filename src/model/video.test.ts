import { describe, expect, test } from "vitest";
import { gradients } from "../autodiff/index.ts";
import { dim, type Float64Tensor, input, interpret, rootScope, type TensorLike } from "../tensor/index.ts";
import { requireClose } from "../tensor/testing/compare.ts";
import { configJson, parseConfig } from "./config.ts";
import { lossFeeds, tokenFeeds } from "./feeds.ts";
import { traceVideo } from "./inference.ts";
import { traceForward, traceLoss } from "./owl.ts";
import type { OwlConfig } from "./owl-config.ts";
import { describeParameters } from "./parameters.ts";
import { stageScope, trainedParameters } from "./stages.ts";
import { localTemporalModule } from "./temporal-module.ts";
import { microConfig, randomNumbers, randomParameters } from "./testing/micro.ts";
import { tokensPerImage, videoAbstractor, visualAbstractor } from "./visual-abstractor.ts";

const config: OwlConfig = { ...microConfig, video: true };
const weights: Record<string, TensorLike> = randomParameters(describeParameters(config));
const { imageSize, hidden } = config.vision;
const perMedium = tokensPerImage(config);
const frames = 3;
const patches = 4;

const random = (dims: readonly number[], seed: number): { dims: number[]; data: number[] } => ({
  dims: [...dims],
  data: randomNumbers(
    dims.reduce((product, size) => product * size, 1),
    1,
    seed,
  ),
});
const videoPixels = (videos: number): { dims: number[]; data: number[] } =>
  random([videos, 3, frames, imageSize, imageSize], 5);

describe("the temporal module", () => {
  const prefix = "vision_model.encoder.layers.0.temporal";
  const state = random([2 * frames, patches + 1, hidden], 3);
  const x = input("x", "float32", [
    dim("images", 2 * frames),
    dim("tokens", patches + 1),
    dim("hidden", hidden),
  ]);

  /** x + [class token, up(quickGelu(conv(down(ln(patches)))))] number by number. */
  function byHand(values: Record<string, TensorLike>): number[] {
    const w = (name: string): ArrayLike<number> =>
      Array.from<number | bigint, number>(values[`${prefix}.${name}`].data, Number);
    const half = hidden / 2;
    const at = (image: number, token: number): number[] => {
      const start = (image * (patches + 1) + token) * hidden;
      return state.data.slice(start, start + hidden);
    };
    const down = (image: number, token: number): number[] => {
      const row = at(image, token);
      const mean = row.reduce((sum, value) => sum + value, 0) / hidden;
      const variance = row.reduce((sum, value) => sum + (value - mean) ** 2, 0) / hidden;
      const normal = row.map(
        (value, i) => ((value - mean) / Math.sqrt(variance + 1e-5)) * w("ln.weight")[i] + w("ln.bias")[i],
      );
      return Array.from({ length: half }, (_, o) =>
        normal.reduce(
          (sum, value, i) => sum + w("down_proj.weight")[o * hidden + i] * value,
          w("down_proj.bias")[o],
        ),
      );
    };
    const result: number[] = [];
    for (let image = 0; image < 2 * frames; image++) {
      result.push(...at(image, 0).map((value) => 2 * value));
      for (let token = 1; token <= patches; token++) {
        const seen = Array.from({ length: half }, (_, channel) => {
          let sum = w("conv.bias")[channel];
          for (let tap = -1; tap <= 1; tap++) {
            const frame = (image % frames) + tap;
            if (frame < 0 || frame >= frames) continue;
            sum += w("conv.weight")[channel * 3 + tap + 1] * down(image + tap, token)[channel];
          }
          return sum / (1 + Math.exp(-1.702 * sum));
        });
        const up = at(image, token).map((value, o) =>
          seen.reduce(
            (sum, one, i) => sum + w("up_proj.weight")[o * half + i] * one,
            value + w("up_proj.bias")[o],
          ),
        );
        result.push(...up);
      }
    }
    return result;
  }

  test("equals the formula, number by number", () => {
    const scope = rootScope().at(prefix);
    const [got] = interpret([localTemporalModule(scope, x, frames, 1)], { ...weights, x: state });
    const expected = { dims: got.dims, data: Float64Array.from(byHand(weights)) };
    requireClose("temporal", got, expected, 1e-12);
  });

  test("when fresh, doubles the class token and changes nothing else", () => {
    const zeros = (name: string): [string, TensorLike] => [
      `${prefix}.${name}`,
      {
        dims: weights[`${prefix}.${name}`].dims,
        data: new Float64Array(weights[`${prefix}.${name}`].data.length),
      },
    ];
    const fresh = {
      ...weights,
      ...Object.fromEntries(["up_proj.weight", "up_proj.bias"].map(zeros)),
      x: state,
    };
    const [got] = interpret([localTemporalModule(rootScope().at(prefix), x, frames, 1)], fresh);
    for (const [i, value] of got.data.entries()) {
      const isClass = Math.floor(i / hidden) % (patches + 1) === 0;
      expect(value).toBe(Number(state.data[i]) * (isClass ? 2 : 1));
    }
    const initials = describeParameters(config).filter(({ name }) => name.includes("temporal.up_proj"));
    expect(initials.map(({ initial }) => initial)).toEqual(
      new Array(2 * config.vision.layers).fill({ kind: "constant", value: 0 }),
    );
  });
});

test("the abstractor on videos: both kinds of queries read all frames, and their halves are added", () => {
  const images = dim("images", 2 * frames);
  const seen = input("seen", "float32", [images, dim("tokens", patches + 1), dim("hidden", hidden)]);
  const values = { ...weights, seen: random([2 * frames, patches + 1, hidden], 8) };
  const [got] = interpret([videoAbstractor(rootScope(), seen, config, frames).lastHiddenState], values);

  // The abstractor of pictures with twice the queries, once with each of the two last layers.
  const queries = config.numQueryTokens;
  const wide = { ...config, numQueryTokens: 2 * queries };
  const flat = input("flat", "float32", [
    dim("images", 2),
    dim("tokens", frames * (patches + 1)),
    dim("hidden", hidden),
  ]);
  const { hidden: width } = config.language;
  const rowsOf = (layer: string): Float64Tensor => {
    const both = [
      ...(weights.query_tokens.data as Float32Array),
      ...(weights.temporal_query_tokens.data as Float32Array),
    ];
    const [rows] = interpret([visualAbstractor(rootScope(), flat, wide).lastHiddenState], {
      ...values,
      flat: { dims: [2, frames * (patches + 1), hidden], data: values.seen.data },
      query_tokens: { dims: [1, 2 * queries, hidden], data: both },
      "abstractor.visual_fc.weight": weights[`abstractor.${layer}.weight`],
      "abstractor.visual_fc.bias": weights[`abstractor.${layer}.bias`],
    });
    return rows;
  };
  const [own, temporal] = [rowsOf("visual_fc"), rowsOf("temporal_visual_fc")];
  const at = (x: Float64Tensor, video: number, query: number, i: number): number =>
    x.data[(video * (2 * queries + 1) + query) * width + i];
  const expected = Float64Array.from({ length: 2 * perMedium * width }, (_, at1) => {
    const [video, query, i] = [
      Math.floor(at1 / perMedium / width),
      Math.floor(at1 / width) % perMedium,
      at1 % width,
    ];
    if (query === queries) return Number((weights["abstractor.vit_eos"].data as Float32Array)[i]);
    return at(own, video, query, i) + at(temporal, video, queries + query, i);
  });
  requireClose("abstractor", got, { dims: [2, perMedium, width], data: expected }, 1e-12);
});

describe("the whole model", () => {
  const row = [1, ...new Array(perMedium).fill(-2), 4, ...new Array(perMedium).fill(-1), 7, 6, 2];
  const pixels = random([1, 3, imageSize, imageSize], 6);
  const feeds = {
    ...tokenFeeds([row], { images: perMedium, videos: perMedium }),
    pixel_values: pixels,
    video_pixel_values: videoPixels(1),
  };
  const sizes = { batch: 1, tokens: row.length, images: 1, videos: { count: 1, frames } };

  test("a video and a picture stand each in its place", () => {
    const names = [
      "abstractor.last_hidden_state",
      "video.abstractor.last_hidden_state",
      "inputs_embeds",
    ] as const;
    const { outputs } = traceForward(config, sizes, names);
    const [picture, video, embeddings] = interpret(
      names.map((name) => outputs[name]),
      { ...weights, ...feeds },
    );
    const width = config.language.hidden;
    const part = (from: number): number[] => [
      ...embeddings.data.slice(from * width, (from + perMedium) * width),
    ];
    expect(part(1)).toEqual([...video.data]);
    expect(part(2 + perMedium)).toEqual([...picture.data]);
  });

  test("any number of videos goes through the graph for answering, and each gives what it gives alone", () => {
    const graph = traceVideo(config, frames);
    const [two] = interpret([graph.outputs.visual], { ...weights, video_pixel_values: videoPixels(2) });
    const { dims, data } = videoPixels(2);
    const half = data.length / 2;
    for (let i = 0; i < 2; i++) {
      const own = { dims: [1, ...dims.slice(1)], data: data.slice(i * half, (i + 1) * half) };
      const [alone] = interpret([graph.outputs.visual], { ...weights, video_pixel_values: own });
      const size = two.data.length / 2;
      expect([...alone.data]).toEqual([...two.data.slice(i * size, (i + 1) * size)]);
    }
    expect(() => traceVideo(microConfig, frames)).toThrow(/must be of the video version/);
  });

  test("the loss's slope in a direction of everything that only videos use equals finite differences", () => {
    const counts = [row.map((_, t) => Number(t > row.length - 3))];
    const scope = stageScope("1");
    const { loss } = traceLoss(config, sizes, scope);
    const values = { ...weights, ...feeds, ...lossFeeds([row], counts).feeds };
    const own = [...trainedParameters(scope)].filter(([name]) => /temporal/.test(name));
    expect(own).toHaveLength(8 * config.vision.layers + 3);
    const found = interpret(
      gradients(
        loss,
        own.map(([, tensor]) => tensor),
      ),
      values,
    );
    const directions = own.map(([name], i) => random(weights[name].dims, 40 + i).data);
    const lossAt = (by: number): number => {
      const moved = own.map(([name], i): [string, TensorLike] => {
        const data = Float64Array.from(
          weights[name].data as Float32Array,
          (value, k) => value + by * directions[i][k],
        );
        return [name, { dims: weights[name].dims, data }];
      });
      return interpret([loss], { ...values, ...Object.fromEntries(moved) })[0].data[0];
    };
    const slope = found.reduce(
      (sum, { data }, i) => data.reduce((part, value, k) => part + value * directions[i][k], sum),
      0,
    );
    const step = 1e-6;
    expect(slope).not.toBeCloseTo(0, 2);
    expect(slope).toBeCloseTo((lossAt(step) - lossAt(-step)) / (2 * step), 6);
  });
});

describe("config.json", () => {
  const published = configJson({
    ...microConfig,
    abstractor: { ...microConfig.abstractor, intermediate: 96 },
  });

  test("the weights tell the video version; its MLP is as wide as the original makes it", () => {
    const weightsOf = (names: string[]) => new Map(names.map((name) => [name, { dims: [1, 3, 12] }]));
    expect(parseConfig(published, "config.json", weightsOf(["query_tokens"])).video).toBeUndefined();
    const video = parseConfig(published, "config.json", weightsOf(["query_tokens", "temporal_query_tokens"]));
    expect(video).toMatchObject({ video: true, abstractor: { intermediate: 256 } });
    for (const [configured, width] of [
      [384, 256],
      [385, 256],
      [2815, 2048],
      [2816, 2816],
      [4096, 2816],
    ]) {
      const json = structuredClone(published) as Record<string, Record<string, unknown>>;
      json.visual_abstractor_config.intermediate_size = configured;
      const parsed = parseConfig({ ...json, video: true });
      expect(parsed.abstractor.intermediate).toBe(width);
      expect(parseConfig(configJson(parsed))).toEqual(parsed);
    }
  });
});
