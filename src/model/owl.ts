import {
  dim,
  type Graph,
  gather,
  input,
  mergedDim,
  reshape,
  rootScope,
  type Scope,
  scatterNd,
  type Tensor,
} from "../tensor/index.ts";
import type { OwlConfig } from "./config.ts";
import {
  decoderLayers,
  embedTokens,
  finalNorm,
  languageHead,
  nextTokenLoss,
  wholeSequenceAttention,
} from "./language-model.ts";
import { visionEncoder } from "./vision-encoder.ts";
import { visualAbstractor } from "./visual-abstractor.ts";

/** Sizes of a batch that are known when the graph is built. */
export interface OwlSizes {
  readonly batch: number;
  readonly tokens: number;
  /** Pictures in the whole batch; 0 traces the language model alone. */
  readonly images: number;
  /**
   * How many hidden rows the head is computed for, where that is fewer than all: they are named by the input
   * `loss_rows`. Absent: all of them, in order.
   */
  readonly lossRows?: number | undefined;
}

/** The input of normalised pixels: `pixel_values` [images, 3, imageSize, imageSize]. */
export function pixelInput(config: OwlConfig, images?: number): Tensor {
  const side = dim("imageSize", config.vision.imageSize);
  return input("pixel_values", "float32", [dim("images", images), dim("channels", 3), side, side]);
}

/**
 * Puts the pictures' tokens into the text embeddings: row r of all pictures' tokens, in reading order, goes to
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
  readonly vision?: Tensor;
  readonly abstractor?: Tensor;
  readonly embeddings: Tensor;
}

function embed(scope: Scope, config: OwlConfig, sizes: OwlSizes): Embedded {
  const ids = input("input_ids", "int64", [dim("batch", sizes.batch), dim("tokens", sizes.tokens)]);
  const text = embedTokens(scope.at("language_model"), ids, config.language);
  if (sizes.images === 0) return { embeddings: text };
  const pixels = pixelInput(config, sizes.images);
  const vision = visionEncoder(scope.at("vision_model"), pixels, config.vision).lastHiddenState;
  const abstractor = visualAbstractor(scope, vision, config).lastHiddenState;
  const rows = mergedDim(abstractor.shape[0], abstractor.shape[1]);
  const positions = input("visual_positions", "int64", [rows, dim("depth", 2)]);
  return { vision, abstractor, embeddings: splice(text, abstractor, positions) };
}

/** Keeps the rows that count of [batch, tokens, width]: all of them, or those the input `loss_rows` names. */
function rowPicker(sizes: OwlSizes): (x: Tensor) => Tensor {
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
 * [batch, tokens] (any valid id at picture positions), `pixel_values`, `visual_positions` int64
 * [images · (queries + 1), 2], `labels` int64 [rows], `loss_weights` float32 [rows] and, with
 * `sizes.lossRows`, `loss_rows` int64 [rows], indices into batch · tokens; `tokenFeeds` and
 * `lossFeeds` make them.
 *
 * @param scope a root scope; after the call it knows every parameter the loss depends on
 */
export function traceLoss(config: OwlConfig, sizes: OwlSizes, scope: Scope): TracedLoss {
  const { embeddings } = embed(scope, config, sizes);
  const language = scope.at("language_model");
  const attend = wholeSequenceAttention(config.language, sizes.batch, sizes.tokens);
  const picked = decoderLayers(language, embeddings, attend, config.language, rowPicker(sizes));
  const logits = languageHead(language, finalNorm(language, picked, config.language), config.language);
  return { loss: lossOf(logits), logits };
}

/** What a forward pass can return. */
export type ForwardOutput =
  | "vision.last_hidden_state"
  | "abstractor.last_hidden_state"
  | "inputs_embeds"
  | "hidden"
  | "logits"
  | "loss";

/**
 * A forward pass over whole sequences of known sizes: any of the vision encoder's patches [images, patches + 1,
 * hidden], the pictures' tokens [images, queries + 1, hidden], the spliced embeddings and the final hidden
 * states [batch, tokens, hidden], the logits [batch, tokens, vocabulary], and the loss (inputs as `traceLoss`).
 * Outputs of pictures are left out where `sizes.images` is 0.
 */
export function traceForward(
  config: OwlConfig,
  sizes: Omit<OwlSizes, "lossRows">,
  wanted: readonly ForwardOutput[],
  scope: Scope = rootScope(),
): Graph {
  const { vision, abstractor, embeddings } = embed(scope, config, sizes);
  const language = scope.at("language_model");
  const attend = wholeSequenceAttention(config.language, sizes.batch, sizes.tokens);
  const decoded = decoderLayers(language, embeddings, attend, config.language);
  const hidden = finalNorm(language, decoded, config.language);
  const logits = languageHead(language, hidden, config.language);
  const outputs: Partial<Record<ForwardOutput, Tensor | undefined>> = {
    "vision.last_hidden_state": vision,
    "abstractor.last_hidden_state": abstractor,
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
