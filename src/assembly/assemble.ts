import {
  CheckpointError,
  entryBytes,
  type OpenedCheckpoint,
  openCheckpoint,
  readTokenizerFiles,
  requireNoModel,
  rowsOf,
  type ShardSettings,
  shardRules,
  type TensorEntry,
  type TensorSource,
  validatedWeights,
  writeSettingsFiles,
} from "../checkpoint/index.ts";
import { modelDirectory } from "../hub/index.ts";
import { publishedPreprocessor } from "../image/index.ts";
import {
  configJson,
  describeParameters,
  familyTitles,
  type LanguageConfig,
  type OnProblem,
  type OwlConfig,
  type ParameterDescription,
  parseConfig,
  towerTitles,
  type VisionConfig,
} from "../model/index.ts";
import { modelFiles } from "../model-files/index.ts";
import { checkOptions, joinPath, type OptionRules, option } from "../platform/index.ts";
import { allocate, elementCount } from "../tensor/index.ts";
import { loadTokenizer } from "../tokenizer/index.ts";
import { initialize } from "../training/index.ts";
import {
  languageWeights,
  type PublishedLanguageModel,
  readPublishedLanguage,
  withStoredHead,
} from "./language.ts";
import { combined } from "./tensor-sources.ts";
import { type PublishedVisionConfig, readPublishedVision, sizedVision, visionWeights } from "./vision.ts";
import { writeWeights } from "./write-weights.ts";

export interface AssemblyOptions extends ShardSettings {
  /** Directory of a vision tower as Hugging Face has it, alone or in a model of pictures and texts. */
  readonly vision: string;
  /** Directory of a language model of a known family, with its tokenizer, or a GGUF file of one. */
  readonly language: string;
  /** Learned queries a picture. Default 64, as published. */
  readonly queries?: number | undefined;
  /** Layers of the abstractor. Default 6, as published. */
  readonly abstractorLayers?: number | undefined;
  /**
   * Side of the square pictures in pixels. Default: as the vision tower's own preprocessing makes them. At another size
   * its positions are interpolated, as transformers does it.
   */
  readonly imageSize?: number | undefined;
  /** Seed of the abstractor's initialisation. Default 0. */
  readonly seed?: number | undefined;
}

const assemblyRules: OptionRules<AssemblyOptions> = {
  ...shardRules,
  vision: option.place.unwrap().describe(`the directory of a ${towerTitles()}`),
  language: option.place.unwrap().describe("the directory of a language model"),
  queries: option.count,
  abstractorLayers: option.count,
  imageSize: option.count,
  seed: option.size,
};

/** A part of an assembled owl. */
export interface AssembledPart {
  readonly module: ParameterDescription["module"];
  readonly parameters: number;
  /** What its weights take on the disk. */
  readonly bytes: number;
}

export interface AssemblyReport {
  readonly config: OwlConfig;
  readonly parts: readonly AssembledPart[];
  /** Files of weights. */
  readonly files: number;
}

/**
 * Makes an owl of a vision encoder and a language model that were trained apart: its visual abstractor is fresh, so it
 * is what stage 1 (paper §3.2) begins with. Written in the published layout, with the language model's tokenizer and the
 * vision encoder's preprocessing; weights keep their number formats, and go from file to file in pieces. config.json
 * comes last, so what was stopped is never taken for a model.
 *
 * @param output a directory that holds no model yet
 * @throws CheckpointError, ModelConfigError, TokenizerError and their like, naming every setting that is not supported
 *   and every tensor that does not fit
 */
export async function assembleOwl(output: string, given: AssemblyOptions): Promise<AssemblyReport> {
  checkOptions("assembleOwl", given, assemblyRules);
  await requireNoModel(output);
  const options = {
    ...given,
    vision: await modelDirectory(given.vision),
    language: await modelDirectory(given.language),
  };
  const vision = await openCheckpoint(options.vision);
  const language = await openCheckpoint(options.language).catch(async (error: unknown) => {
    await vision.weights.close();
    throw error;
  });
  try {
    return await assembled(output, vision, language, options);
  } finally {
    await vision.weights.close();
    await language.weights.close();
  }
}

async function assembled(
  output: string,
  vision: OpenedCheckpoint,
  language: OpenedCheckpoint,
  options: AssemblyOptions,
): Promise<AssemblyReport> {
  const found = publishedParts(vision, language);
  const languageSource = languageWeights(language.weights, found.language);
  const languageConfig = await withStoredHead(found.language.config, languageSource);
  const { published, preprocessor } = sizedVision(found.vision, vision, options.imageSize);
  const { queries = 64, abstractorLayers = 6 } = options;
  const config = parseConfig(
    configJson({
      ...owlConfig(published.config, languageConfig, queries, abstractorLayers),
      ...(found.language.quantization && { quantization: found.language.quantization }),
    }),
    "the assembled config.json",
  );
  const tokenizer = await loadTokenizer(language.directory);
  if (tokenizer.vocabularySize > config.language.vocabulary) {
    throw new CheckpointError(
      language.directory,
      `must have a tokenizer of at most ${config.language.vocabulary} tokens, as its config.json says`,
      [`one of ${tokenizer.vocabularySize}`],
      "Do they belong together?",
    );
  }
  const parameters = describeParameters(config);
  const dims = new Map(parameters.map((parameter) => [parameter.name, parameter.dims]));
  const sources = [
    visionWeights(vision.weights, published, dims),
    freshWeights(parameters, options.seed ?? 0),
    languageSource,
  ];
  const whole = combined(`${options.vision} and ${options.language}`, sources);
  const weights = await validatedWeights(whole, parameters);
  const { entries, files } = await writeWeights(weights, output, options);
  await writeSettingsFiles(output, configJson(config), {
    ...(await readTokenizerFiles(language.directory)),
    [modelFiles.generationConfig]: language.generationConfig ?? eosTokenIds(language.config),
    [modelFiles.preprocessorConfig]: publishedPreprocessor(preprocessor),
  });
  return { config, parts: partsOf(entries, parameters), files };
}

/** The EOS tokens where the language model's config.json names several: an owl's config.json names one. */
function eosTokenIds(config: unknown): unknown {
  const { eos_token_id } = config as { eos_token_id?: unknown };
  return Array.isArray(eos_token_id) ? { eos_token_id } : undefined;
}

/** The settings of both parts; all problems of both are told at once. */
function publishedParts(
  { config: visionJson, directory: visionDirectory }: OpenedCheckpoint,
  { config: languageJson, directory: languageDirectory }: OpenedCheckpoint,
): { vision: PublishedVisionConfig; language: PublishedLanguageModel } {
  const problems: string[] = [];
  const problemOf =
    (directory: string): OnProblem =>
    (key, problem) =>
      problems.push(`${joinPath(directory, modelFiles.config)}: ${key}: ${problem}`);
  const vision = readPublishedVision(visionJson, problemOf(visionDirectory));
  const language = readPublishedLanguage(languageJson, problemOf(languageDirectory));
  if (problems.length > 0 || vision === undefined || language === undefined) {
    throw new CheckpointError(
      "assemble",
      `vision must be a ${towerTitles()} and language a ${familyTitles()} with settings that are computed here`,
      problems,
      "Take other parts.",
    );
  }
  return { vision, language };
}

function owlConfig(
  vision: VisionConfig,
  language: LanguageConfig,
  numQueryTokens: number,
  layers: number,
): OwlConfig {
  // The published width: two thirds of four times the hidden size, in steps of 256 (2,816 for 1,024).
  const intermediate = 256 * Math.ceil((8 * vision.hidden) / 3 / 256);
  const { hidden, heads } = vision;
  const abstractor = { hidden, layers, heads, intermediate, epsilon: 1e-6, initializerRange: 0.02 };
  return { vision, abstractor, language, numQueryTokens };
}

/** The initialised abstractor. */
function freshWeights(parameters: readonly ParameterDescription[], seed: number): TensorSource {
  const fresh = new Map(
    parameters.filter(({ module }) => module === "visual abstractor").map((one) => [one.name, one]),
  );
  return {
    path: "fresh weights",
    tensors: [...fresh.values()].map(({ name, dims }) => ({ name, dims, type: "F32" })),
    read: async (name, rows) => {
      const { dims, initial } = fresh.get(name)!;
      const tensor = allocate("float32", dims);
      initialize(tensor.data, name, initial, seed);
      return rowsOf(tensor, rows);
    },
    close: async () => {},
  };
}

function partsOf(
  entries: readonly TensorEntry[],
  parameters: readonly ParameterDescription[],
): AssembledPart[] {
  const modules = new Map(parameters.map(({ name, module }) => [name, module]));
  return [...new Set(modules.values())].map((module) => {
    const own = entries.filter(({ name }) => modules.get(name) === module);
    return {
      module,
      parameters: own.reduce((sum, { dims }) => sum + elementCount(dims), 0),
      bytes: own.reduce((sum, entry) => sum + entryBytes(entry), 0),
    };
  });
}
