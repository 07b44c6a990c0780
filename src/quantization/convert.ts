import {
  CheckpointError,
  entriesByName,
  entryBytes,
  narrowFloats,
  openFitting,
  readTokenizerFiles,
  safetensorsLayout,
  shardIndex,
  shardName,
  splitIntoShards,
  type TensorEntry,
  type TensorSource,
} from "../checkpoint/index.ts";
import { configJson, describeParameters, parseConfig, quantizedPart } from "../model/index.ts";
import {
  type FilePiece,
  joinPath,
  pathKind,
  readText,
  removeFile,
  writeFileAtomically,
  writePiecesAtomically,
} from "../platform/index.ts";
import { elementCount } from "../tensor/index.ts";
import { packRows } from "./blocks.ts";
import {
  type ConversionSettings,
  type PlannedWeight,
  planConversion,
  plannedBytes,
  quantizationOf,
} from "./plan.ts";

export interface ConversionOptions extends ConversionSettings {
  /** Told how many of the source's bytes are done, and which file is being written. */
  readonly onProgress?: ((bytes: number, totalBytes: number, file: string) => void) | undefined;
  /** Ends the conversion; the next one with the same settings goes on where it stopped. */
  readonly signal?: AbortSignal | undefined;
  /** Largest file written. Default 1 GB: what is lost when a conversion stops, and what a browser can hold. */
  readonly maxShardBytes?: number | undefined;
}

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

/** Says in the output directory what is being converted, until it is done. */
const JOURNAL = "conversion.json";

/** Elements read at once: memory holds a few times this. */
const ELEMENTS_AT_ONCE = 4 * 2 ** 20;

/**
 * Converts a checkpoint (safetensors or PyTorch's .bin) to safetensors files with weights in fewer bits, piece by
 * piece: memory holds some tens of megabytes whatever the model's size. Each file appears when it is complete, and
 * config.json last, so a stopped conversion is never taken for a model; the same call goes on with it.
 *
 * @param directory the checkpoint
 * @param output a directory that holds no model yet
 * @throws CheckpointError or FileError naming what does not fit; the signal's reason where it is aborted
 */
export async function convertCheckpoint(
  directory: string,
  output: string,
  options: ConversionOptions,
): Promise<ConversionReport> {
  if ((await pathKind(joinPath(output, "config.json"))) !== "missing") {
    throw outputError(output, "a config.json", "Name another directory.");
  }
  const { config, checkpoint } = await openFitting(directory, parseConfig, describeParameters);
  const { weights } = checkpoint;
  try {
    if (config.quantization !== undefined) {
      const where = joinPath(directory, "config.json");
      const problem = "one with a section quantization";
      const next = "Convert the checkpoint it was made from.";
      throw new CheckpointError(where, "must describe a model in floating point", [problem], next);
    }
    const plan = planConversion(entriesByName(weights), config, options);
    const report = await writeWeights(weights, plan, directory, output, options);
    const quantization = quantizationOf(options);
    await writeSettings(output, {
      "generation_config.json": checkpoint.generationConfig,
      "preprocessor_config.json": checkpoint.preprocessorConfig,
      ...(await readTokenizerFiles(directory)),
      "config.json": {
        ...(checkpoint.config as object),
        // Sizes that the source's config.json leaves to the shapes of its weights stand here.
        ...configJson({ ...config, ...(quantization && { quantization }) }),
      },
    });
    return report;
  } finally {
    await weights.close();
  }
}

function outputError(output: string, problem: string, next: string): CheckpointError {
  return new CheckpointError(output, "must be a directory without a model", [problem], next);
}

/** Writes the small files, config.json last; then it is a model. */
async function writeSettings(output: string, files: Readonly<Record<string, unknown>>): Promise<void> {
  for (const [name, content] of Object.entries(files)) {
    if (content === undefined) continue;
    const bytes = content instanceof Uint8Array ? content : `${JSON.stringify(content, null, 2)}\n`;
    await writeFileAtomically(joinPath(output, name), bytes);
  }
  await removeFile(joinPath(output, JOURNAL));
}

async function writeWeights(
  weights: TensorSource,
  plan: readonly PlannedWeight[],
  directory: string,
  output: string,
  options: ConversionOptions,
): Promise<ConversionReport> {
  const shards = splitIntoShards(plan, plannedBytes, options.maxShardBytes ?? 1e9);
  await beginOrGoOn(output, directory, shards);
  const bytesBefore = plan.reduce((sum, { source }) => sum + entryBytes(source), 0);
  const progress = new Progress(bytesBefore, options);
  const errors = new ErrorSums();
  const weightMap: Record<string, string> = {};
  let reusedFiles = 0;
  for (const [i, shard] of shards.entries()) {
    const name = shardName(i, shards.length);
    for (const { outputs } of shard) for (const entry of outputs) weightMap[entry.name] = name;
    if ((await pathKind(joinPath(output, name))) === "file") {
      reusedFiles++;
      for (const { source } of shard) progress.skip(entryBytes(source));
      continue;
    }
    progress.file = name;
    await writePiecesAtomically(joinPath(output, name), shardPieces(weights, shard, progress, errors));
  }
  const bytesAfter = plan.reduce((sum, weight) => sum + plannedBytes(weight), 0);
  if (shards.length > 1) {
    const { index, content } = shardIndex(weightMap, bytesAfter);
    await writeFileAtomically(joinPath(output, index), content);
  }
  return {
    bytesBefore,
    bytesAfter,
    files: shards.length,
    reusedFiles,
    deviations: errors.deviations(),
  };
}

/** Leaves a journal of what is converted; where there is one already it must say the same. */
async function beginOrGoOn(
  output: string,
  directory: string,
  shards: readonly (readonly PlannedWeight[])[],
): Promise<void> {
  const path = joinPath(output, JOURNAL);
  const journal = `${JSON.stringify({ from: directory, shards })}\n`;
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

/** What is done of the source's bytes, for whoever watches. */
class Progress {
  /** The file being written. */
  file = "";
  #bytes = 0;
  readonly #total: number;
  readonly #options: ConversionOptions;

  constructor(total: number, options: ConversionOptions) {
    this.#total = total;
    this.#options = options;
  }

  /** Counts what an earlier conversion has done. */
  skip(bytes: number): void {
    this.#bytes += bytes;
  }

  /** Ends the conversion if that was asked for. */
  check(): void {
    this.#options.signal?.throwIfAborted();
  }

  add(bytes: number): void {
    this.#bytes += bytes;
    this.#options.onProgress?.(this.#bytes, this.#total, this.file);
  }
}

async function* shardPieces(
  weights: TensorSource,
  shard: readonly PlannedWeight[],
  progress: Progress,
  errors: ErrorSums,
): AsyncGenerator<FilePiece> {
  const { header, positions } = safetensorsLayout(shard.flatMap(({ outputs }) => outputs));
  yield [0, header];
  for (const weight of shard) {
    const { dims, name } = weight.source;
    const rows = dims[0] ?? 1;
    const width = elementCount(dims) / rows;
    const step = Math.max(1, Math.floor(ELEMENTS_AT_ONCE / width));
    for (let from = 0; from < rows; from += step) {
      progress.check();
      const to = Math.min(from + step, rows);
      const { data } = await weights.read(name, dims.length > 0 ? [from, to] : undefined);
      const parts = convertRows(weight, data as Float32Array, width, errors);
      for (const [i, entry] of weight.outputs.entries()) {
        const rowBytes = entryBytes(entry) / rows;
        yield [positions.get(entry.name)! + from * rowBytes, parts[i]];
      }
      progress.add((entryBytes(weight.source) / rows) * (to - from));
    }
  }
}

/** The bytes of some rows for each of the weight's outputs. */
function convertRows(
  weight: PlannedWeight,
  values: Float32Array,
  width: number,
  errors: ErrorSums,
): Uint8Array[] {
  const { source, format, outputs } = weight;
  if (format === undefined) return [floatBytes(source.name, values, outputs[0])];
  try {
    const { packed, scales, zeroPoints, squaredError, squaredSum } = packRows(values, width, format);
    errors.add(`${quantizedPart(source.name)} ${format.bits} bits`, squaredError, squaredSum);
    const parts: Record<string, Uint8Array> = { packed, scales: bytesOf(scales), zero_points: zeroPoints };
    return outputs.map(({ name }) => parts[name.slice(source.name.length + 1)]);
  } catch (error) {
    if (!(error instanceof RangeError)) throw error;
    throw new CheckpointError(source.name, "must be quantisable", [error.message], "Check the checkpoint.");
  }
}

function floatBytes(name: string, values: Float32Array, { type }: TensorEntry): Uint8Array {
  if (type !== "F16" && type !== "BF16") return bytesOf(values);
  const narrow = narrowFloats(values, type);
  if (narrow !== undefined) return bytesOf(narrow);
  throw new CheckpointError(name, "must fit float16", ["numbers beyond 65504"], "Keep it with f32 or none.");
}

function bytesOf({ buffer, byteOffset, byteLength }: Float32Array | Uint16Array): Uint8Array {
  return new Uint8Array(buffer, byteOffset, byteLength);
}

/** Sums of squares by part. */
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
