import type { Dim, Scope, Tensor } from "../../tensor/index.ts";
import type { OnProblem, SizeFromTensor } from "../config-reading.ts";
import type { RotarySettings } from "./rotary.ts";

/** What every decoder-only language model here has. */
export interface DecoderConfig {
  /** The row of the table of families: `model_type` in config.json. */
  readonly family: string;
  readonly hidden: number;
  readonly layers: number;
  readonly heads: number;
  /** Heads of keys and values; fewer than `heads` means grouped-query attention. */
  readonly keyValueHeads: number;
  readonly headDim: number;
  /** Width inside the MLP. */
  readonly intermediate: number;
  readonly vocabulary: number;
  /** Of every normalisation. */
  readonly epsilon: number;
  /** Longest sequence. */
  readonly maxPositions: number;
  /** Whether the head uses the embedding table. */
  readonly tiedEmbeddings: boolean;
  readonly bosId: number;
  readonly eosId: number;
  /** More tokens that end an answer, where config.json names several; absent: none. */
  readonly otherEosIds?: readonly number[];
  readonly padId: number;
  /** Standard deviation of fresh weights. */
  readonly initializerRange: number;
}

/** How attention tells positions apart. */
export type PositionEncoding =
  /** Queries and keys are rotated by angles that grow with the position (arXiv 2104.09864). */
  | { readonly kind: "rotary"; readonly settings: RotarySettings }
  /** A bias on the scores that grows with the distance (arXiv 2108.12409). */
  | { readonly kind: "alibi" }
  /** It does not, but for seeing only what came before. */
  | { readonly kind: "none" };

/** How the attention of a layer differs from that of others. */
export interface LayerAttentionSettings {
  readonly positions: PositionEncoding;
  /** Factor on the scores. */
  readonly scale: number;
  /** How many tokens a token sees, itself among them; absent: all before it. */
  readonly window?: number;
  /** Scores s become cap · tanh(s / cap), before the softmax. */
  readonly cap?: number;
}

/**
 * Attention as a family calls it: takes query [batch, tokens, heads · headDim], key and value [batch, tokens,
 * keyValueHeads · headDim], before any position encoding, and returns the context in the query's shape.
 */
export type AttentionFunction = (query: Tensor, key: Tensor, value: Tensor) => Tensor;

/** The pictures' tokens among those of a batch. */
export interface VisualTokens {
  /** Where each stands: int64 [visual, 2] = (row of the batch, position). One that is named twice is the same both times. */
  readonly positions: Tensor;
  /** 1 at a picture's token and 0 elsewhere: float32 [batch, tokens, 1]. */
  readonly indicator: Tensor;
}

/** Makes a layer's keys and values, before any position, of pictures' tokens [rows, visual, hidden]. */
export type PictureProjection = (tokens: Tensor) => KeysValues;

/** [rows, tokens, keyValueHeads · headDim] each. */
export interface KeysValues {
  readonly key: Tensor;
  readonly value: Tensor;
}

/**
 * What a layer sees of pictures that stand beside the text. The projection is asked for only where their keys and values are not
 * kept from before.
 */
export interface LayerPictures {
  /** Attention over the pictures that a token sees and nothing else, in the query's shape; where it sees none it is without meaning. */
  over(query: Tensor, project: PictureProjection): Tensor;
  /** One softmax over the pictures that a token sees and the text up to it. */
  withText(query: Tensor, text: KeysValues, project: PictureProjection): Tensor;
  /** 1 where a token sees a picture and 0 elsewhere: float32 [batch, tokens, 1]. */
  seen(tokens: Dim): Tensor;
}

/** What the first half of a layer works with beside its input. */
export interface LayerSurroundings {
  readonly attend: AttentionFunction;
  /** Absent: there are none beside the text, or the layer does not look at them. */
  readonly pictures?: LayerPictures | undefined;
  /** Absent: the batch is text alone. */
  readonly visual?: VisualTokens | undefined;
}

/** What the second half of a layer gets of the first, for all tokens or a selection of them. */
export interface LayerRows {
  /** What came into the layer [..., hidden]. */
  readonly x: Tensor;
  /** Of its attention, in the query's shape. */
  readonly context: Tensor;
  /** As in {@link VisualTokens}, [..., 1]; absent: the batch is text alone. */
  readonly indicator?: Tensor | undefined;
}

/**
 * Everything in which one family of language models differs from another. A new family is one file with such an
 * object, and its row in the table `families`.
 */
export interface LanguageFamily<C extends DecoderConfig = DecoderConfig> {
  /** The name that people know it by. */
  readonly title: string;
  /**
   * Reads a model's own config.json or an owl's `text_config`.
   *
   * @param onProblem is told every key that is wrong or asks for what is not supported
   * @returns undefined where the config cannot be made up; problems may be reported beside a config, too
   */
  readConfig(json: Record<string, unknown>, onProblem: OnProblem): C | undefined;
  /** The published form of a config; `readConfig` of it gives the same config. */
  configJson(config: C): Record<string, unknown>;
  /** Sizes that config.json may leave out because tensors show them; the tensors' names begin at `language_model`. */
  readonly sizes: readonly SizeFromTensor[];
  /** Modules of the published tensor names. */
  readonly names: {
    /** Holds all parameters but the head's. */
    readonly body: string;
    /** The embedding table, within the body. */
    readonly embeddings: string;
    /** Holds the decoder layers by number, within the body. */
    readonly layers: string;
  };
  /** The attention of a layer; layers that differ in nothing may share the object of their positions' settings. */
  layerAttention(config: C, layer: number): LayerAttentionSettings;
  /**
   * What is done to token embeddings [batch, tokens, hidden] before the first layer. Pictures are put in behind it.
   *
   * @param body the scope of `names.body`
   */
  prepareEmbeddings(body: Scope, embeddings: Tensor, config: C): Tensor;
  /** What is done to embeddings [batch, tokens, hidden], pictures' too, on their way into the first layer. */
  enterLayers(x: Tensor, config: C): Tensor;
  /**
   * A decoder layer up to the context of its attention, in the query's shape.
   *
   * @param x [batch, tokens, hidden]
   */
  attention(layer: Scope, x: Tensor, around: LayerSurroundings, config: C): Tensor;
  /**
   * A layer's keys and values of the tokens of pictures beside the text [rows, visual, hidden], before any position; absent: no
   * layer looks at such.
   */
  pictureKeysValues?(layer: Scope, tokens: Tensor, config: C): KeysValues;
  /**
   * The rest of a decoder layer: the context's projection, the MLP and both residual sums. Tokens are independent of
   * each other here, so that they may be a selection.
   */
  postAttention(layer: Scope, rows: LayerRows, config: C): Tensor;
  /** The normalisation behind the last layer. */
  finalNorm(body: Scope, x: Tensor, config: C): Tensor;
  /** What is done to the head's product [..., vocabulary]. */
  finishLogits(logits: Tensor, config: C): Tensor;
  /** The linear layers that get a LoRA by default, by the last part of their names. */
  readonly loraTargets: readonly string[];
}
