import {
  entryBytes,
  type OpenedCheckpoint,
  openValidated,
  requireNoModel,
  writeSettingsFiles,
} from "../checkpoint/index.ts";
import { modelDirectory } from "../hub/index.ts";
import { owlPreprocessor } from "../inference/index.ts";
import {
  generationOf,
  hyperOf,
  type OwlConfig,
  positionsOfFixedAngles,
  publishedModel,
  TextOnlyError,
  tokensPerImage,
  traceDecoder,
  traceEmbeddings,
  traceImageFeatures,
} from "../model/index.ts";
import { modelFiles } from "../model-files/index.ts";
import {
  checkOptions,
  fileName,
  joinPath,
  makeDirectory,
  type OptionRules,
  option,
  removeDirectory,
  writeFileAtomically,
} from "../platform/index.ts";
import { convertCheckpoint } from "../quantization/index.ts";
import { loadTokenizer, type Tokenizer } from "../tokenizer/index.ts";
import { exportCard, limitsOf } from "./card.ts";
import { differingPrompts } from "./check-prompts.ts";
import { decoderInputs, embeddingInputs } from "./decoder-inputs.ts";
import { ExportError } from "./error.ts";
import { type ModelWeights, type WrittenGraph, weightsOf, writeOnnxFiles } from "./onnx-files.ts";
import { pictureInputs, unsupportedPreprocessing } from "./picture-inputs.ts";
import { type FileFormat, llavaConfig, settingsFiles, suffixes } from "./settings-files.ts";
import { writtenTokenizer } from "./tokenizer-files.ts";

export interface OnnxExportOptions {
  /** Number format of the weights. Default: "f32", or as they are where a model is quantised. */
  readonly dtype?: "f32" | "f16" | "q4" | undefined;
  /** Weights of more bytes than this lie in files beside their model. Default 500 MB. */
  readonly inlineBytes?: number | undefined;
  /** Largest of these files. Default 2 GB, what a browser takes at once. */
  readonly maxFileBytes?: number | undefined;
  /** Called with the bytes that are written. */
  readonly onProgress?: ((bytes: number, totalBytes: number, file: string) => void) | undefined;
  readonly signal?: AbortSignal | undefined;
}

const exportRules: OptionRules<OnnxExportOptions> = {
  dtype: option.oneOf(["f32", "f16", "q4"]),
  inlineBytes: option.size,
  maxFileBytes: option.count,
  onProgress: option.callback,
  signal: option.signal,
};

export interface OnnxExportReport {
  /** Bytes of the weights. */
  readonly bytes: number;
  /** transformers.js's name of the number format. */
  readonly format: "fp32" | "fp16" | "q4" | "q8";
  /** What the files do not say as the model does. */
  readonly limits: readonly string[];
}

/**
 * Writes an owl as ONNX files that transformers.js 4 loads as `LlavaForConditionalGeneration`: vision encoder with abstractor, table
 * of embeddings, decoder with its past; tokenizer, chat template and processor. That texts become the same ids there is
 * checked with the libraries that it is made of. config.json comes last.
 *
 * @param output a directory that holds no model yet
 * @throws ExportError naming what the format cannot say; TextOnlyError for a language model alone; CheckpointError;
 *   FileError; the signal's reason
 */
export async function exportOnnx(
  model: string | URL,
  output: string,
  options: OnnxExportOptions = {},
): Promise<OnnxExportReport> {
  checkOptions("exportOnnx", options, exportRules);
  await requireNoModel(output);
  const directory = await modelDirectory(model);
  const name = fileName(directory);
  if (options.dtype !== "q4" || (await isQuantized(directory)))
    return exported(name, directory, output, options);
  // The same numbers as those of `owl convert`.
  const between = joinPath(output, ".converting");
  try {
    await convertCheckpoint(directory, between, {
      quantize: "q4",
      visionBlockSize: 128,
      signal: options.signal,
    });
    return await exported(name, between, output, options);
  } finally {
    await removeDirectory(between);
  }
}

async function isQuantized(directory: string): Promise<boolean> {
  const { config, checkpoint } = await openValidated(directory, publishedModel);
  await checkpoint.weights.close();
  return config.quantization !== undefined;
}

async function exported(
  name: string,
  directory: string,
  output: string,
  options: OnnxExportOptions,
): Promise<OnnxExportReport> {
  const { config, checkpoint } = await openValidated(directory, publishedModel);
  try {
    if (config.textOnly) throw new TextOnlyError();
    requireKnownShape(config, directory);
    return await written(name, output, { config, checkpoint, options });
  } finally {
    await checkpoint.weights.close();
  }
}

/** @throws ExportError for models of which other programs' inputs cannot say all that they need */
function requireKnownShape(config: OwlConfig, directory: string): void {
  const { generation } = config;
  if (generation === undefined) return;
  const layers = hyperOf(config)
    ? "look at pictures beside the text"
    : "must be told which tokens are a picture's";
  const problem = `${generationOf(config).title}, whose layers ${layers}`;
  const next = "Run it here, or convert it with `owl convert`.";
  throw new ExportError(directory, "must be a model of LLaVA's shape", [problem], next);
}

interface Opened {
  readonly config: OwlConfig;
  readonly checkpoint: OpenedCheckpoint;
  readonly options: OnnxExportOptions;
}

async function written(name: string, output: string, opened: Opened): Promise<OnnxExportReport> {
  const { config, checkpoint, options } = opened;
  const format = formatOf(config, options, checkpoint.directory);
  const { preprocessorConfig, preprocessorFile } = checkpoint;
  const preprocessor = owlPreprocessor(config, preprocessorConfig, preprocessorFile);
  const lacking = unsupportedPreprocessing(preprocessor);
  if (lacking.length > 0) {
    throw new ExportError(
      preprocessorFile,
      "must say what ONNX can compute",
      lacking,
      "Use a model that reads pictures whole, with another vision tower if need be.",
    );
  }
  const longest = positionsOfFixedAngles(config.language);
  const tokenizer = await loadTokenizer(checkpoint.directory);
  const positions = tokensPerImage(config);
  const sizes = { positions, vocabulary: config.language.vocabulary, longest };
  const texts = writtenTokenizer(tokenizer, sizes);
  requireSamePrompts(tokenizer, texts, positions, checkpoint.directory);
  const graphs: Readonly<Record<string, WrittenGraph>> = {
    vision_encoder: { graph: traceImageFeatures(config), derived: pictureInputs(preprocessor) },
    embed_tokens: { graph: traceEmbeddings(config), derived: embeddingInputs(config.language) },
    decoder_model_merged: { graph: traceDecoder(config, longest), derived: decoderInputs(config.language) },
  };
  const { dataFiles, bytes } = await writeGraphs(output, graphs, opened, format);
  const settings = { checkpoint, config, tokenizer, written: texts, format, longest, dataFiles, positions };
  const content = { name, config, format, longest, positions };
  await writeFileAtomically(joinPath(output, "README.md"), exportCard(content));
  await writeSettingsFiles(output, llavaConfig(settings), settingsFiles(settings));
  return { bytes, format, limits: limitsOf(content) };
}

/** transformers.js's name of the number format. @throws ExportError where the weights have less than it */
function formatOf({ quantization }: OwlConfig, { dtype }: OnnxExportOptions, directory: string): FileFormat {
  if (quantization === undefined) return dtype === "f16" ? "fp16" : "fp32";
  const stored = quantization.language?.bits === 4 ? "q4" : "q8";
  if (dtype === undefined || dtype === stored) return stored;
  throw new ExportError(
    joinPath(directory, modelFiles.config),
    `must describe a model in floating point for --dtype ${dtype}`,
    ["one with a section quantization"],
    "Export the checkpoint that it was converted from, or leave --dtype out.",
  );
}

function requireSamePrompts(
  tokenizer: Tokenizer,
  texts: ReturnType<typeof writtenTokenizer>,
  positions: number,
  directory: string,
): void {
  const differing = differingPrompts(tokenizer, texts, positions);
  if (differing.length === 0) return;
  throw new ExportError(
    directory,
    "must have a tokenizer and a template by which transformers.js makes the same ids",
    [`others for ${differing.join(", ")}`],
    "Such a model cannot be exported; `owl serve` lends it to other programs.",
  );
}

async function writeGraphs(
  output: string,
  graphs: Readonly<Record<string, WrittenGraph>>,
  { checkpoint: { weights: source }, options }: Opened,
  format: FileFormat,
): Promise<{ readonly dataFiles: Record<string, number>; readonly bytes: number }> {
  const { inlineBytes = 500e6, maxFileBytes = 2e9, onProgress, signal } = options;
  const folder = joinPath(output, "onnx");
  await makeDirectory(folder);
  const dataFiles: Record<string, number> = {};
  let done = 0;
  let file = "";
  const weights: ModelWeights = {
    source,
    floatType: format === "fp16" ? "F16" : "F32",
    inlineBytes,
    maxFileBytes,
    signal,
    onBytes: (bytes) => {
      done += bytes;
      onProgress?.(done, total, file);
    },
  };
  const total = Object.values(graphs)
    .flatMap((graph) => weightsOf(graph, weights))
    .reduce((sum, entry) => sum + entryBytes(entry), 0);
  for (const [name, graph] of Object.entries(graphs)) {
    file = `${name}${suffixes[format]}`;
    dataFiles[`${file}.onnx`] = await writeOnnxFiles(folder, file, graph, weights);
  }
  return { dataFiles, bytes: total };
}
