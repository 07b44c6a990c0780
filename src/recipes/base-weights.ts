import {
  entriesByName,
  isHalf,
  readHalves,
  type StateDict,
  type TensorEntry,
  type TensorSource,
} from "../checkpoint/index.ts";
import {
  describeParameters,
  floatingConfig,
  type OwlConfig,
  type ParameterDescription,
  quantizedFormat,
} from "../model/index.ts";
import { rowsAsBlocks, unpackedZeroPoints } from "../quantization/index.ts";
import { isRowFormat } from "../tensor/index.ts";
import { type BlockWeight, type NarrowWeight, type NarrowWeights, widened } from "../training/index.ts";

/** A base model's weights by their names in floating point: in single precision, or as they are stored. */
export interface BaseWeights {
  readonly tensors: StateDict;
  readonly narrow: NarrowWeights;
}

/** Which weights stay as they are stored. */
export interface StorageChoice {
  /** Whether frozen weights of two bytes stay so; weights in few bits always do. */
  readonly keepHalves: boolean;
  readonly isTrained: (name: string) => boolean;
}

/** Reads the weights of a model, one after the other, and closes their source. */
export async function readBaseWeights(
  source: TensorSource,
  config: OwlConfig,
  { keepHalves, isTrained }: StorageChoice,
): Promise<BaseWeights> {
  const entries = entriesByName(source);
  const tensors: StateDict = new Map();
  const narrow = new Map<string, NarrowWeight>();
  try {
    for (const parameter of describeParameters(floatingConfig(config))) {
      const { name } = parameter;
      const entry = entries.get(name);
      const stored = await storedWeight(source, config, parameter, entry, keepHalves && !isTrained(name));
      if (stored === undefined) tensors.set(name, await source.read(name));
      else if (isTrained(name) || hasOffsets(stored)) tensors.set(name, widened(stored));
      else narrow.set(name, stored);
    }
    return { tensors, narrow };
  } finally {
    await source.close();
  }
}

/** Blocks with offsets are read in single precision: no kernel of training widens them. */
function hasOffsets(stored: NarrowWeight): boolean {
  return stored.kind === "blocks" && stored.blocks.offsets !== undefined;
}

/** A weight as it is stored; undefined where it is to be read in single precision. */
async function storedWeight(
  source: TensorSource,
  config: OwlConfig,
  parameter: ParameterDescription,
  entry: TensorEntry | undefined,
  keepHalf: boolean,
): Promise<NarrowWeight | undefined> {
  if (entry === undefined) return blockWeight(source, config, parameter);
  if (!keepHalf || !isHalf(entry)) return undefined;
  return { kind: entry.type, dims: entry.dims, bits: await readHalves(source, entry) };
}

async function blockWeight(
  source: TensorSource,
  { quantization }: OwlConfig,
  { name, dims }: ParameterDescription,
): Promise<BlockWeight> {
  const format = quantization && quantizedFormat(quantization, name);
  if (format === undefined) throw new RangeError(`${source.path}: must hold ${name}, got no such tensor`);
  const bytes = async (part: string): Promise<Uint8Array> =>
    (await source.read(`${name}.${part}`)).data as Uint8Array;
  const floats = async (part: string): Promise<Float32Array> =>
    (await source.read(`${name}.${part}`)).data as Float32Array;
  if (isRowFormat(format)) {
    const { data } = await source.read(`${name}.packed`);
    return { kind: "blocks", dims, blocks: rowsAsBlocks(data as Int8Array, await floats("scales")) };
  }
  const [rows, width] = dims;
  const { bits, blockSize } = format;
  const zeroPoints = format.zeroPoints ? await bytes("zero_points") : undefined;
  return {
    kind: "blocks",
    dims,
    blocks: {
      bits,
      blockSize,
      packed: await bytes("packed"),
      scales: await floats("scales"),
      zeroPoints: unpackedZeroPoints(rows, width, format, zeroPoints),
      offsets: format.offsets ? await floats("offsets") : undefined,
    },
  };
}
