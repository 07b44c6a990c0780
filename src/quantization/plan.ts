import type { PlannedTensor, StoredType, TensorEntry } from "../checkpoint/index.ts";
import {
  describeParameters,
  type OwlConfig,
  type Quantization,
  quantizedPart,
  storedName,
} from "../model/index.ts";
import { OptionsError } from "../platform/index.ts";
import { isRowFormat, type WeightFormat } from "../tensor/index.ts";

/** How many numbers share a scale; "row": all of a row. */
export type BlockSize = 32 | 64 | 128 | "row";

/** The number formats to convert to. */
export interface ConversionSettings {
  /**
   * The language model's weights: blocks of 4 or 8 bits, float16, or each number format as it is stored.
   */
  readonly quantize: "q4" | "q8" | "f16" | "none";
  /** Vision encoder and abstractor. Default: q8 beside q4 and q8, otherwise as `quantize`. */
  readonly vision?: "f32" | "f16" | "q8" | undefined;
  /**
   * How many numbers of the language model share a scale. "row", with 8 bits alone: all of a row, whose products are summed in whole
   * numbers; for browsers without WebGPU, where products of blocks are slow. Default 128.
   */
  readonly blockSize?: BlockSize | undefined;
  /** The same of vision encoder and abstractor. Default `blockSize`. */
  readonly visionBlockSize?: BlockSize | undefined;
}

/** One weight of the source and what is written for it. */
export interface PlannedWeight extends PlannedTensor {
  /** How it is quantised, so that several tensors are written; undefined where it stays in floating point. */
  readonly format: WeightFormat | undefined;
}

/**
 * The section of the new config.json.
 *
 * @throws OptionsError where whole rows are asked for in 4 bits
 */
export function quantizationOf(settings: ConversionSettings): Quantization | undefined {
  const { quantize, vision, blockSize = 128, visionBlockSize = blockSize } = settings;
  const quantized = quantize === "q4" || quantize === "q8";
  const parts: Quantization = {
    // The head decides between neighbouring logits, and a table is read a row at a time: both keep 8 bits.
    ...(quantized && {
      language: format(quantize === "q4" ? 4 : 8, blockSize),
      head: format(8, blockSize),
      embeddings: format(8, blockSize),
    }),
    ...((vision ?? (quantized ? "q8" : undefined)) === "q8" && { vision: format(8, visionBlockSize) }),
  };
  return Object.keys(parts).length > 0 ? parts : undefined;
}

function format(bits: 4 | 8, blockSize: BlockSize): WeightFormat {
  if (blockSize !== "row") return { bits, blockSize, zeroPoints: bits === 4, activations: "int8" };
  if (bits === 8) return { bits, blockSize, activations: "int8" };
  throw new OptionsError(
    'convertCheckpoint: quantize: must be "q8" beside blockSize "row", whose numbers are whole bytes, got "q4"',
  );
}

/** What is written for each weight of the source, in the model's order. */
export function planConversion(
  sources: ReadonlyMap<string, TensorEntry>,
  config: OwlConfig,
  settings: ConversionSettings,
): PlannedWeight[] {
  const quantization = quantizationOf(settings);
  const { quantization: _, ...unquantized } = config;
  const outputs = describeParameters({ ...unquantized, ...(quantization && { quantization }) });
  const bySource = new Map<string, TensorEntry[]>();
  for (const { name, dims, dtype } of outputs) {
    const sourceName = sources.has(name) ? name : name.replace(/\.(packed|scales|zero_points|sums)$/, "");
    const source = sources.get(sourceName);
    if (source === undefined) throw new RangeError(`${name}: nothing in the source becomes it`);
    const floating = sourceName === name ? floatType(source, settings) : "F32";
    const entry = {
      name: storedName(config, name),
      dims,
      type: dtype === "uint8" ? "U8" : dtype === "int8" ? "I8" : floating,
    } as const;
    bySource.set(sourceName, [...(bySource.get(sourceName) ?? []), entry]);
  }
  return [...bySource].map(([name, parts]) => {
    const format = parts.length > 1 ? quantization?.[quantizedPart(name)] : undefined;
    // Rows that become columns are not written some rows at a time.
    const isWhole = format !== undefined && isRowFormat(format);
    return { source: sources.get(name)!, format, outputs: parts, ...(isWhole && { isWhole }) };
  });
}

/** Every weight of a quantised source as it is, in the model's order. */
export function keptWeights(sources: ReadonlyMap<string, TensorEntry>, config: OwlConfig): PlannedWeight[] {
  return describeParameters(config).map(({ name }) => {
    const source = sources.get(name)!;
    const { type, dims } = source;
    return { source, format: undefined, outputs: [{ name: storedName(config, name), type, dims }] };
  });
}

/** The number format of a tensor that stays in floating point. Vectors (norms, biases) are small and sensitive. */
function floatType(source: TensorEntry, { quantize, vision }: ConversionSettings): StoredType {
  const isLanguage = source.name.startsWith("language_model.");
  const chosen = isLanguage ? quantize : (vision ?? quantize);
  if (chosen === "none") return ["F16", "BF16"].includes(source.type) ? source.type : "F32";
  return chosen === "f16" && source.dims.length > 1 ? "F16" : "F32";
}
