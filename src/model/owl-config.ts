import type { LanguageConfig } from "./language/families.ts";
import type { Quantization } from "./quantization.ts";
import type { VisionConfig } from "./vision/towers.ts";

/** Sizes of the visual abstractor; its hidden size is the vision encoder's. */
export interface AbstractorConfig {
  readonly hidden: number;
  readonly layers: number;
  readonly heads: number;
  /** Width inside the MLP. */
  readonly intermediate: number;
  /** Of the normalisation inside the MLP; the others have 1e-5. */
  readonly epsilon: number;
  readonly initializerRange: number;
  /** Patches along a side of a picture, where queries and patches have sine positions; absent: they have none. */
  readonly grid?: number;
}

/** Everything of a published `config.json` that the computation depends on. */
export interface OwlConfig {
  readonly vision: VisionConfig;
  readonly abstractor: AbstractorConfig;
  readonly language: LanguageConfig;
  /** Which model of the line it is; absent: the first. */
  readonly generation?: "owl2" | "owl3";
  /**
   * Learned queries a picture or video; it takes one position more, for the learned EOS embedding. 0 where it has a projector,
   * and takes no positions.
   */
  readonly numQueryTokens: number;
  /**
   * What brings patches to the language model's width in the abstractor's place: one linear layer, or two with GELU between them.
   * `abstractor` is an error then, and pictures stand beside the text.
   */
  readonly projector?: "linear" | "mlp";
  /** Whether it is a language model alone: it takes no pictures, and `vision` and `abstractor` are errors. */
  readonly textOnly?: boolean;
  /** Whether it is the video version: temporal modules in the vision encoder, further queries for videos. */
  readonly video?: boolean;
  /**
   * Rows of each table of tile positions, of a model that reads pictures in tiles (UReader); absent: it reads them whole.
   * The weights tell it; the key is this package's own.
   */
  readonly tilePositions?: number;
  /** How pictures become square where config.json says so; absent: as the generation does it. */
  readonly pictureFit?: "pad" | "crop";
  /** The parts whose weights are quantised (the key is this package's own). */
  readonly quantization?: Quantization;
}

/** The models of the line, rows of the table of generations. */
export type GenerationName = "owl" | NonNullable<OwlConfig["generation"]>;

/** A config.json that does not describe a model this package computes; the message lists every problem. */
export class ModelConfigError extends Error {
  override name = "ModelConfigError";
  readonly problems: readonly string[];

  /** @param whole the end of a one-line message in place of the list, where the file is another model's */
  constructor(where: string, problems: readonly string[], whole?: string) {
    const next = "Compare it with the config.json of the published checkpoint.";
    const list = problems.map((problem) => `  - ${problem}`).join("\n");
    const count = `${problems.length} problem${problems.length === 1 ? "" : "s"}`;
    super(
      whole === undefined
        ? `${where}: must describe an mPLUG-Owl that is computed here, got ${count}:\n${list}\n${next}`
        : `${where}: must describe an mPLUG-Owl (${whole}`,
    );
    this.problems = problems;
  }
}
