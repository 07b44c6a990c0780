import { hasWeights, openRun, openWeights } from "../checkpoint/index.ts";
import { modelFiles } from "../model-files/index.ts";
import {
  directoryEntries,
  fileName,
  fileSize,
  joinPath,
  pathKind,
  readJson,
  readText,
} from "../platform/index.ts";
import { HubError } from "./errors.ts";
import { isLocalModel, nameOfModel } from "./model-name.ts";
import { requiredFiles } from "./required-files.ts";

/** A file to send. */
export interface PushedFile {
  /** In the repo. */
  readonly path: string;
  readonly bytes: number;
}

/** What of a directory is sent. */
export interface PushedFiles {
  /** The directory of the model; of a run, that of its result. */
  readonly directory: string;
  readonly files: readonly PushedFile[];
  /** What is sent in the place of files that name models by paths of this machine, by their paths in the repo. */
  readonly texts: Readonly<Record<string, string>>;
  /** The names of base models in those texts. */
  readonly bases: Readonly<Record<string, string>>;
  /** What stays here. */
  readonly leftOut: readonly string[];
}

/** A training's state, and what programs and systems leave behind: no part of a model. */
const LEFT_OUT =
  /^(state|state\.next|start|log\.jsonl|runs|training_state\.json|trainer_state\.json|training_args\.bin|optimizer\..*|scheduler\.pt|scaler\.pt|rng_state.*|global_step.*|conversion\.json|__pycache__|.*\.(tmp|partial|incomplete|lock)|\..+)$/;

/** Names of files that hold keys. */
const SECRET_NAME =
  /(^\.?env(\..*)?$|^\.env|\.pem$|\.key$|\.p12$|^id_(rsa|dsa|ecdsa|ed25519)|^\.?(netrc|npmrc|pypirc|git-credentials)$|^(token|credentials|secrets?)(\.(txt|json|ya?ml))?$)/i;

/** What keys look like in texts. */
const SECRET =
  /\bhf_[A-Za-z0-9]{30,}\b|\bsk-[A-Za-z0-9_-]{32,}|\bgh[pousr]_[A-Za-z0-9]{36}|\bAKIA[0-9A-Z]{16}\b|-----BEGIN [A-Z ]*PRIVATE KEY-----/;

/** Larger files are weights. A tokenizer has words of any letters, but no key. */
const LONGEST_TEXT = 4e6;

const DEEPEST = 5;

/**
 * The files of a finished model, an adapter or an exported model. Of a run's directory the model is meant.
 *
 * @throws HubError for a directory that is none of these, that lacks weights, or that holds secrets
 */
export async function filesToPush(given: string): Promise<PushedFiles> {
  const directory = await finished(given);
  await requireWhole(directory);
  const files: PushedFile[] = [];
  const leftOut: string[] = [];
  const secrets: string[] = [];
  const visit = async (folder: string, depth: number): Promise<void> => {
    for (const name of (await directoryEntries(joinPath(directory, folder))).toSorted()) {
      const path = folder === "" ? name : `${folder}/${name}`;
      const whole = joinPath(directory, path);
      const kind = await pathKind(whole);
      if (kind === "file" && (SECRET_NAME.test(name) || (await holdsSecret(whole)))) secrets.push(path);
      else if (LEFT_OUT.test(name) || kind === "missing") leftOut.push(path);
      else if (kind === "file") files.push({ path, bytes: (await fileSize(whole)) ?? 0 });
      else if (depth < DEEPEST) await visit(path, depth + 1);
      else leftOut.push(path);
    }
  };
  await visit("", 1);
  if (secrets.length > 0) {
    throw new HubError(
      `${directory}: must hold no secrets to be sent, got ${secrets.join(", ")}; take them out of the directory (nothing was sent)`,
    );
  }
  const { texts, bases } = await withoutPaths(directory, files);
  const sizeOf = ({ path, bytes }: PushedFile): number =>
    Object.hasOwn(texts, path) ? new TextEncoder().encode(texts[path]).length : bytes;
  return { directory, files: files.map((file) => ({ ...file, bytes: sizeOf(file) })), texts, bases, leftOut };
}

/**
 * Adapters name their base model by where it lies on this machine, so that it is found here. Others are told its name alone: the
 * repo's, or the last part of the path.
 */
async function withoutPaths(
  directory: string,
  files: readonly PushedFile[],
): Promise<Pick<PushedFiles, "texts" | "bases">> {
  const texts: Record<string, string> = {};
  const bases: Record<string, string> = {};
  for (const { path } of files) {
    if (fileName(path) !== modelFiles.adapterConfig) continue;
    const content = Object(await readJson(joinPath(directory, path))) as Record<string, unknown>;
    const base = content.base_model_name_or_path;
    if (typeof base !== "string" || base === "" || !isLocalModel(base)) continue;
    bases[path] = nameOfModel(base);
    texts[path] = `${JSON.stringify({ ...content, base_model_name_or_path: bases[path] }, null, 2)}\n`;
  }
  return { texts, bases };
}

/** The directory of a run's model; any other as it is. */
async function finished(directory: string): Promise<string> {
  const run = await openRun(directory);
  if (run === undefined || typeof run === "string") return run ?? directory;
  const adapter = joinPath(directory, "adapter");
  const next =
    run.step >= run.steps && (await pathKind(adapter)) === "directory"
      ? `its result is an adapter: push ${adapter}`
      : `\`owl train RECIPE --resume\` finishes it (step ${run.step} of ${run.steps})`;
  throw new HubError(
    `${directory}: must be the directory of a finished model, got a run without one; ${next}`,
  );
}

/** @throws HubError where it is no model; CheckpointError where files of its weights are missing */
async function requireWhole(directory: string): Promise<void> {
  const kind = await pathKind(directory);
  if (kind !== "directory") {
    const got = kind === "file" ? "a file; name the directory that it lies in" : "no such directory";
    throw new HubError(`${directory}: must be the directory of a model or an adapter, got ${got}`);
  }
  const names = await directoryEntries(directory);
  const { weights, settings } = requiredFiles(new Set(names));
  const isExported = names.includes(modelFiles.config) && names.includes("onnx");
  if (settings.length === 0 || (weights.length === 0 && !isExported)) {
    throw new HubError(
      `${directory}: must be the directory of a finished model or an adapter, got ${names.slice(0, 8).join(", ") || "no file"}; name the directory that \`owl train\`, merge, convert or export wrote`,
    );
  }
  if (names.includes(modelFiles.config) && (await hasWeights(directory))) {
    await (await openWeights(directory)).close();
  }
}

async function holdsSecret(path: string): Promise<boolean> {
  const bytes = (await fileSize(path)) ?? 0;
  if (bytes > LONGEST_TEXT || !/\.(json|jsonl|jinja|md|txt|ya?ml|toml|py|sh|ini|cfg)$/i.test(fileName(path)))
    return false;
  return SECRET.test(await readText(path));
}
