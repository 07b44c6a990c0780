import {
  concat,
  dim,
  type Graph,
  gather,
  input,
  mergedDim,
  reshape,
  type Scope,
  scatterNd,
  type Tensor,
  transpose,
} from "../tensor/index.ts";
import { picturesOfWholeSequence } from "./language/pictures-of-whole-sequence.ts";
import {
  type PackedInputs,
  packedInputs,
  type SequenceSizes,
  wholeSequenceAttention,
} from "./language/whole-sequence-attention.ts";
import {
  decoderLayers,
  embedTokens,
  finalNorm,
  type LayerInputs,
  languageHead,
  nextTokenLoss,
} from "./language-model.ts";
import type { OwlConfig } from "./owl-config.ts";
import { projectPatches } from "./projector.ts";
import { modelScope } from "./quantization.ts";
import { visionEncoder } from "./vision-encoder.ts";
import { tokensPerImage, videoAbstractor, visualAbstractor } from "./visual-abstractor.ts";

/** Sizes of the videos of a batch, all of them equally long. */
export interface VideoSizes {
  readonly count: number;
  /** Frames a video. */
  readonly frames: number;
}

/** Sizes of a batch that are known when the graph is built. */
export interface OwlSizes {
  readonly batch: number;
  readonly tokens: number;
  /** Pictures in the whole batch; 0, and no videos, traces the language model alone. */
  readonly images: number;
  /** Videos in the whole batch; absent: none. */
  readonly videos?: VideoSizes | undefined;
  /** Pictures a row has room for, where they stand beside the text; absent: none of the rows has any. */
  readonly picturesPerRow?: number | undefined;
  /**
   * How many hidden rows the head is computed for, where that is fewer than all: they are named by the input
   * `loss_rows`. Absent: all of them, in order.
   */
  readonly lossRows?: number | undefined;
  /** Whether a row holds several samples, which do not see each other; see `packedFeeds`. */
  readonly packed?: boolean | undefined;
}

/** The input of normalised pixels: `pixel_values` [images, 3, imageSize, imageSize]. */
export function pixelInput(config: Pick<OwlConfig, "vision">, images?: number): Tensor {
  const side = dim("imageSize", config.vision.imageSize);
  return input("pixel_values", "float32", [dim("images", images), dim("channels", 3), side, side]);
}

/** The input of normalised videos: `video_pixel_values` [videos, 3, frames, imageSize, imageSize]. */
export function videoInput(config: OwlConfig, frames: number, videos?: number): Tensor {
  const side = dim("imageSize", config.vision.imageSize);
  const shape = [dim("videos", videos), dim("channels", 3), dim("frames", frames), side, side];
  return input("video_pixel_values", "float32", shape);
}

/** What vision encoder and abstractor make of images or of videos. */
interface EncodedMedia {
  /** The vision encoder's last hidden state [images, vision tokens, hidden]; of videos frame by frame. */
  readonly vision: Tensor;
  /** The tokens that stand in the text [images, queries + 1, language hidden]. */
  readonly tokens: Tensor;
}

/**
 * Vision encoder and abstractor on images.
 *
 * @param pixels as `pixelInput`
 */
export function encodeImages(scope: Scope, pixels: Tensor, config: OwlConfig): EncodedMedia {
  const vision = visionEncoder(scope.at("vision_model"), pixels, config.vision).lastHiddenState;
  if (config.projector !== undefined) return { vision, tokens: projectPatches(scope, vision, config) };
  return { vision, tokens: visualAbstractor(scope, vision, config).lastHiddenState };
}

/**
 * Vision encoder with temporal modules, and abstractor, on videos.
 *
 * @param pixels as `videoInput`
 * @throws TypeError where the model is not of the video version
 */
export function encodeVideos(scope: Scope, pixels: Tensor, config: OwlConfig): EncodedMedia {
  if (!config.video) throw new TypeError("model: must be of the video version to take videos; give pictures");
  const [videos, channels, { size: frames }, height, width] = pixels.shape;
  const one = transpose(pixels, [0, 2, 1, 3, 4]);
  const images = reshape(one, [mergedDim(videos, pixels.shape[2]), channels, height, width]);
  const vision = visionEncoder(scope.at("vision_model"), images, config.vision, frames!).lastHiddenState;
  return { vision, tokens: videoAbstractor(scope, vision, config, frames!).lastHiddenState };
}

/**
 * Puts the pictures' tokens into the text embeddings: row r of all pictures' tokens goes to
 * position `visual_positions[r]` = (row of the batch, position). Which positions are a picture's is the
 * caller's knowledge, so pictures may touch each other.
 *
 * @param embeddings [batch, tokens, hidden]
 * @param visual [images, queries + 1, hidden] or already [visual, hidden]
 * @param positions int64 [visual, 2]
 */
export function splice(embeddings: Tensor, visual: Tensor, positions: Tensor): Tensor {
  const hidden = embeddings.shape[2];
  return scatterNd(embeddings, positions, reshape(visual, [positions.shape[0], hidden]));
}

/** The symbolic values of a forward pass, from pixels to embeddings. */
interface Embedded {
  readonly pictures?: EncodedMedia | undefined;
  readonly videos?: EncodedMedia | undefined;
  readonly embeddings: Tensor;
  /** Where the visual tokens stand; absent: the batch is text alone. */
  readonly visualPositions?: Tensor | undefined;
  /** What layers see of pictures that stand beside the text; absent: there are none. */
  readonly beside?: LayerInputs["pictures"];
}

function embed(
  scope: Scope,
  config: OwlConfig,
  sizes: OwlSizes,
  packed: PackedInputs | undefined,
  given?: Tensor,
): Embedded {
  const { batch, tokens, images, videos: clips } = sizes;
  const ids = input("input_ids", "int64", [dim("batch", batch), dim("tokens", tokens)]);
  const text = embedTokens(scope.at("language_model"), ids, config.language);
  if (config.projector !== undefined) return besideText(scope, config, { ...sizes, packed }, text);
  if (given !== undefined) return spliced(scope, text, [rowsOf(given)]);
  const pictures = images > 0 ? encodeImages(scope, pixelInput(config, images), config) : undefined;
  const videos =
    clips && clips.count > 0
      ? encodeVideos(scope, videoInput(config, clips.frames, clips.count), config)
      : undefined;
  const visual = [pictures, videos].flatMap((encoded) =>
    encoded ? [rowsOf(scope.boundary(encoded.tokens))] : [],
  );
  if (visual.length === 0) return { embeddings: scope.boundary(text) };
  return { pictures, videos, ...spliced(scope, text, visual) };
}

/** Pictures that take no positions: `picture_rows` int64 [batch, visual] names the visual tokens of each row. */
function besideText(
  scope: Scope,
  config: OwlConfig,
  sizes: Omit<OwlSizes, "packed"> & SequenceSizes,
  text: Tensor,
): Embedded {
  const embeddings = scope.boundary(text);
  const { batch, tokens, images, packed, picturesPerRow = 0 } = sizes;
  if (images === 0 || picturesPerRow === 0) return { embeddings };
  const pictures = encodeImages(scope, pixelInput(config, images), config);
  const visual = picturesPerRow * tokensPerImage(config);
  const rows = input("picture_rows", "int64", [dim("batch", batch), dim("visual", visual)]);
  const ofRows = gather(rowsOf(scope.boundary(pictures.tokens)), rows);
  const beside = picturesOfWholeSequence(config.language, { batch, tokens, packed, visual }, ofRows);
  return { pictures, embeddings, beside };
}

/** The text with visual tokens [rows, hidden] at the input `visual_positions`. */
function spliced(scope: Scope, text: Tensor, visual: readonly Tensor[]): Embedded {
  const all = visual.length === 1 ? visual[0] : concat(visual, 0, "visual");
  const visualPositions = input("visual_positions", "int64", [all.shape[0], dim("depth", 2)]);
  return { embeddings: scope.boundary(splice(text, all, visualPositions)), visualPositions };
}

/** [images, tokens, width] as [images · tokens, width]. */
function rowsOf(x: Tensor): Tensor {
  return reshape(x, [mergedDim(x.shape[0], x.shape[1]), x.shape[2]]);
}

/** Keeps the rows that count of [batch, tokens, width]: all of them, or those the input `loss_rows` names. */
function rowSelector(sizes: OwlSizes): (x: Tensor) => Tensor {
  const all = dim("rows", sizes.batch * sizes.tokens);
  const flat = (x: Tensor): Tensor => reshape(x, [all, x.shape[2]]);
  if (sizes.lossRows === undefined || sizes.lossRows === all.size) return flat;
  const rows = input("loss_rows", "int64", [dim("lossRows", sizes.lossRows)]);
  return (x) => gather(flat(x), rows);
}

function lossOf(logits: Tensor): Tensor {
  const rows = logits.shape[0];
  return nextTokenLoss(logits, input("labels", "int64", [rows]), input("loss_weights", "float32", [rows]));
}

/** The results of `traceLoss`. */
export interface TracedLoss {
  /** float32 scalar: Σ loss_weights · −log p(label). */
  readonly loss: Tensor;
  /** [rows, vocabulary], a row a loss row. */
  readonly logits: Tensor;
}

/**
 * The masked next-token loss of the whole model, ready to be differentiated. Inputs: `input_ids` int64
 * [batch, tokens] (any valid id at picture positions), `pixel_values`, `video_pixel_values`, `visual_positions`
 * int64 [(images + videos) · (queries + 1), 2] (the pictures', then the videos'), `labels` int64 [rows],
 * `loss_weights` float32 [rows] and, with `sizes.lossRows`, `loss_rows` int64 [rows], indices into
 * batch · tokens; `tokenFeeds` and `lossFeeds` make them, with `sizes.packed` those of `packedFeeds` beside them.
 *
 * @param scope a root scope; after the call it knows every parameter the loss depends on
 * @param visual tokens [images, queries + 1, language hidden] that stand in the text in place of encoded pictures
 */
export function traceLoss(config: OwlConfig, sizes: OwlSizes, scope: Scope, visual?: Tensor): TracedLoss {
  const packed = packedInputs(sizes);
  const { embeddings, visualPositions, beside } = embed(scope, config, sizes, packed, visual);
  const language = scope.at("language_model");
  const attention = wholeSequenceAttention(config.language, { ...sizes, packed });
  const picked = decoderLayers(language, embeddings, config.language, {
    attention,
    visualPositions,
    pictures: beside,
    selectRows: rowSelector(sizes),
  });
  const logits = languageHead(language, finalNorm(language, picked, config.language), config.language);
  return { loss: lossOf(logits), logits };
}

/** What a forward pass can return. */
export type ForwardOutput =
  | "vision.last_hidden_state"
  | "abstractor.last_hidden_state"
  | "video.vision.last_hidden_state"
  | "video.abstractor.last_hidden_state"
  | "inputs_embeds"
  | "hidden"
  | "logits"
  | "loss";

/**
 * A forward pass over whole sequences of known sizes: any of the vision encoder's states [images, vision tokens,
 * hidden], the pictures' tokens [images, queries + 1, hidden], the spliced embeddings and the final hidden
 * states [batch, tokens, hidden], the logits [batch, tokens, vocabulary], and the loss (inputs as `traceLoss`).
 * Of videos the states are [videos, frames, vision tokens, hidden]. Outputs of pictures (videos) are left out where
 * there are none.
 */
export function traceForward(
  config: OwlConfig,
  sizes: Omit<OwlSizes, "lossRows">,
  wanted: readonly ForwardOutput[],
  scope: Scope = modelScope(config),
): Graph {
  const packed = packedInputs(sizes);
  const { pictures, videos, embeddings, visualPositions, beside } = embed(scope, config, sizes, packed);
  const language = scope.at("language_model");
  const attention = wholeSequenceAttention(config.language, { ...sizes, packed });
  const around = { attention, visualPositions, pictures: beside };
  const decoded = decoderLayers(language, embeddings, config.language, around);
  const hidden = finalNorm(language, decoded, config.language);
  const logits = languageHead(language, hidden, config.language);
  const outputs: Partial<Record<ForwardOutput, Tensor | undefined>> = {
    "vision.last_hidden_state": pictures?.vision,
    "abstractor.last_hidden_state": pictures?.tokens,
    "video.vision.last_hidden_state": videos && byVideo(videos.vision, sizes.videos),
    "video.abstractor.last_hidden_state": videos?.tokens,
    inputs_embeds: embeddings,
    hidden,
    logits,
  };
  if (wanted.includes("loss")) {
    const rows = mergedDim(logits.shape[0], logits.shape[1]);
    outputs.loss = lossOf(reshape(logits, [rows, logits.shape[2]]));
  }
  const chosen = wanted.flatMap((name) => {
    const tensor = outputs[name];
    return tensor === undefined ? [] : [[name, tensor] as const];
  });
  return { name: "forward", outputs: Object.fromEntries(chosen) };
}

/** [videos · frames, vision tokens, hidden] as [videos, frames, vision tokens, hidden]. */
function byVideo(vision: Tensor, sizes: VideoSizes | undefined): Tensor {
  const { count, frames } = sizes!;
  return reshape(vision, [dim("videos", count), dim("frames", frames), ...vision.shape.slice(1)]);
}
