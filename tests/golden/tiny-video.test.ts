import { readFileSync } from "node:fs";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { readSafetensors, type StateDict, validateParameters } from "../../src/checkpoint/index.ts";
import { completeSettings, Engine, generateBatch, settingsFromJson } from "../../src/generation/index.ts";
import { LoadedModel, type Media, mediaFromPixels, type Prompt } from "../../src/inference/index.ts";
import { probeModel } from "../../src/inspection/index.ts";
import {
  describeParameters,
  parseConfig,
  pixelInput,
  tokensPerImage,
  traceForward,
  videoAbstractor,
  visionEncoder,
  visualAbstractor,
} from "../../src/model/index.ts";
import { Owl } from "../../src/owl/index.ts";
import { openDevice } from "../../src/runtime/index.ts";
import { type HostTensor, rootScope } from "../../src/tensor/index.ts";
import { shared, sharedAvailable } from "../shared.ts";
import {
  type Batch,
  batchFeeds,
  gradientDifference,
  largestDifference,
  lossAndGradients,
  type Model,
  numbersOf,
  readBatch,
  readModel,
  runGraph,
  type Values,
} from "./run-model.ts";

const HIDDEN = 1e-4;
const LOGITS = 5e-4;
const LOSS = 1e-4;
const GRADIENT = 5e-4;

const folder = shared("golden/tiny-video");
const FRAMES = 4;
const MEDIA = 9;

interface Case {
  readonly name: string;
  readonly kind: "generate" | "forward";
  readonly n_images: number;
  readonly n_videos: number;
  readonly greedy?: readonly number[][];
  readonly "greedy.fixed"?: readonly number[][];
  readonly beam3?: { readonly ids: readonly number[][]; readonly settings: object };
}

const cases: Case[] = sharedAvailable ? JSON.parse(readFileSync(`${folder}/cases.json`, "utf8")).cases : [];
const generated = cases.filter(({ kind }) => kind === "generate");

/** Where the reference puts a picture or video into the wrong place, the fixture of the corrected logic counts. */
const corrected = ({ name, ...one }: Case): string => (one["greedy.fixed"] ? `${name}.fixed` : name);

function partOf(tensor: HostTensor, from: number, to: number): HostTensor<"float32"> {
  const size = tensor.data.length / tensor.dims[0];
  const data = (tensor.data as Float32Array).slice(from * size, to * size);
  return { dtype: "float32", dims: [to - from, ...tensor.dims.slice(1)], data };
}

const reshaped = (tensor: HostTensor, dims: readonly number[]): HostTensor => ({
  ...tensor,
  dims: [...dims],
});

/** Chosen entries of the last axis. */
function everyEighth(logits: HostTensor): HostTensor {
  const width = logits.dims[2];
  const data = (logits.data as Float32Array).filter((_, i) => (i % width) % 8 === 0);
  return { dtype: "float32", dims: [...logits.dims.slice(0, 2), width / 8], data };
}

function lastRows(logits: HostTensor): HostTensor {
  const [batch, tokens, width] = logits.dims;
  const rows = Array.from({ length: batch }, (_, b) =>
    (logits.data as Float32Array).slice(((b + 1) * tokens - 1) * width, (b + 1) * tokens * width),
  );
  return { dtype: "float32", dims: [batch, width], data: Float32Array.from(rows.flatMap((row) => [...row])) };
}

describe.skipIf(!sharedAvailable)("the video version against the original code", () => {
  let model: Model;
  let io: StateDict;
  let loaded: LoadedModel;
  const expected = (name: string): HostTensor => {
    const tensor = io.get(name);
    if (tensor === undefined) throw new Error(`the fixture has no ${name}`);
    return tensor;
  };

  beforeAll(async () => {
    model = await readModel(folder);
    io = await readSafetensors(`${folder}/io.safetensors`);
    loaded = new LoadedModel(
      model.config,
      new Map(Object.entries(model.weights)),
      await openDevice({ threads: 1 }),
    );
  });
  afterAll(() => loaded.close());

  test("the weights tell the version, and the model asks for exactly them", () => {
    expect(model.config.video).toBe(true);
    expect(model.config.abstractor.intermediate).toBe(256);
    validateParameters(describeParameters(model.config), new Map(Object.entries(model.weights)));
  });

  test("the width of the abstractor's MLP, for any configured one", () => {
    const tables = JSON.parse(readFileSync(`${folder}/tables.json`, "utf8"));
    const json = JSON.parse(readFileSync(`${folder}/config.json`, "utf8"));
    const widths: [string, number][] = Object.entries(tables.abstractor_hidden_features);
    expect(widths.length).toBeGreaterThan(5);
    for (const [configured, width] of widths) {
      json.visual_abstractor_config.intermediate_size = Number(configured);
      const { abstractor } = parseConfig({ ...json, video: true });
      expect(abstractor.intermediate, configured).toBe(width);
    }
  });

  test("pictures: every layer's hidden states and the visual tokens; no temporal module has a part in them", async () => {
    const scope = rootScope();
    const vision = visionEncoder(scope.at("vision_model"), pixelInput(model.config, 3), model.config.vision);
    const abstractor = visualAbstractor(scope, vision.lastHiddenState, model.config);
    const outputs = {
      ...Object.fromEntries(
        vision.hiddenStates.map((state, i) => [`image.vision.hidden_states.${i}`, state]),
      ),
      "image.vision.last_hidden_state": vision.lastHiddenState,
      "image.abstractor.last_hidden_state": abstractor.lastHiddenState,
    };
    const feeds = { ...model.weights, pixel_values: expected("pixel_values") };
    const got = await runGraph({ name: "pictures", outputs }, feeds);
    expect(Object.keys(got)).toHaveLength(6);
    for (const [name, value] of Object.entries(got)) {
      const wanted = expected(name);
      expect(largestDifference(reshaped(value, wanted.dims), wanted), name).toBeLessThan(HIDDEN);
    }
  });

  test("videos: every layer's hidden states and the visual tokens", async () => {
    const scope = rootScope();
    const { config } = model;
    const frames = visionEncoder(
      scope.at("vision_model"),
      pixelInput(config, 2 * FRAMES),
      config.vision,
      FRAMES,
    );
    const abstractor = videoAbstractor(scope, frames.lastHiddenState, config, FRAMES);
    const outputs = {
      ...Object.fromEntries(
        frames.hiddenStates.map((state, i) => [`video.vision.hidden_states.${i}`, state]),
      ),
      "video.vision.last_hidden_state": frames.lastHiddenState,
      "video.abstractor.last_hidden_state": abstractor.lastHiddenState,
    };
    const feeds = { ...model.weights, pixel_values: framesOf(expected("video_pixel_values")) };
    const got = await runGraph({ name: "videos", outputs }, feeds);
    expect(Object.keys(got)).toHaveLength(6);
    for (const [name, value] of Object.entries(got)) {
      const wanted = expected(name);
      expect(largestDifference(reshaped(value, wanted.dims), wanted), name).toBeLessThan(HIDDEN);
    }
  });

  test.each(generated)("$name: embeddings and logits", async (one) => {
    const batch = batchOf(one);
    const sizes = { batch: batch.rows.length, tokens: batch.rows[0].length, ...batch };
    const graph = traceForward(model.config, sizes, ["inputs_embeds", "hidden", "logits"]);
    const got = await runGraph(graph, { ...model.weights, ...batchFeeds(batch, model.config) });
    const name = corrected(one);
    expect(largestDifference(got.inputs_embeds, expected(`${name}.inputs_embeds`))).toBeLessThan(HIDDEN);
    expect(largestDifference(lastRows(got.logits), expected(`${name}.logits_last`))).toBeLessThan(LOGITS);
    if (io.has(`${name}.hidden`)) {
      expect(largestDifference(got.hidden, expected(`${name}.hidden`))).toBeLessThan(HIDDEN);
    }
    if (io.has(`${name}.logits_cols`)) {
      expect(largestDifference(everyEighth(got.logits), expected(`${name}.logits_cols`))).toBeLessThan(
        LOGITS,
      );
    }
  });

  test.each(generated)("$name: the same tokens, together and one by one", async (one) => {
    const prompts = await promptsOf(one);
    const settings = completeSettings({ maxNewTokens: 24, eosTokenIds: [] });
    const wanted = (one["greedy.fixed"] ?? one.greedy)!.map((ids) => ids.slice(1));
    const engine = Engine.offline(loaded, {});
    const together = await generateBatch(loaded, {}, { prompts, settings });
    expect(together.map(({ ids }) => ids)).toEqual(wanted);
    for (const [row, prompt] of prompts.entries()) {
      expect((await engine.answer({ prompt, settings })).ids).toEqual(wanted[row]);
    }
    if (one.beam3 === undefined) return;
    const beams = completeSettings({ ...settingsFromJson(one.beam3.settings), eosTokenIds: [] });
    expect((await engine.answer({ prompt: prompts[0], settings: beams })).ids).toEqual(
      one.beam3.ids[0].slice(1),
    );
  });

  test("a batch of unequal prompts, with and without videos, gives what each gives alone", async () => {
    const some = generated.filter(({ name }) => ["text_only", "video_one", "mixed_batch"].includes(name));
    const prompts = (await Promise.all(some.map(promptsOf))).flat();
    const settings = completeSettings({ maxNewTokens: 24, eosTokenIds: [] });
    const wanted = some.flatMap(({ greedy }) => greedy!.map((ids) => ids.slice(1)));
    const answers = await generateBatch(loaded, {}, { prompts, settings });
    expect(answers.map(({ ids }) => ids)).toEqual(wanted);
  });

  test("the directory loads as it is, and probe gives the same numbers and tokens", async () => {
    const owl = await Owl.load(folder, { threads: 1 });
    const one = generated.find(({ name }) => name === "video_one")!;
    const inputs = new Map([...io].filter(([name]) => name.startsWith("video_one.in.")));
    inputs.set("video_one.in.video_pixel_values", partOf(expected("video_pixel_values"), 0, 1));
    const generate = { ...one.beam3!.settings, eos: [] };
    const got = await probeModel(owl, inputs, { prefix: "video_one.in.", generate });
    await owl.close();
    for (const name of ["inputs_embeds", "video.abstractor.last_hidden_state"]) {
      const wanted = name.startsWith("video.") ? partOf(expected(name), 0, 1) : expected(`video_one.${name}`);
      expect(largestDifference(got.get(name)!, wanted), name).toBeLessThan(HIDDEN);
    }
    expect(numbersOf(got.get("ids")!)).toEqual(one.beam3!.ids[0].slice(1));
  });

  test("training on pictures: logits and loss", async () => {
    const batch = readBatch(io, "forward_image.in.");
    const sizes = { batch: batch.rows.length, tokens: batch.rows[0].length, images: batch.images };
    const graph = traceForward(model.config, sizes, ["logits", "loss"]);
    const got = await runGraph(graph, { ...model.weights, ...batchFeeds(batch, model.config) });
    expect(largestDifference(everyEighth(got.logits), expected("forward_image.logits_cols"))).toBeLessThan(
      LOGITS,
    );
    expect(largestDifference(reshaped(got.loss, [1]), expected("forward_image.loss"))).toBeLessThan(LOSS);
  });

  test("training on a video: logits, loss and gradients", async () => {
    const batch = videoBatch();
    const sizes = { batch: 1, tokens: batch.rows[0].length, ...batch };
    const graph = traceForward(model.config, sizes, ["logits", "loss"]);
    const got = await runGraph(graph, { ...model.weights, ...batchFeeds(batch, model.config) });
    const wanted = (name: string): HostTensor => expected(`forward_video_fixed.${name}`);
    expect(largestDifference(everyEighth(got.logits), wanted("logits_cols"))).toBeLessThan(LOGITS);
    expect(largestDifference(reshaped(got.loss, [1]), wanted("loss"))).toBeLessThan(LOSS);

    const { loss, gradients } = await lossAndGradients(model, batch, "1");
    expect(loss).toBeCloseTo(numbersOf(wanted("loss"))[0], 4);
    const stored = await readSafetensors(`${folder}/video-grads.safetensors`);
    expect(stored.size).toBe(66);
    for (const [name, gradient] of stored) {
      expect(gradientDifference(gradients[name], gradient), name).toBeLessThan(GRADIENT);
    }
  });

  /** The first pictures and videos of the fixture, as many as the case has. */
  function batchOf({ name, n_images, n_videos }: Case): Batch {
    const ids = expected(`${name}.in.input_ids`);
    const [rows, tokens] = ids.dims;
    const numbers = numbersOf(ids);
    const pixels: Values = {
      ...(n_images > 0 && { pixel_values: partOf(expected("pixel_values"), 0, n_images) }),
      ...(n_videos > 0 && { video_pixel_values: partOf(expected("video_pixel_values"), 0, n_videos) }),
    };
    return {
      rows: Array.from({ length: rows }, (_, b) => numbers.slice(b * tokens, (b + 1) * tokens)),
      counts: Array.from({ length: rows }, () => []),
      images: n_images,
      videos: { count: n_videos, frames: FRAMES },
      pixels,
    };
  }

  function videoBatch(): Batch {
    const ids = numbersOf(expected("forward_video_fixed.in.input_ids"));
    return {
      rows: [ids],
      counts: [[0, ...numbersOf(expected("forward_video_fixed.in.prompt_mask"))]],
      images: 0,
      videos: { count: 1, frames: FRAMES },
      pixels: { video_pixel_values: partOf(expected("video_pixel_values"), 0, 1) },
    };
  }

  async function promptsOf(one: Case): Promise<Prompt[]> {
    const pick = (name: string, index: number): Float32Array =>
      partOf(expected(name), index, index + 1).data as Float32Array;
    let [images, videos] = [0, 0];
    const prompts: Prompt[] = [];
    expect(tokensPerImage(model.config)).toBe(MEDIA);
    for (const ids of batchOf(one).rows) {
      const pictures: Media[] = [];
      for (const [i, id] of ids.filter((id) => id < 0).entries()) {
        if (i % MEDIA > 0) continue;
        if (id === -1) pictures.push(await mediaFromPixels(pick("pixel_values", images++)));
        else pictures.push(await mediaFromPixels(pick("video_pixel_values", videos++), FRAMES));
      }
      prompts.push({ ids, pictures });
    }
    return prompts;
  }
});

/** [videos, 3, frames, side, side] as pictures, the frames of a video one after the other. */
function framesOf(videos: HostTensor): HostTensor {
  const [count, channels, frames, height, width] = videos.dims;
  const plane = height * width;
  const data = new Float32Array(videos.data.length);
  for (let video = 0; video < count; video++) {
    for (let channel = 0; channel < channels; channel++) {
      for (let frame = 0; frame < frames; frame++) {
        const from = ((video * channels + channel) * frames + frame) * plane;
        const to = ((video * frames + frame) * channels + channel) * plane;
        data.set((videos.data as Float32Array).subarray(from, from + plane), to);
      }
    }
  }
  return { dtype: "float32", dims: [count * frames, channels, height, width], data };
}
