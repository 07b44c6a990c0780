import {
  cacheSizes,
  describeParameters,
  type OwlConfig,
  type ParameterDescription,
} from "../src/model/index.ts";
import { elementCount } from "../src/tensor/index.ts";
import type { Peaks } from "./peaks.ts";

/** What a figure cannot do without: memory that is read, and products. */
export interface Work {
  readonly bytes?: number;
  /** A multiplication and an addition are two. */
  readonly operations?: number;
  /** The type that products can be computed in. */
  readonly type: "float32" | "int8";
}

/** The milliseconds that a machine of these peaks takes for it at least. */
export function leastMilliseconds({ bytes = 0, operations = 0, type }: Work, peaks: Peaks): number {
  return 1000 * Math.max(bytes / peaks.bandwidth, operations / peaks[type]);
}

const isTable = ({ name }: ParameterDescription): boolean => /\.embed_tokens\./.test(name);
const isHead = ({ name }: ParameterDescription): boolean => /\.lm_head\./.test(name);
const numbersOf = (parameters: readonly ParameterDescription[]): number =>
  parameters.reduce((sum, { dims }) => sum + (dims.length > 1 ? elementCount(dims) : 0), 0);

function parametersOf(config: OwlConfig): ParameterDescription[] {
  return describeParameters(config).filter(({ module }) => module === "language model");
}

/**
 * A token behind so many others: every weight is read once, of a table that is no head one row, and all keys and values, of so many
 * bytes each.
 */
export function decodeWork(config: OwlConfig, context: number, cacheBytes = 4): Work {
  const parameters = parametersOf(config);
  const tableIsHead = !parameters.some(isHead);
  const bytes = parameters
    .filter((one) => tableIsHead || !isTable(one))
    .reduce((sum, { dims, dtype }) => sum + elementCount(dims) * (dtype === "uint8" ? 1 : 4), 0);
  const { layers, keyValueHeads, headDim } = cacheSizes(config.language);
  const cache = 2 * cacheBytes * layers * keyValueHeads * headDim * context;
  return { bytes: bytes + cache, type: "int8" };
}

/** A prompt of so many tokens: products with every weight, those of the head once, and of queries with keys and values before them. */
export function prefillWork(config: OwlConfig, tokens: number): Work {
  const { quantization: _, ...floating } = config;
  const parameters = parametersOf(floating);
  const layers = numbersOf(parameters.filter((one) => !isTable(one) && !isHead(one)));
  const { heads, headDim, hidden, vocabulary, layers: count } = config.language;
  const attention = 2 * count * heads * headDim * tokens * tokens;
  return { operations: 2 * tokens * layers + 2 * hidden * vocabulary + attention, type: "int8" };
}

const attentionOperations = (layers: number, hidden: number, queries: number, keys: number): number =>
  4 * layers * hidden * queries * keys;

/** Operations of the vision encoder and the abstractor on a picture. */
function pictureOperations(config: OwlConfig): { readonly vision: number; readonly abstractor: number } {
  const { quantization: _, ...floating } = config;
  const { vision, abstractor, numQueryTokens: queries } = config;
  const tokens = (vision.imageSize / vision.patchSize) ** 2 + 1;
  const parameters = describeParameters(floating);
  const inVision = parameters.filter(({ module, role }) => module === "vision encoder" && role === "weight");
  const inAbstractor = parameters.filter(
    ({ module, role }) => module === "visual abstractor" && role === "weight",
  );
  // Keys and values are of queries and patches together.
  const wide = inAbstractor.filter(({ name }) => /\.(key|value)\.weight$/.test(name));
  const narrow = inAbstractor.filter((one) => !wide.includes(one));
  return {
    vision:
      2 * tokens * numbersOf(inVision) + attentionOperations(vision.layers, vision.hidden, tokens, tokens),
    abstractor:
      2 * queries * numbersOf(narrow) +
      2 * (queries + tokens) * numbersOf(wide) +
      attentionOperations(abstractor.layers, abstractor.hidden, queries, queries + tokens),
  };
}

/** A picture through the vision encoder and the abstractor. */
export function pictureWork(config: OwlConfig): Work {
  const { vision, abstractor } = pictureOperations(config);
  return { operations: vision + abstractor, type: config.quantization?.vision ? "int8" : "float32" };
}

/** How often each part's products are computed: forward, for what comes before it, and for its own weights. */
const passes: Readonly<Record<number, readonly [vision: number, abstractor: number, language: number]>> = {
  0: [0, 0, 3],
  1: [3, 3, 2],
  2: [1, 3, 2],
};

/** A training step of so many rows, a picture in each but in stage 0; the LoRA's own products are left out. */
export function stepWork(config: OwlConfig, stage: number, rows: number, tokens: number): Work {
  const [vision, abstractor, language] = passes[stage];
  const picture = pictureOperations(config);
  const text = parametersOf(config).filter((one) => !isTable(one));
  const { layers, heads, headDim } = config.language;
  const ofText = 2 * tokens * numbersOf(text) + 2 * layers * heads * headDim * tokens * tokens;
  const row = vision * picture.vision + abstractor * picture.abstractor + language * ofText;
  return { operations: rows * row, type: "float32" };
}
