import {
  type Adapter,
  loadAdapter,
  mergeLora,
  type OpenedCheckpoint,
  openRun,
  openValidated,
  type RunCheckpoint,
  readAll,
  type StateDict,
} from "../checkpoint/index.ts";
import type { GenerationSettings } from "../generation/index.ts";
import { adapterPath, modelDirectory } from "../hub/index.ts";
import type { Fidelity, Preprocessor } from "../image/index.ts";
import {
  areMappable,
  besideQuantized,
  calibrateKvCache,
  LoadedModel,
  owlPreprocessor,
  storedParameters,
} from "../inference/index.ts";
import {
  describeParameters,
  type KvCacheDtype,
  type OwlConfig,
  publishedModel,
  withActivations,
} from "../model/index.ts";
import { isGgufFile } from "../model-files/index.ts";
import { joinPath, OptionsError, pathKind } from "../platform/index.ts";
import { taughtSettings, withModelTemplate } from "../prompt/index.ts";
import { type Device, openDevice, type StoredParameters } from "../runtime/index.ts";
import { createTokenizer, loadTokenizer, readGgufTokenizer, type Tokenizer } from "../tokenizer/index.ts";
import { checkKvCache, checkLoadOptions, type LoadOptions } from "./load-options.ts";
import { defaultsOf, warningsOf, withAnswerEnd } from "./model-defaults.ts";
import { PixelCache } from "./pixel-cache.ts";

/** What an owl is made of. */
export interface OwlParts {
  readonly directory: string;
  readonly config: OwlConfig;
  readonly base: StateDict;
  readonly adapter: Adapter | undefined;
  readonly model: LoadedModel;
  readonly tokenizer: Tokenizer | undefined;
  /** Undefined for a language model alone. */
  readonly preprocessor: Preprocessor | undefined;
  readonly defaults: GenerationSettings;
  readonly fidelity: Fidelity;
  /** Undefined: as the model was taught. */
  readonly framesPerVideo: number | undefined;
  readonly pixelCache: PixelCache;
  readonly warnings: readonly string[];
  readonly progress: { readonly step: number; readonly steps: number } | undefined;
}

/**
 * Reads a model: its directory, that of a run (whose model or last checkpoint it stands for), or a repo of the hub.
 *
 * @throws an Error that names the file and everything in it that does not fit; OptionsError; HubError
 */
export async function loadParts(model: string | URL | undefined, options: LoadOptions): Promise<OwlParts> {
  checkLoadOptions(options);
  const { fidelity = "default", device, threads, spinning, binding } = options;
  const { framesPerVideo } = options;
  const directory = await modelDirectory(model);
  const run = await runAt(directory);
  if (typeof run === "string") return loadParts(run, options);
  const adapterFile = options.adapter === undefined ? undefined : await adapterPath(options.adapter);
  const opened = await openDevice({
    ...(device !== undefined && { device }),
    ...(threads !== undefined && { threads }),
    ...(spinning !== undefined && { spinning }),
    ...(binding !== undefined && { binding }),
  });
  if (run !== undefined && adapterFile !== undefined) throw adapterOfRunError(directory, adapterFile);
  const mapped = opened.copiesFeeds && adapterFile === undefined && run === undefined;
  const read = await readModel(run?.base ?? directory, mapped);
  const { checkpoint, base, stored } = read;
  const config = withLoadedActivations(read.config, directory, options);
  checkKvCache(config, directory, options);
  const adapter =
    adapterFile === undefined ? run?.trained : await loadAdapter(adapterFile, floatingParameters(config));
  const warnings = await warningsOf(checkpoint, directory, adapter, adapterFile);
  for (const warning of warnings) (options.onWarning ?? console.warn)(warning);
  const { kvCacheDtype } = options;
  const parts = { config, base, stored, adapter, where: adapterFile ?? directory, kvCacheDtype };
  const loaded = loadedModel(parts, opened);
  if (stored !== undefined) await loaded.warmup();
  await calibrateKvCache(loaded);
  const found = await optionalTokenizer(run?.settings ?? directory, adapter?.promptTemplate);
  const tokenizer = found && withModelTemplate(found, config);
  return {
    directory,
    config,
    base,
    adapter,
    model: loaded,
    tokenizer,
    preprocessor: config.textOnly
      ? undefined
      : owlPreprocessor(config, checkpoint.preprocessorConfig, checkpoint.preprocessorFile),
    defaults: withAnswerEnd(defaultsOf(checkpoint, config), tokenizer),
    fidelity,
    framesPerVideo,
    pixelCache: new PixelCache(),
    warnings,
    progress: run && run.step < run.steps ? { step: run.step, steps: run.steps } : undefined,
  };
}

function withLoadedActivations(
  config: OwlConfig,
  directory: string,
  { activations }: LoadOptions,
): OwlConfig {
  const { quantization } = config;
  if (quantization === undefined && activations === "int8") {
    throw new OptionsError(
      `${directory}: activations "int8" must be used with a model in 4 or 8 bits, got one in floating point; leave it out, or convert the model first`,
    );
  }
  if (activations === undefined || quantization === undefined) return config;
  return { ...config, quantization: withActivations(quantization, activations) };
}

/** A model that is in memory already, with what turns words and pictures into its inputs. */
export interface ModelInMemory {
  /** The directory that its settings come from, for errors. */
  readonly directory: string;
  readonly model: LoadedModel;
  readonly tokenizer: Tokenizer;
  /** Undefined for a language model alone. */
  readonly preprocessor: Preprocessor | undefined;
  /** The content of generation_config.json. */
  readonly generationConfig?: unknown;
  readonly framesPerVideo?: number | undefined;
}

/** The parts of an owl over a model in memory. */
export function partsInMemory({
  directory,
  model,
  tokenizer,
  preprocessor,
  generationConfig,
  framesPerVideo,
}: ModelInMemory): OwlParts {
  const { config, parameters } = model;
  return {
    directory,
    config,
    base: parameters,
    adapter: undefined,
    model,
    tokenizer,
    preprocessor,
    defaults: withAnswerEnd(defaultsOf({ directory, generationConfig }, config), tokenizer),
    fidelity: "default",
    framesPerVideo,
    pixelCache: new PixelCache(),
    warnings: [],
    progress: undefined,
  };
}

/**
 * The settings and weights of a model directory, which are checked against each other before the weights are read.
 * Quantised weights stay in their files, from where programs map them; so do others with `mapped`, where their format
 * allows it.
 */
async function readModel(
  directory: string,
  mapped: boolean,
): Promise<{
  checkpoint: OpenedCheckpoint;
  config: OwlConfig;
  base: StateDict;
  stored: StoredParameters | undefined;
}> {
  const { config, checkpoint } = await openValidated(directory, publishedModel);
  const { weights } = checkpoint;
  try {
    // Blocks of a GGUF file are laid out anew, so they cannot be mapped from it.
    const isQuantized = config.quantization !== undefined && !isGgufFile(directory);
    if (isQuantized || (mapped && areMappable(weights))) {
      return { checkpoint, config, base: new Map(), stored: await storedParameters(weights) };
    }
    return { checkpoint, config, base: await readAll(weights), stored: undefined };
  } finally {
    await weights.close();
  }
}

/** What a training run's directory stands for: its finished model (a directory) or its last checkpoint. URLs are no runs. */
async function runAt(directory: string): Promise<string | RunCheckpoint | undefined> {
  return directory.includes("://") ? undefined : openRun(directory);
}

function adapterOfRunError(directory: string, adapter: string): Error {
  return new Error(
    `${adapter}: an adapter stands beside a model, got the checkpoint of a run that is not done, ${directory}; \`owl train RECIPE --resume\` finishes it`,
  );
}

/** A model's parameters by name, as they are before any quantisation. */
function floatingParameters({ quantization: _, ...config }: OwlConfig): Map<string, unknown> {
  return new Map(describeParameters(config).map((parameter) => [parameter.name, parameter]));
}

/** The model of a directory in few bits with an adapter beside it whose numbers change between calls. */
export async function besideLearning(
  directory: string,
  adapter: Adapter,
  device: Device,
): Promise<LoadedModel> {
  const { config, base, stored } = await readModel(directory, false);
  return loadedModel({ config, base, stored, adapter, where: directory, changes: true }, device);
}

/** A model with an adapter merged into its weights, or beside them where they are quantised. */
function loadedModel(parts: ReadParts, device: Device): LoadedModel {
  const { config, base, stored, adapter, where, changes, kvCacheDtype } = parts;
  if (adapter === undefined) return new LoadedModel(config, base, device, { stored, kvCacheDtype });
  if (config.quantization === undefined) {
    return new LoadedModel(config, mergeLora(base, adapter, where), device, { kvCacheDtype });
  }
  const inMemory: StoredParameters = { directory: "", places: new Map() };
  const beside = besideQuantized(config, stored ?? inMemory, adapter, where);
  const parameters = new Map([...base, ...beside.parameters]);
  return new LoadedModel(config, parameters, device, {
    ...beside,
    stored: stored && beside.stored,
    changes,
    kvCacheDtype,
  });
}

/** What a loaded model is made of. */
interface ReadParts {
  readonly config: OwlConfig;
  readonly base: StateDict;
  readonly stored: StoredParameters | undefined;
  readonly adapter: Adapter | undefined;
  /** The adapter's place, for errors. */
  readonly where: string;
  /** Whether the numbers of an adapter beside it change between calls. */
  readonly changes?: boolean;
  readonly kvCacheDtype?: KvCacheDtype | undefined;
}

/** The tokenizer of a directory, if there is one; an adapter may bring the prompt template it was trained with. */
async function optionalTokenizer(directory: string, template: unknown): Promise<Tokenizer | undefined> {
  const settings = taughtSettings(template);
  if (isGgufFile(directory)) {
    const content = await readGgufTokenizer(directory);
    return content && createTokenizer(content.json, { ...content.configuration, ...settings });
  }
  for (const name of ["tokenizer.json", "tokenizer.model"]) {
    if ((await pathKind(joinPath(directory, name))) === "file") return loadTokenizer(directory, settings);
  }
  return undefined;
}
