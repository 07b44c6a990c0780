import type { Scope, Tensor } from "../../tensor/index.ts";
import type { OnProblem, SizeFromTensor } from "../config-reading.ts";

/** What every vision tower here has. */
export interface TowerConfig {
  /** The row of the table of towers. */
  readonly tower: string;
  readonly hidden: number;
  readonly layers: number;
  readonly heads: number;
  /** Width inside the MLP. */
  readonly intermediate: number;
  /** Height and width of a picture in pixels. */
  readonly imageSize: number;
  /** Height and width of a patch in pixels. */
  readonly patchSize: number;
  /** Of every layer normalisation. */
  readonly epsilon: number;
  /** Standard deviation of fresh weights. */
  readonly initializerRange: number;
}

/**
 * Everything in which one vision tower differs from another. A new tower is one file with such an object, and its row
 * in the table `towers`.
 */
export interface VisionTower<C extends TowerConfig = TowerConfig> {
  /** The name that people know it by. */
  readonly title: string;
  /** `model_type` of an owl's `vision_config`. */
  readonly modelType: string;
  /**
   * Reads an owl's `vision_config`.
   *
   * @param onProblem is told every key that is wrong or asks for what is not supported
   * @returns undefined where the config cannot be made up; problems may be reported beside a config, too
   */
  readConfig(json: Record<string, unknown>, onProblem: OnProblem): C | undefined;
  /** The content of an owl's `vision_config`; `readConfig` of it gives the same config. */
  configJson(config: C): Record<string, unknown>;
  /** Sizes that config.json may leave out because tensors show them; the tensors' names begin at `vision_model`. */
  readonly sizes: readonly SizeFromTensor[];
  /** The module that holds the layers by number. */
  readonly layers: string;
  /** Tokens in front of the patches: a class token, registers, or none. */
  prefixTokens(config: C): number;
  /**
   * Patch and position embeddings, up to what the first layer reads.
   *
   * @param scope at `vision_model`
   * @param pixels float32 [images, 3, imageSize, imageSize], normalised; `images` may be symbolic
   * @returns [images, prefixTokens + patches, hidden]
   */
  embed(scope: Scope, pixels: Tensor, config: C): Tensor;
  /** One layer on [images, prefixTokens + patches, hidden]. */
  layer(scope: Scope, x: Tensor, config: C): Tensor;
  /** The normalisation behind the last layer; the abstractor reads every token of its result. */
  finalNorm(scope: Scope, x: Tensor, config: C): Tensor;
  /**
   * Whether its owls' preprocessor_config.json is read as the released mPLUG-Owl reads it, which squeezes pictures whatever
   * it says of cutting, unless it has the key `fit`; else as transformers reads it.
   */
  readonly hasReleasedPreprocessing: boolean;
  /** The tower as a model of its own on Hugging Face's hub, which an owl can be assembled of. */
  readonly published: PublishedTower<C>;
}

/** A vision tower as Hugging Face's files have it. */
export interface PublishedTower<C extends TowerConfig> {
  /** `model_type` of models of pictures and texts that it is a part of, and of itself alone. */
  readonly modelTypes: { readonly whole: readonly string[]; readonly alone: readonly string[] };
  /** As {@link VisionTower.readConfig}, with Hugging Face's defaults. */
  readConfig(json: Record<string, unknown>, onProblem: OnProblem): C | undefined;
  /** A tensor that every file has once: what stands in front of it stands in front of all names. */
  readonly marker: string;
  /** Published names, behind what stands in front of all, that an owl spells differently. */
  readonly names: readonly (readonly [published: RegExp, own: string])[];
  /** Published names of tensors that an owl has no use for. */
  readonly unused?: RegExp | undefined;
  /** Projections that an owl keeps as one, whose rows lie as [heads, parts, headDim]. */
  readonly fused: { readonly parts: readonly string[]; readonly whole: string } | undefined;
  /** The table of positions, which is resampled for pictures of another size; undefined where positions are computed. */
  readonly positions: PositionTable | undefined;
  /** Whether it takes pictures of another size than its config's as they are. */
  readonly takesAnySize: boolean;
  /** Whether its own last hidden state is behind {@link VisionTower.finalNorm}; an owl's always is. */
  readonly endsNormalised: boolean;
  /**
   * The preprocessing of published files, as preprocessor_config.json has it, for a tower that comes without one.
   *
   * @param side of the square pictures in pixels
   */
  preprocessing(side: number): Record<string, unknown>;
}

/** A learned table of positions, row by row of a square grid of patches. */
export interface PositionTable {
  /** Its name in an owl, behind `vision_model.`. */
  readonly tensor: string;
  /** Rows in front of the patches'. */
  readonly prefix: number;
  /** Whether the published code resamples it with antialiasing. */
  readonly antialias: boolean;
}
