import { gradients } from "../autodiff/index.ts";
import type { Adapter, StateDict } from "../checkpoint/index.ts";
import type { LoadedModel } from "../inference/index.ts";
import {
  type ForwardOutput,
  hyperOf,
  lossFeeds,
  type OwlConfig,
  type OwlSizes,
  pictureFeeds,
  readsTiles,
  type Stage,
  stageScopeOptions,
  stages,
  tokenFeeds,
  tokensPerImage,
  traceForward,
  traceLoss,
  trainedParameters,
} from "../model/index.ts";
import { compileWithWeights, type Device, type StoredParameters } from "../runtime/index.ts";
import { type Graph, type HostTensor, placeholdersOf, rootScope } from "../tensor/index.ts";
import { adapterScopeOptions, publishedName, tracedName } from "./adapter-scope.ts";

/** A batch for one pass through the whole model: rows of one length. */
export interface ModelInputs {
  /** Token ids; −1 at the positions of pictures and −2 at those of videos, queries + 1 of them each. */
  readonly ids: readonly (readonly number[])[];
  /** All rows' pictures (or the tiles that they are read in) in reading order, float32 [images, 3, imageSize, imageSize]. */
  readonly pixels?: HostTensor<"float32"> | undefined;
  /** Row and column of each tile, of a model that reads pictures in tiles: int64 [images, 2]. */
  readonly tilePositions?: HostTensor<"int64"> | undefined;
  /** All rows' videos in reading order, float32 [videos, 3, frames, imageSize, imageSize]. */
  readonly videoPixels?: HostTensor<"float32"> | undefined;
  /** Of models whose pictures stand beside the text: where the markers of each row's pictures begin. Absent: there are none. */
  readonly pictureStarts?: readonly (readonly number[])[] | undefined;
  /** For every id whether its prediction counts in the loss; the first id of a row is never predicted. */
  readonly lossMask?: readonly (readonly boolean[])[] | undefined;
  /** Former name of `lossMask`, still accepted. */
  readonly counted?: readonly (readonly boolean[])[] | undefined;
}

/** The results of a forward pass, all float32. */
export interface ForwardResult {
  /** The vision encoder's last hidden state [images, vision tokens, hidden]. */
  readonly visionHiddenState?: HostTensor;
  /** The pictures' tokens in the language model's width [images, queries + 1, hidden]. */
  readonly visualTokens?: HostTensor;
  /** The vision encoder's last hidden state of videos [videos, frames, vision tokens, hidden]. */
  readonly videoHiddenState?: HostTensor;
  /** The videos' tokens in the language model's width [videos, queries + 1, hidden]. */
  readonly videoTokens?: HostTensor;
  /** Text embeddings with the pictures' tokens in their places [batch, tokens, hidden]. */
  readonly inputEmbeddings: HostTensor;
  /** After the language model's last normalisation [batch, tokens, hidden]. */
  readonly hiddenState: HostTensor;
  /** [batch, tokens, vocabulary] */
  readonly logits: HostTensor;
  /** Mean next-token loss over the loss mask, where one was given; 0 where it is empty. */
  readonly loss?: number;
  /** Rows in which no id counts. */
  readonly rowsWithoutLoss?: readonly number[];
}

/** The loss of a batch and its gradients by the parameters that a stage trains. */
export interface GradientResult {
  readonly loss: number;
  /** By published name (a LoRA's by PEFT's), one for each parameter that the stage trains and the batch uses. */
  readonly gradients: StateDict;
  /** Rows in which no id counts. */
  readonly rowsWithoutLoss: readonly number[];
}

const published: Readonly<Record<string, ForwardOutput>> = {
  visionHiddenState: "vision.last_hidden_state",
  visualTokens: "abstractor.last_hidden_state",
  videoHiddenState: "video.vision.last_hidden_state",
  videoTokens: "video.abstractor.last_hidden_state",
  inputEmbeddings: "inputs_embeds",
  hiddenState: "hidden",
  logits: "logits",
};

/** One forward pass of the whole model over whole rows, without a KV cache. */
export async function forward(model: LoadedModel, inputs: ModelInputs): Promise<ForwardResult> {
  const { config, parameters, device, stored } = model;
  const lossMask = lossMaskOf(inputs);
  const loss = lossMask && lossFeeds(inputs.ids, lossMask);
  const wanted: ForwardOutput[] = [...Object.values(published), ...(loss ? (["loss"] as const) : [])];
  const graph = traceForward(config, sizesOf(inputs), wanted, model.newScope());
  const feeds = { ...inputFeeds(config, inputs), ...loss?.feeds };
  const results = await runOnce(device, graph, parameters, feeds, stored);
  const named = Object.entries(published).filter(([, name]) => name in results);
  const tensors = Object.fromEntries(named.map(([key, name]) => [key, results[name]]));
  return {
    ...(tensors as Pick<ForwardResult, "inputEmbeddings" | "hiddenState" | "logits">),
    ...(loss && { loss: Number(results.loss.data[0]), rowsWithoutLoss: loss.rowsWithoutLabels }),
  };
}

/**
 * The loss of `inputs` (which say what counts) and its gradient by every parameter that a stage trains. Stages
 * with a LoRA need its values: `adapter`.
 *
 * @throws RangeError where `lossMask` or the adapter is missing
 */
export async function stageGradients(
  config: OwlConfig,
  parameters: StateDict,
  inputs: ModelInputs,
  stage: Stage,
  adapter: Adapter | undefined,
  device: Device,
): Promise<GradientResult> {
  if (config.quantization !== undefined) {
    throw new RangeError(
      "gradients: the weights must be in floating point, got quantised ones; load the checkpoint they were converted from",
    );
  }
  const lossMask = lossMaskOf(inputs);
  if (lossMask === undefined) {
    throw new RangeError("gradients: the inputs must say which ids count in the loss, got no lossMask");
  }
  if (stages[stage].lora && adapter === undefined) {
    throw new RangeError(`gradients: stage ${stage} trains a LoRA, got none; load the model with an adapter`);
  }
  const scope = rootScope(adapter ? adapterScopeOptions(config, stage, adapter) : stageScopeOptions(stage));
  const { loss } = traceLoss(config, sizesOf(inputs), scope);
  const trained = [...trainedParameters(scope)];
  const found = gradients(
    loss,
    trained.map(([, tensor]) => tensor),
  );
  const graph: Graph = {
    name: `gradients of stage ${stage}`,
    outputs: { loss, ...Object.fromEntries(trained.map(([name], i) => [`grad.${name}`, found[i]])) },
  };
  const { feeds, rowsWithoutLabels } = lossFeeds(inputs.ids, lossMask);
  const values: StateDict = new Map([...parameters, ...(adapter?.replaced ?? []), ...loraValues(adapter)]);
  const results = await runOnce(device, graph, values, { ...inputFeeds(config, inputs), ...feeds });
  return {
    loss: Number(results.loss.data[0]),
    gradients: new Map(trained.map(([name]) => [publishedName(config, name), results[`grad.${name}`]])),
    rowsWithoutLoss: rowsWithoutLabels,
  };
}

/**
 * The loss mask of inputs, also under its former name.
 * @throws RangeError where both are given
 */
function lossMaskOf({ lossMask, counted }: ModelInputs): ModelInputs["lossMask"] {
  if (lossMask !== undefined && counted !== undefined) {
    throw new RangeError(
      "inputs: must have lossMask or its former name counted, got both; leave counted out",
    );
  }
  return lossMask ?? counted;
}

/** A LoRA's matrices by the names the model asks for. */
function loraValues(adapter: Adapter | undefined): [string, HostTensor][] {
  return [...(adapter?.lora ?? [])].map(([name, value]) => [tracedName(name), value]);
}

function sizesOf({ ids, pixels, videoPixels, pictureStarts }: ModelInputs): Omit<OwlSizes, "lossRows"> {
  const videos = videoPixels && { count: videoPixels.dims[0], frames: videoPixels.dims[2] };
  const picturesPerRow = pictureStarts && roomFor(pictureStarts);
  const images = pixels?.dims[0] ?? 0;
  return { batch: ids.length, tokens: ids[0]?.length ?? 0, images, videos, picturesPerRow };
}

/** Pictures of the row that has the most. */
function roomFor(starts: readonly (readonly number[])[]): number {
  return Math.max(0, ...starts.map(({ length }) => length));
}

function inputFeeds(
  config: OwlConfig,
  { ids, pixels, tilePositions, videoPixels, pictureStarts = [] }: ModelInputs,
): Record<string, HostTensor> {
  if (readsTiles(config) && pixels && tilePositions === undefined) {
    throw new RangeError("inputs: must say where each tile lies (tilePositions), got pixels alone");
  }
  const hyper = hyperOf(config);
  if (hyper !== undefined) {
    const perPicture = tokensPerImage(config);
    const places = { starts: pictureStarts, perPicture, visual: roomFor(pictureStarts) * perPicture };
    return {
      input_ids: tokenFeeds(ids, 0).input_ids,
      ...(pixels && { pixel_values: pixels, ...pictureFeeds(hyper, places, ids[0].length) }),
    };
  }
  const rowsOf = (media: HostTensor | undefined): number => (media?.dims[0] ?? 0) * tokensPerImage(config);
  return {
    ...tokenFeeds(ids, { images: rowsOf(pixels), videos: rowsOf(videoPixels) }),
    ...(pixels && { pixel_values: pixels }),
    ...(tilePositions && { patch_positions: tilePositions }),
    ...(videoPixels && { video_pixel_values: videoPixels }),
  };
}

async function runOnce(
  device: Device,
  graph: Graph,
  parameters: StateDict,
  feeds: Record<string, HostTensor>,
  stored?: StoredParameters,
): Promise<Record<string, HostTensor>> {
  const leaves = placeholdersOf(graph);
  const unstored = [...leaves.parameters.keys()].filter((name) => !stored?.places.has(name));
  const asked = unstored.map((name) => {
    const value = parameters.get(name);
    if (value === undefined) throw new RangeError(`${graph.name}: needs the parameter ${name}, got none`);
    return [name, value] as const;
  });
  const given = Object.entries(feeds).filter(([name]) => leaves.inputs.has(name));
  const made = await compileWithWeights(device, graph, Object.fromEntries(asked), stored);
  const { program } = made;
  try {
    return await program.run({ ...made.parameters, ...Object.fromEntries(given) });
  } finally {
    program.dispose();
  }
}
