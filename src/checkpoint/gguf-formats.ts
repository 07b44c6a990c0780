import type { GgmlTypeName } from "../gguf/index.ts";
import type { QuantizedFormat } from "../tensor/index.ts";
import { type BlockCode, blockCodes, isBlockType } from "./gguf-blocks.ts";
import type { PlacedTensor } from "./gguf-source.ts";

/** The section `quantization` of a config.json. */
type Section = Readonly<Record<string, unknown>>;

/**
 * The formats in which the matrices of a GGUF file are kept in blocks, by their published names: those that hold the same
 * whole numbers and scales. Products round activations to 8 bits, as llama.cpp's do.
 */
export function keptFormats(tensors: readonly PlacedTensor[]): Map<string, QuantizedFormat> {
  const formats = new Map<string, QuantizedFormat>();
  for (const { published, type, dims } of tensors) {
    const code = codeOf(type);
    if (code === undefined || dims.length !== 2) continue;
    formats.set(published, formatOf(code, published === table));
  }
  return formats;
}

const table = "model.embed_tokens.weight";
const head = "lm_head.weight";

function codeOf(type: GgmlTypeName): BlockCode | undefined {
  return isBlockType(type) ? blockCodes[type] : undefined;
}

/** @param isTable the embedding table, rows of which are read alone, has 8 bits in any case */
function formatOf({ run, bits, offsets }: BlockCode, isTable: boolean): QuantizedFormat {
  const wide = isTable ? 8 : bits;
  return { bits: wide, blockSize: run, zeroPoints: false, activations: "int8", ...(offsets && { offsets }) };
}

/**
 * The section `quantization` of the config.json that says so: a format for each part, and the weights that have another
 * one; `null` for those in floating point.
 *
 * @returns undefined where nothing is kept in blocks
 */
export function quantizationSection(
  tensors: readonly PlacedTensor[],
  formats: ReadonlyMap<string, QuantizedFormat>,
): Section | undefined {
  if (formats.size === 0) return undefined;
  const matrices = tensors.filter(({ dims }) => dims.length === 2).map(({ published }) => published);
  const json = (name: string): string => JSON.stringify(sectionOf(formats.get(name)));
  const inLayers = matrices.filter((name) => name !== table && name !== head);
  const usual = mostOf(inLayers.map(json));
  const others = inLayers.filter((name) => json(name) !== usual);
  const exceptions = others.map((name) => [`language_model.${name}`, sectionOf(formats.get(name))]);
  return {
    ...(usual !== undefined && usual !== "null" && { language: JSON.parse(usual) }),
    ...(formats.has(head) && { head: sectionOf(formats.get(head)) }),
    ...(formats.has(table) && { embeddings: sectionOf(formats.get(table)) }),
    ...(exceptions.length > 0 && { exceptions: Object.fromEntries(exceptions) }),
  };
}

function sectionOf(format: QuantizedFormat | undefined): Section | null {
  if (format === undefined) return null;
  return {
    bits: format.bits,
    block_size: format.blockSize,
    zero_points: format.zeroPoints,
    ...(format.offsets && { offsets: true }),
    activations: format.activations,
  };
}

/** What occurs most often; undefined of nothing. */
function mostOf(values: readonly string[]): string | undefined {
  const counts = new Map<string, number>();
  for (const value of values) counts.set(value, (counts.get(value) ?? 0) + 1);
  return [...counts].sort(([, a], [, b]) => b - a)[0]?.[0];
}
