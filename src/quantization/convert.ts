import { z } from "zod";
import {
  CheckpointError,
  entriesByName,
  entryBytes,
  openValidated,
  planShards,
  readTokenizerFiles,
  type ShardSettings,
  shardName,
  shardRules,
  storedNumbers,
  type TensorSource,
  weightFiles,
  writeSettingsFiles,
  writeShards,
} from "../checkpoint/index.ts";
import { modelDirectory } from "../hub/index.ts";
import { configJson, keptSettings, publishedModel, quantizedPart } from "../model/index.ts";
import { isGgufFile, modelFiles } from "../model-files/index.ts";
import {
  checkOptions,
  fileStatus,
  joinPath,
  type OptionRules,
  option,
  pathKind,
  readText,
  removeFile,
  writeFileAtomically,
} from "../platform/index.ts";
import { elementCount, type HostTensor, isRowFormat, type WeightFormat } from "../tensor/index.ts";
import { quantizeRows } from "./blocks.ts";
import {
  type ConversionSettings,
  keptWeights,
  type PlannedWeight,
  planConversion,
  quantizationOf,
} from "./plan.ts";
import { quantizeTransposed } from "./rows.ts";

/** A conversion that its signal aborted is resumed by the next call with the same settings. */
export interface ConversionOptions extends ConversionSettings, ShardSettings {
  /** Largest file written. Default 1 GB: what is lost when a conversion stops, and what a browser can hold. */
  readonly maxShardBytes?: number | undefined;
}

const blockSizeRule = z.literal([32, 64, 128, "row"]).optional().describe('32, 64, 128 or "row"');

const conversionRules: OptionRules<ConversionOptions> = {
  ...shardRules,
  quantize: z.enum(["q4", "q8", "f16", "none"]).describe('"q4", "q8", "f16" or "none"'),
  vision: option.oneOf(["f32", "f16", "q8"]),
  blockSize: blockSizeRule,
  visionBlockSize: blockSizeRule,
};

export interface ConversionReport {
  /** Bytes of the weights' numbers. */
  readonly bytesBefore: number;
  readonly bytesAfter: number;
  /** Files of weights, and how many of them an earlier, stopped conversion had written. */
  readonly files: number;
  readonly reusedFiles: number;
  /**
   * Root mean square of what quantising changed, relative to the weights', by part ("language 4 bits"); of the
   * files written now.
   */
  readonly deviations: Readonly<Record<string, number>>;
}

/** Records in the output directory what is being converted, until it is done. */
const JOURNAL = "conversion.json";

/**
 * Converts a checkpoint (safetensors or PyTorch's .bin) to safetensors files with weights in fewer bits, piece by
 * piece; with `quantize: "none"` a model in 4 or 8 bits, also one of a GGUF file, keeps its blocks. Memory holds some tens of megabytes whatever the model's size, and with blockSize "row" six bytes a number of the largest
 * weight. Each file appears when it is complete, and
 * config.json last, so a stopped conversion is never taken for a model; the same call resumes it.
 *
 * @param model the checkpoint: a directory, or a name as `modelDirectory` takes it
 * @param output a directory that holds no model yet
 * @throws OptionsError; CheckpointError or FileError naming what does not fit; the signal's reason where it is aborted
 */
export async function convertCheckpoint(
  model: string | URL,
  output: string,
  options: ConversionOptions,
): Promise<ConversionReport> {
  checkOptions("convertCheckpoint", options, conversionRules);
  const asked = quantizationOf(options);
  const directory = await modelDirectory(model);
  if ((await pathKind(joinPath(output, modelFiles.config))) !== "missing") {
    throw outputError(output, "a config.json", "Name another directory.");
  }
  const { config, checkpoint } = await openValidated(directory, publishedModel);
  const { weights } = checkpoint;
  try {
    const isKept = config.quantization !== undefined;
    if (isKept) requireKept(directory, options);
    const quantization = config.quantization ?? asked;
    const sources = entriesByName(weights);
    const plan = isKept ? keptWeights(sources, config) : planConversion(sources, config, options);
    const report = await writeWeights(weights, plan, directory, output, options);
    // Sizes that the source's config.json leaves to the shapes of its weights are written out.
    const sizes = configJson({ ...config, ...(quantization && { quantization }) });
    await writeSettingsFiles(
      output,
      { ...keptSettings(config, checkpoint.config), ...sizes },
      {
        [modelFiles.generationConfig]: checkpoint.generationConfig,
        [modelFiles.preprocessorConfig]: checkpoint.preprocessorConfig,
        ...(await readTokenizerFiles(directory)),
      },
    );
    await removeFile(joinPath(output, JOURNAL));
    return report;
  } finally {
    await weights.close();
  }
}

/** @throws CheckpointError where a model in 4 or 8 bits is to become anything but what it is */
function requireKept(directory: string, { quantize, vision }: ConversionOptions): void {
  if (quantize === "none" && vision === undefined) return;
  const next =
    'Convert the checkpoint it was made from; or keep its blocks, laid out for this package, with quantize "none" (--quantize none) alone.';
  const where = isGgufFile(directory) ? directory : joinPath(directory, modelFiles.config);
  const got = ["one whose weights have 4 or 8 bits"];
  throw new CheckpointError(where, "must describe a model in floating point", got, next);
}

function outputError(output: string, problem: string, next: string): CheckpointError {
  return new CheckpointError(output, "must be a directory without a model", [problem], next);
}

async function writeWeights(
  weights: TensorSource,
  plan: readonly PlannedWeight[],
  directory: string,
  output: string,
  options: ConversionOptions,
): Promise<ConversionReport> {
  const { maxShardBytes = 1e9, onProgress, signal } = options;
  await startOrResume(output, directory, planShards(plan, maxShardBytes));
  const errors = new ErrorSums();
  const { bytes, files, reusedFiles } = await writeShards(
    output,
    plan,
    async (weight, rows) => {
      const { data } = await weights.read(weight.source.name, rows);
      return convertRows(weight, data, errors);
    },
    { maxShardBytes, onProgress, signal, goOn: true },
  );
  return {
    bytesBefore: plan.reduce((sum, { source }) => sum + entryBytes(source), 0),
    bytesAfter: bytes,
    files,
    reusedFiles,
    deviations: errors.deviations(),
  };
}

/** Writes the journal of a new conversion; where there is one already, it must be of the same conversion. */
async function startOrResume(
  output: string,
  directory: string,
  shards: readonly (readonly PlannedWeight[])[],
): Promise<void> {
  const path = joinPath(output, JOURNAL);
  const files = await weightFiles(directory);
  // Other weights of the same shapes may have taken the place of those that a stopped conversion has read.
  const read = await Promise.all(files.map(async (file) => ({ file, ...(await fileStatus(file)) })));
  const journal = `${JSON.stringify({ from: directory, read, shards })}\n`;
  if ((await pathKind(path)) === "missing") {
    if ((await pathKind(joinPath(output, shardName(0, shards.length)))) !== "missing") {
      throw outputError(output, "files of weights", "Name another directory.");
    }
    await writeFileAtomically(path, journal);
  } else if ((await readText(path)) !== journal) {
    const next = "Go on with the same checkpoint and settings, or name another directory.";
    throw outputError(output, `${JOURNAL} of another conversion that was stopped`, next);
  }
}

/** The bytes of some rows for each of the weight's outputs. */
function convertRows(weight: PlannedWeight, values: HostTensor["data"], errors: ErrorSums): Uint8Array[] {
  const { source, format, outputs } = weight;
  if (format === undefined) return [storedNumbers(source.name, values, outputs[0].type)];
  const width = elementCount(source.dims.slice(1));
  try {
    const { parts, squaredError, squaredSum } = quantizedParts(values as Float32Array, width, format);
    errors.add(`${quantizedPart(source.name)} ${format.bits} bits`, squaredError, squaredSum);
    return outputs.map(({ name, type }) =>
      storedNumbers(source.name, parts[name.slice(name.lastIndexOf(".") + 1)], type),
    );
  } catch (error) {
    if (!(error instanceof RangeError)) throw error;
    throw new CheckpointError(source.name, "must be quantisable", [error.message], "Check the checkpoint.");
  }
}

interface QuantizedParts {
  /** By the ends of their names. */
  readonly parts: Readonly<Record<string, Uint8Array | Int8Array | Float32Array>>;
  readonly squaredError: number;
  readonly squaredSum: number;
}

function quantizedParts(values: Float32Array, width: number, format: WeightFormat): QuantizedParts {
  if (isRowFormat(format)) {
    const { packed, scales, sums, ...errors } = quantizeTransposed(values, width);
    return { parts: { packed, scales, sums }, ...errors };
  }
  const { packed, scales, zeroPoints, ...errors } = quantizeRows(values, width, format);
  return { parts: { packed, scales, zero_points: zeroPoints }, ...errors };
}

/** Sums of squared errors and of squares, by part of the model. */
class ErrorSums {
  readonly #sums = new Map<string, { error: number; sum: number }>();

  add(part: string, error: number, sum: number): void {
    const known = this.#sums.get(part) ?? { error: 0, sum: 0 };
    this.#sums.set(part, { error: known.error + error, sum: known.sum + sum });
  }

  deviations(): Record<string, number> {
    const entries = [...this.#sums].map(([part, { error, sum }]) => [part, Math.sqrt(error / (sum || 1))]);
    return Object.fromEntries(entries);
  }
}
