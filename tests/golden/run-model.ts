import { expect } from "vitest";
import { gradients } from "../../src/autodiff/index.ts";
import { loadCheckpoint, readSafetensors, type StateDict } from "../../src/checkpoint/index.ts";
import {
  lossFeeds,
  type OwlConfig,
  parseConfig,
  releasedLora,
  type Stage,
  stageScope,
  tokenFeeds,
  tokensPerImage,
  traceLoss,
  trainedParameters,
  type VideoSizes,
} from "../../src/model/index.ts";
import { type Device, openDevice } from "../../src/runtime/index.ts";
import { float32, type Graph, type HostTensor, interpret } from "../../src/tensor/index.ts";

export type Values = Record<string, HostTensor>;

/** A model directory: its config and its weights by their published names. */
export interface Model {
  readonly config: OwlConfig;
  readonly weights: Values;
}

export async function readModel(directory: string): Promise<Model> {
  const { config, tensors } = await loadCheckpoint(directory);
  return {
    config: parseConfig(config, `${directory}/config.json`, tensors),
    weights: Object.fromEntries(tensors),
  };
}

/** LoRA matrices by the model's parameter names, without PEFT's prefix. */
export async function readLora(path: string): Promise<Values> {
  const tensors = await readSafetensors(path);
  return Object.fromEntries(
    [...tensors].map(([name, value]) => [name.replace("base_model.model.", ""), value]),
  );
}

let device: Promise<Device> | undefined;

/** Runs a graph through ONNX Runtime; feeds may hold more than the graph's inputs. */
export async function runGraph(graph: Graph, feeds: Values): Promise<Values> {
  device ??= openDevice({ threads: 1 });
  const program = await (await device).compile(graph);
  const asked = program.inputs.map(({ name }) => [name, feeds[name]]);
  const results = await program.run(Object.fromEntries(asked));
  program.dispose();
  return results;
}

/** A batch as the reference's collating function makes it. */
export interface Batch {
  readonly rows: number[][];
  /** Whether the token at each position is to be predicted. */
  readonly counts: number[][];
  readonly images: number;
  readonly videos?: VideoSizes | undefined;
  readonly pixels: Values;
}

/** Reads `<prefix>input_ids`, the masks (one shorter: entry t speaks of token t + 1) and `pixel_values`. */
export function readBatch(tensors: StateDict, prefix = ""): Batch {
  const numbers = (name: string): number[] => Array.from(tensors.get(prefix + name)!.data, Number);
  const [batch, tokens] = tensors.get(`${prefix}input_ids`)!.dims;
  const ids = numbers("input_ids");
  const masks = ["non_padding_mask", "non_media_mask", "prompt_mask"].map(numbers);
  const perRow = <T>(of: (b: number) => T): T[] => Array.from({ length: batch }, (_, b) => of(b));
  const pixel_values = tensors.get(`${prefix}pixel_values`);
  return {
    rows: perRow((b) => ids.slice(b * tokens, (b + 1) * tokens)),
    counts: perRow((b) => [
      0,
      ...Array.from({ length: tokens - 1 }, (_, t) =>
        masks.reduce((all, mask) => all * mask[b * (tokens - 1) + t], 1),
      ),
    ]),
    images: pixel_values?.dims[0] ?? 0,
    pixels: pixel_values ? { pixel_values } : {},
  };
}

/** What a graph needs besides the weights. */
export function batchFeeds(batch: Batch, config: OwlConfig, lossRows?: number): Values {
  return {
    ...tokenFeeds(batch.rows, {
      images: batch.images * tokensPerImage(config),
      videos: (batch.videos?.count ?? 0) * tokensPerImage(config),
    }),
    ...lossFeeds(batch.rows, batch.counts, lossRows).feeds,
    ...batch.pixels,
  };
}

/** The loss of a stage and the gradient of every parameter it trains. */
export async function lossAndGradients(
  { config, weights }: Model,
  batch: Batch,
  stage: Stage,
): Promise<{ loss: number; gradients: Values }> {
  const scope = stageScope(stage, releasedLora(config.language));
  const counted = batch.counts.flat().filter(Boolean).length;
  // One row more than needed, so that padding is tested too.
  const lossRows = counted + 1;
  const { rows, images, videos } = batch;
  const sizes = { batch: rows.length, tokens: rows[0].length, images, videos, lossRows };
  const { loss } = traceLoss(config, sizes, scope);
  const names = [...trainedParameters(scope).keys()];
  const found = gradients(loss, [...trainedParameters(scope).values()]);
  const graph = {
    name: `gradients of stage ${stage}`,
    outputs: { loss, ...Object.fromEntries(names.map((name, i) => [`grad.${name}`, found[i]])) },
  };
  const results = await runGraph(graph, { ...weights, ...batchFeeds(batch, config, lossRows) });
  return {
    loss: Number(results.loss.data[0]),
    gradients: Object.fromEntries(names.map((name) => [name, results[`grad.${name}`]])),
  };
}

/** A tensor's entries as plain numbers. */
export function numbersOf(tensor: HostTensor): number[] {
  return Array.from<number | bigint, number>(tensor.data, Number);
}

/** The larger of two differences, NaN counting as the largest. */
export function worse(a: number, b: number): number {
  return Number.isNaN(a) || Number.isNaN(b) ? Number.NaN : Math.max(a, b);
}

/** The largest absolute difference; sizes must agree. */
export function largestDifference(got: HostTensor, expected: HostTensor): number {
  if (got.dims.join() !== expected.dims.join()) {
    throw new Error(`sizes must be [${expected.dims}], got [${got.dims}]`);
  }
  const found = numbersOf(got);
  return numbersOf(expected).reduce((most, value, i) => worse(most, Math.abs(value - found[i])), 0);
}

/** Difference by the measure of the gradient fixtures: relative to the tensor's largest entry. */
export function gradientDifference(got: HostTensor, expected: HostTensor): number {
  const largest = numbersOf(expected).reduce((most, value) => Math.max(most, Math.abs(value)), 1e-3);
  return largestDifference(got, expected) / largest;
}

/** Fails unless ONNX Runtime computes a graph's outputs as the float64 interpreter does. */
export async function requireReference(graph: Graph, feeds: Values): Promise<void> {
  const got = await runGraph(graph, feeds);
  const names = Object.keys(graph.outputs);
  const reference = interpret(Object.values(graph.outputs), feeds);
  for (const [i, name] of names.entries()) {
    const { dims, data } = reference[i];
    const expected = float32(data, dims);
    const isKeyBias = /query_key_value\.bias|key\.bias/.test(name);
    // The gradient of a key's bias is zero but for rounding.
    if (!isKeyBias) expect(gradientDifference(got[name], expected), name).toBeLessThan(1e-4);
  }
}
