import { besideAdapter, runAround, runCheckpoints } from "../checkpoint/index.ts";
import { ggufParts, isGguf } from "../gguf/index.ts";
import { modelFiles } from "../model-files/index.ts";
import {
  checkOptions,
  completeDirectory,
  described,
  fileName,
  foundPath,
  joinPath,
  localPath,
  nearestName,
  nearHint,
  option,
  packagePath,
  pathKind,
  pathOfUrl,
  shortened,
} from "../platform/index.ts";
import { cachedCommit, cachedGgufModels, cachedModel, canStandAlone } from "./cache.ts";
import { HubError } from "./errors.ts";
import { readRepoFile, readRepoName, repoOfAddress } from "./repo-name.ts";
import { cachePath, type HubOptions } from "./settings.ts";

/** The name of the model that comes with the package. */
export const shippedModel = "owl-nano";

/** Any of these makes a directory one of a model, an adapter or a tokenizer. */
const identifyingFiles = [
  modelFiles.config,
  modelFiles.adapterConfig,
  modelFiles.tokenizer,
  modelFiles.sentencePiece,
];

/** Where model names are resolved. */
export interface ModelDirectoryOptions extends Pick<HubOptions, "cache"> {
  /** The directory that relative paths start from. Default: the working directory. */
  readonly relativeTo?: string | undefined;
}

/**
 * Resolves a model's name to its directory, for the library, the commands and recipes alike.
 *
 * 1. a directory with a model in it, or a GGUF file: a path, `~/…`, a `file:` URL;
 * 2. `owl-nano` (and nothing at all): the model that comes with the package;
 * 3. `org/name[@revision]` or `org/name/FILE.gguf`: a repo of the hub that was fetched ({@link cachedModel}). Asks no network.
 *
 * @throws HubError where it is none of these, with the command that fetches it
 */
export async function modelDirectory(
  model: string | URL = shippedModel,
  options: ModelDirectoryOptions = {},
): Promise<string> {
  checkOptions<ModelDirectoryOptions>("modelDirectory", options, {
    cache: option.text,
    relativeTo: option.text,
  });
  const name = nameOf(model);
  return directoryOf(name, options, (path) => refusal(name, path, options));
}

async function directoryOf(
  name: string,
  { cache, relativeTo }: ModelDirectoryOptions,
  refused: (path: string) => Promise<HubError>,
): Promise<string> {
  const path = await foundPath(localPath(name, relativeTo));
  if (await isGguf(path)) return firstPart(path);
  const directory = await completeDirectory(path).catch(() => undefined);
  if (directory !== undefined && (await isModelDirectory(directory))) return directory;
  if (name === shippedModel) return shippedDirectory();
  const cached = await cachedModel(name, { cache });
  if (cached !== undefined) return cached;
  if (directory !== undefined) return directory;
  throw await refused(path);
}

/** The file that stands for a model in several GGUF files, whichever of them is named: the first has its settings. */
async function firstPart(path: string): Promise<string> {
  const parts = ggufParts(path);
  const kinds = await Promise.all(parts.map((part) => pathKind(part)));
  const missing = parts.filter((_, i) => kinds[i] !== "file").map((part) => fileName(part));
  if (missing.length === 0) return parts[0];
  throw new HubError(
    `${shortened(path)}: must have all ${parts.length} files of its model beside it, got ${missing.slice(0, 4).join(", ")} missing; put them there`,
  );
}

/**
 * As {@link modelDirectory} for a LoRA adapter, which may also be a file.
 *
 * @throws HubError
 */
export async function adapterPath(
  adapter: string | URL,
  options: ModelDirectoryOptions = {},
): Promise<string> {
  const name = nameOf(adapter);
  const path = await foundPath(localPath(name, options.relativeTo));
  if ((await pathKind(path)) === "file") return path;
  const found = await directoryOf(name, options, () => adapterRefusal(name, path));
  if (await isHalfKnown(name, found, options)) {
    throw new HubError(
      `${shortened(name)}: must be known to be whole, got an adapter in the hub's cache without ${besideAdapter.join(" or ")}, which the repo may have beside its matrices; \`owl pull ${name}\` asks the hub once, and its directory is taken as it is: ${found}`,
    );
  }
  return found;
}

/** Whether a name stands for an adapter that another program put into the cache, perhaps without the tensors beside its matrices. */
async function isHalfKnown(name: string, found: string, { cache }: ModelDirectoryOptions): Promise<boolean> {
  const repo = readRepoName(name);
  if (repo === undefined) return false;
  const hubCache = cache ?? cachePath();
  const cached = await cachedCommit(hubCache, repo);
  if (cached?.directory !== found) return false;
  const isAdapter = (await pathKind(joinPath(found, modelFiles.adapterConfig))) === "file";
  return isAdapter && !(await canStandAlone(hubCache, repo, cached));
}

async function isModelDirectory(directory: string): Promise<boolean> {
  const kinds = await Promise.all(identifyingFiles.map((file) => pathKind(joinPath(directory, file))));
  return kinds.includes("file");
}

async function shippedDirectory(): Promise<string> {
  const directory = packagePath(`models/${shippedModel}`);
  if ((await pathKind(directory)) === "directory") return directory;
  throw new HubError(
    `${shippedModel}: must lie beside the package's code in ${directory}, got no such directory; install mplug-owl again, or leave it out of your bundle`,
  );
}

const must = "must be a model directory (config.json, model.safetensors, tokenizer.json)";

function nameOf(model: unknown): string {
  if (model === "") throw new HubError(`model: ${must} or a name, got an empty text`);
  if (typeof model === "string" && !/^[a-z][a-z\d+.-]+:\/\//i.test(model)) return model;
  if (typeof model !== "string" && !(model instanceof URL)) {
    throw new HubError(
      `model: must be a path, ${shippedModel} or org/name of the hub, got ${described(model)}`,
    );
  }
  const url = URL.canParse(String(model)) ? new URL(model) : undefined;
  const path = url && pathOfUrl(url);
  if (path !== undefined) return path;
  const repo = repoOfAddress(String(model));
  const next = repo === undefined ? "fetch its files into a directory" : `write ${repo}`;
  throw new HubError(`${shortened(String(model))}: ${must} or a name, got an address; ${next}`);
}

async function refusal(name: string, path: string, { cache }: ModelDirectoryOptions): Promise<HubError> {
  const shown = shortened(name) || '""';
  if ((await pathKind(path).catch(() => "missing")) === "file") {
    return new HubError(
      `${shown}: ${must}, got a file; name the directory it lies in (an adapter's file is given as the adapter: --adapter)`,
    );
  }
  const run = await runAround(path);
  if (run !== undefined) {
    const known = (await runCheckpoints(run)).map((one) => `${one.path} (step ${one.step})`);
    return new HubError(
      `${shown}: must be a checkpoint of the run ${run}, got none of that name; it has ${known.join(", ") || "none yet"}`,
    );
  }
  const files = await cachedGgufModels(name, { cache });
  if (files.length > 1) {
    return new HubError(
      `${shown}: must be one model, got a repo in the hub's cache with several; name one: ${files.join(", ")}`,
    );
  }
  if (readRepoFile(name) !== undefined) {
    return new HubError(
      `${shown}: must be a GGUF file, or one in the hub's cache, got neither; ${howToFetch(name)}`,
    );
  }
  const isPath = /[\\/]/.test(name);
  const near = isPath ? fileName(name) === shippedModel && shippedModel : nearestName(name, [shippedModel]);
  const meant = near ? `; did you mean ${near}?` : await nearHint(path);
  if (readRepoName(name) === undefined || near) {
    return new HubError(
      `${shown}: ${must} or ${shippedModel}, which comes with the package, got no such directory${meant}`,
    );
  }
  return new HubError(`${shown}: ${must} or a repo in the hub's cache, got neither; ${howToFetch(name)}`);
}

async function adapterRefusal(name: string, path: string): Promise<HubError> {
  const shown = shortened(name) || '""';
  const next =
    readRepoName(name) === undefined
      ? `got no such file${await nearHint(path)}`
      : `got neither; ${howToFetch(name)}`;
  return new HubError(
    `${shown}: must be a LoRA adapter (its directory or file) or a repo in the hub's cache, ${next}`,
  );
}

const howToFetch = (name: string): string =>
  `\`owl pull ${name}\` fetches it if the hub has it (in a program: await pull("${name}"))`;
