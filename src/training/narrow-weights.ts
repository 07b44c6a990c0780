import { type RowRange, widenBfloat16, widenHalf } from "../checkpoint/index.ts";
import { dequantizeRows, type QuantizedBlocks } from "../quantization/index.ts";
import { elementCount, float32, type HostTensor } from "../tensor/index.ts";

/** A frozen weight in fewer bytes than single precision, as its checkpoint stores it. */
export type NarrowWeight = HalfWeight | BlockWeight;

/** Numbers of two bytes. */
export interface HalfWeight {
  readonly kind: "F16" | "BF16";
  readonly dims: readonly number[];
  readonly bits: Uint16Array;
}

/** A matrix of four or eight bits a number. */
export interface BlockWeight {
  readonly kind: "blocks";
  readonly dims: readonly number[];
  readonly blocks: QuantizedBlocks;
}

/** Frozen weights by their names in a model in floating point. */
export type NarrowWeights = ReadonlyMap<string, NarrowWeight>;

/** The bytes that a narrow weight takes in memory. */
export function narrowBytes(weight: NarrowWeight): number {
  if (weight.kind !== "blocks") return weight.bits.byteLength;
  const { packed, scales, zeroPoints } = weight.blocks;
  return packed.byteLength + scales.byteLength + zeroPoints.byteLength;
}

/** A narrow weight in single precision, or some rows of it. */
export function widened(weight: NarrowWeight, rows?: RowRange): HostTensor<"float32"> {
  const { dims } = weight;
  const width = elementCount(dims.slice(1));
  const [from, to] = rows ?? [0, dims[0] ?? 1];
  const chosen = rows === undefined ? dims : [to - from, ...dims.slice(1)];
  if (weight.kind === "blocks")
    return float32(dequantizeRows(rowsOf(weight.blocks, width, from, to), width), chosen);
  const values = new Float32Array((to - from) * width);
  const widen = weight.kind === "F16" ? widenHalf : widenBfloat16;
  widen(weight.bits.subarray(from * width, to * width), values);
  return { dtype: "float32", dims: chosen, data: values };
}

function rowsOf(blocks: QuantizedBlocks, width: number, from: number, to: number): QuantizedBlocks {
  const { bits, blockSize, packed, scales, zeroPoints, offsets } = blocks;
  const count = Math.ceil(width / blockSize);
  const bytes = (count * blockSize * bits) / 8;
  return {
    bits,
    blockSize,
    packed: packed.subarray(from * bytes, to * bytes),
    scales: scales.subarray(from * count, to * count),
    zeroPoints: zeroPoints.subarray(from * count, to * count),
    offsets: offsets?.subarray(from * count, to * count),
  };
}
