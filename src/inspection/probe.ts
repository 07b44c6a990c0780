import { z } from "zod";
import type { StateDict } from "../checkpoint/index.ts";
import {
  type Answer,
  completeSettings,
  type GenerationSettings,
  plainSettings,
  settingsFromJson,
} from "../generation/index.ts";
import { type Media, mediaFromPixels, mediaFromTile, type Prompt } from "../inference/index.ts";
import {
  generationOf,
  hyperOf,
  type MediaKind,
  type OwlConfig,
  positionCount,
  type Stage,
  spansOfPlaceholders,
  stages,
  tokensPerImage,
} from "../model/index.ts";
import { checkOptions, option } from "../platform/index.ts";
import { type HostTensor, int64 } from "../tensor/index.ts";
import { readBesideText } from "./beside-text.ts";
import type { ForwardResult, GradientResult, ModelInputs } from "./forward-backward.ts";
import { type ProbeInputs, readLonePlaceholders } from "./lone-placeholders.ts";
import { rowsOf, TensorReader } from "./tensor-reader.ts";

export interface ProbeOptions {
  /** What the names of the inputs begin with, such as `c_two_images.in.`. Default none. */
  readonly prefix?: string | undefined;
  /** Also the gradients of this training stage. */
  readonly stage?: Stage | undefined;
  /** Also new tokens, with these settings (as in `settingsFromJson`); what is left out is plain greedy decoding. */
  readonly generate?: object | undefined;
}

/** The tensors do not describe a batch; the message lists every problem. */
export class ProbeError extends Error {
  override name = "ProbeError";
}

/** What a probe needs of an owl. */
interface ProbedModel {
  readonly config: OwlConfig;
  /** The special ids and whatever else generation_config.json says. */
  readonly defaults: GenerationSettings;
  forward(inputs: ModelInputs): Promise<ForwardResult>;
  gradients(inputs: ModelInputs, stage: Stage): Promise<GradientResult>;
  generateIds(prompts: readonly Prompt[], settings: GenerationSettings): Promise<Answer[]>;
}

/**
 * Hidden states, logits, loss, gradients and tokens of a batch, to compare implementations. Reads, below the prefix and as far as they are there, `input_ids`
 * int64 [batch, tokens] (−1 at picture positions, −2 at video positions), `pixel_values`, `patch_positions` [images, 2] of a
 * model that reads pictures in tiles, which are images then, `video_pixel_values`
 * [videos, 3, frames, imageSize, imageSize], `num_images` and `num_videos` [batch], `attention_mask`
 * [batch, tokens], and the loss's `non_padding_mask`, `non_media_mask`, `prompt_mask` [batch, tokens − 1]; entry
 * t of these speaks of the prediction of token t + 1. Of models whose code has one id for a whole picture: as
 * {@link readLonePlaceholders} says; of models whose pictures stand beside the text: as {@link readBesideText} says.
 *
 * @returns `vision.last_hidden_state` and `abstractor.last_hidden_state` (with pictures), the same of
 *   `video.vision.` and `video.abstractor.` (with videos), `inputs_embeds`,
 *   `logits`, `loss` (with masks), `grad.<parameter>` (with a stage), `ids` (with settings; new tokens only, ended
 *   rows filled with padding)
 * @throws ProbeError that lists all that is wrong with the inputs
 */
export async function probeModel(
  owl: ProbedModel,
  tensors: StateDict,
  options: ProbeOptions = {},
): Promise<StateDict> {
  checkOptions<ProbeOptions>("probeModel", options, {
    prefix: z.string().optional().describe("a text"),
    stage: option.oneOf(Object.keys(stages)),
    generate: option.object,
  });
  const inputs = readInputs(tensors, options.prefix ?? "", owl.config);
  const results: StateDict = forwardTensors(await owl.forward(inputs));
  if (options.stage !== undefined) {
    const { gradients } = await owl.gradients(inputs, options.stage);
    for (const [name, gradient] of gradients) results.set(`grad.${name}`, gradient);
  }
  if (options.generate !== undefined) {
    results.set("ids", await newIds(owl, await promptsOf(inputs, owl.config), options.generate));
  }
  return results;
}

function forwardTensors(result: ForwardResult): StateDict {
  const { visionHiddenState, visualTokens, videoHiddenState, videoTokens } = result;
  const { inputEmbeddings, logits, loss } = result;
  const tensors: StateDict = new Map([
    ["inputs_embeds", inputEmbeddings],
    ["logits", logits],
  ]);
  if (visionHiddenState) tensors.set("vision.last_hidden_state", visionHiddenState);
  if (visualTokens) tensors.set("abstractor.last_hidden_state", visualTokens);
  if (videoHiddenState) tensors.set("video.vision.last_hidden_state", videoHiddenState);
  if (videoTokens) tensors.set("video.abstractor.last_hidden_state", videoTokens);
  if (loss !== undefined) tensors.set("loss", { dtype: "float32", dims: [1], data: Float32Array.of(loss) });
  return tensors;
}

/** The tokens that follow prompts [rows, new tokens]; ended rows are filled with padding. */
export async function newIds(
  owl: Pick<ProbedModel, "defaults" | "generateIds">,
  prompts: readonly Prompt[],
  generate: object,
): Promise<HostTensor> {
  // As in the reference, the special ids are the model's and the rest is greedy decoding unless said otherwise.
  const { bosTokenId, eosTokenIds, padTokenId } = owl.defaults;
  const defaults = { ...plainSettings, bosTokenId, eosTokenIds, padTokenId };
  const settings = completeSettings(settingsFromJson(generate), defaults);
  const answers = await owl.generateIds(prompts, settings);
  const longest = Math.max(...answers.map(({ ids }) => ids.length));
  // As transformers does where a model has no token for padding.
  const padding = settings.padTokenId < 0 ? (settings.eosTokenIds[0] ?? 0) : settings.padTokenId;
  const rows = answers.flatMap(({ ids }) => [...ids, ...new Array(longest - ids.length).fill(padding)]);
  return int64(rows, [answers.length, longest]);
}

async function promptsOf(
  { ids, pixels, tilePositions, videoPixels, present, pictureStarts }: ProbeInputs,
  config: OwlConfig,
): Promise<Prompt[]> {
  const places = tilePositions && rowsOf(tilePositions, tilePositions.dims[0], 2);
  const images = await eachOf(pixels, (one, i) => {
    const place = places?.[i];
    return mediaFromTile({ pixels: one, ...(place && { position: [place[0], place[1]] }) });
  });
  const videos = await eachOf(videoPixels, (one) => mediaFromPixels(one, videoPixels?.dims[2]));
  return ids.map((row, b) => {
    const kept = row.filter((_, t) => present[b][t]);
    const spans =
      pictureStarts === undefined
        ? spansOfPlaceholders(kept, tokensPerImage(config))
        : pictureStarts[b].map((start) => ({ kind: "image", start, length: 1 }) as const);
    return {
      ids: kept,
      pictures: spans.flatMap(({ kind }) => (kind === "video" ? videos : images).shift() ?? []),
      spans,
    };
  });
}

function eachOf(
  pixels: HostTensor<"float32"> | undefined,
  mediaOf: (pixels: Float32Array, index: number) => Promise<Media>,
): Promise<Media[]> {
  const count = pixels?.dims[0] ?? 0;
  const size = (pixels?.data.length ?? 0) / count;
  const one = (i: number): Promise<Media> => mediaOf(pixels!.data.slice(i * size, (i + 1) * size), i);
  return Promise.all(Array.from({ length: count }, (_, i) => one(i)));
}

function readInputs(tensors: StateDict, prefix: string, config: OwlConfig): ProbeInputs {
  const problems: string[] = [];
  const read = new TensorReader(tensors, prefix, problems);
  const inputs = inputsOf(config, read, problems);
  if (problems.length === 0) return inputs;
  const known = [...new Set([...tensors.keys()].filter((name) => name.endsWith("input_ids")))];
  const hint =
    known.length > 0
      ? `; prefixes in the file: ${known.map((name) => `"${name.slice(0, -9)}"`).join(" ")}`
      : "";
  throw new ProbeError(`probe inputs: ${problems.join("; ")}${hint}`);
}

function inputsOf(config: OwlConfig, read: TensorReader, problems: string[]): ProbeInputs {
  const { placeholder } = generationOf(config);
  if (hyperOf(config) !== undefined) return readBesideText(read, config, problems);
  if (placeholder !== undefined) return readLonePlaceholders(read, config, placeholder, problems);
  return readSpans(read, config, problems);
}

/** Inputs in which each position of a picture or video has a negative id of its own. */
function readSpans(read: TensorReader, config: OwlConfig, problems: string[]): ProbeInputs {
  const ids = read.required("input_ids", 2);
  const [batch = 0, tokens = 0] = ids?.dims ?? [];
  const { imageSize } = config.vision;
  const pixels = read.tensor("pixel_values", [undefined, 3, imageSize, imageSize]);
  const videoPixels = read.tensor("video_pixel_values", [undefined, 3, undefined, imageSize, imageSize]);
  const positions = read.tensor("patch_positions", [pixels?.dims[0], 2]);
  problems.push(...tileProblems(positions, pixels, config));
  const rows = rowsOf(ids, batch, tokens);
  const attention = read.tensor("attention_mask", [batch, tokens]);
  const masks = ["non_padding_mask", "non_media_mask", "prompt_mask"].flatMap((name) => {
    const mask = read.tensor(name, [batch, tokens - 1]);
    return mask === undefined ? [] : [rowsOf(mask, batch, tokens - 1)];
  });
  const of = { perMedium: tokensPerImage(config), rows };
  problems.push(
    ...mediaProblems({ ...of, what: "pictures", kind: "image" }, read.tensor("num_images", [batch]), pixels),
    ...mediaProblems(
      { ...of, what: "videos", kind: "video" },
      read.tensor("num_videos", [batch]),
      videoPixels,
    ),
  );
  if (videoPixels && !config.video) problems.push("video_pixel_values need a model of the video version");
  return {
    ids: rows,
    pixels: pixels as HostTensor<"float32"> | undefined,
    tilePositions: positions as HostTensor<"int64"> | undefined,
    videoPixels: videoPixels as HostTensor<"float32"> | undefined,
    present: attention
      ? rowsOf(attention, batch, tokens).map((row) => row.map(Boolean))
      : rows.map((row) => row.map(() => true)),
    lossMask:
      masks.length === 0
        ? undefined
        : rows.map((row, b) => row.map((_, t) => t > 0 && masks.every((mask) => mask[b][t - 1] !== 0))),
  };
}

/** What is wrong with the places of tiles. */
function tileProblems(
  positions: HostTensor | undefined,
  pixels: HostTensor | undefined,
  { tilePositions: count }: OwlConfig,
): string[] {
  if (count === undefined) {
    return positions ? ["patch_positions need a model that reads pictures in tiles"] : [];
  }
  if (positions === undefined) return pixels ? ["patch_positions must be there with pixel_values"] : [];
  const wrong = Array.from<number | bigint, number>(positions.data, Number).find(
    (at) => at < 0 || at >= count,
  );
  return wrong === undefined ? [] : [`patch_positions must be rows and columns below ${count}, got ${wrong}`];
}

/** One kind of media, and the rows of ids in whose spans it stands. */
interface MediaInputs {
  readonly what: "pictures" | "videos";
  readonly rows: readonly number[][];
  readonly perMedium: number;
  readonly kind: MediaKind;
}

function mediaProblems(
  { what, rows, perMedium, kind }: MediaInputs,
  counts: HostTensor | undefined,
  pixels: HostTensor | undefined,
): string[] {
  const positions = rows.map((row) =>
    positionCount(spansOfPlaceholders(row).filter((span) => span.kind === kind)),
  );
  const found = positions.map((count) => count / perMedium);
  const problems = found.flatMap((count, row) => {
    const stated = counts === undefined ? count : Number(counts.data[row]);
    return Number.isInteger(count) && count === stated
      ? []
      : [
          `row ${row} must have ${perMedium} negative ids for each of its ${stated} ${what}, got ${positions[row]}`,
        ];
  });
  const given = pixels?.dims[0] ?? 0;
  const total = found.reduce((sum, count) => sum + count, 0);
  if (problems.length === 0 && total !== given) {
    const name = what === "pictures" ? "pixel_values" : "video_pixel_values";
    problems.push(`${name} must hold the ${total} ${what} that input_ids has positions for, got ${given}`);
  }
  return problems;
}
