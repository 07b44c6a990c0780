import { z } from "zod";
import { modelFiles } from "../model-files/index.ts";
import {
  completeDirectory,
  directoryEntries,
  fileName,
  joinPath,
  parentDirectory,
  pathKind,
  readJson,
} from "../platform/index.ts";
import { type Adapter, adapterFrom } from "./adapter.ts";
import { CheckpointError } from "./errors.ts";
import { readAll } from "./tensor-source.ts";
import { openTensors, safetensors, wholeFile } from "./weight-formats.ts";

/** The directory of a run's initial model, beside `state/` (its last checkpoint) and `model/` (its result). */
export const startDirectory = "start";
/** In it: the file that names the base model. */
export const startFile = "run.json";

/** What the config of a checkpoint of a run calls it. */
export const stateModelType = "mplug-owl-training-state";
/** In a checkpoint of a run: how far it is. */
const stateFile = "training_state.json";
/** In the directory of a run: its last checkpoint, the best one, and directories of earlier ones. */
const checkpointPlaces = ["state", "best"];
const earlierPlace = "checkpoints";

/** A checkpoint of a run, as far as inference needs it. */
export interface RunCheckpoint {
  /** A directory with the settings and the tokenizer of the trained model; it has weights only where the base is a fresh model. */
  readonly settings: string;
  /** The directory of the base model. */
  readonly base: string;
  /** The parameters trained so far: a LoRA, and tensors that replace the base's. */
  readonly trained: Adapter;
  /** Steps done, of how many. */
  readonly step: number;
  readonly steps: number;
}

const stateSchema = z.object({
  step: z.int().nonnegative(),
  evaluation: z.object({ sinceBest: z.number() }).optional(),
  recipe: z.object({
    steps: z.int().positive(),
    patience: z.number().optional(),
    lora: z
      .object({
        rank: z.number(),
        alpha: z.number(),
        dropout: z.number(),
        targets: z.union([z.string(), z.array(z.string())]),
        useRslora: z.boolean().optional(),
        useDora: z.boolean().optional(),
        modulesToSave: z.array(z.string()).optional(),
      })
      .nullish(),
  }),
});
const configSchema = z.object({ model_type: z.string() });
const startSchema = z.object({ model: z.string().nullable() });

/**
 * Opens the output directory of `owl train`: the model directory of a finished run, or the last checkpoint of an unfinished
 * one; or a checkpoint in it (`best`, `checkpoints/step-20`). Undefined for any other directory.
 *
 * @throws CheckpointError where a run has no checkpoint yet
 */
export async function openRun(directory: string): Promise<string | RunCheckpoint | undefined> {
  if (await isCheckpoint(directory)) {
    const run = await runAround(directory);
    if (run !== undefined) return openCheckpointOf(run, directory);
    throw runError(
      directory,
      `no run around it, whose ${startDirectory}/ says which model it began with`,
      "Put it back into the directory that `owl train` wrote.",
    );
  }
  if (!(await isRun(directory))) return undefined;
  const result = await resultOfRun(directory);
  if (result !== undefined) return result;
  const state = await lastState(directory);
  if (state !== undefined) return openCheckpointOf(directory, state);
  throw runError(directory, "the run has none yet", "It is asked when the first `saveEvery` steps are done.");
}

/**
 * The model directory of a run that is done; undefined for any other directory, and for a run that goes on: what an earlier part of
 * it wrote is no result of it any more.
 */
export async function resultOfRun(directory: string): Promise<string | undefined> {
  const model = joinPath(directory, "model");
  if (!(await isRun(directory)) || (await pathKind(joinPath(model, modelFiles.config))) !== "file")
    return undefined;
  const state = await lastState(directory);
  if (state === undefined) return model;
  const { step, recipe, evaluation } = await readState(state);
  const { steps, patience = Number.POSITIVE_INFINITY } = recipe;
  return step >= steps || (evaluation?.sinceBest ?? 0) >= patience ? model : undefined;
}

const lastState = (run: string): Promise<string | undefined> =>
  completeDirectory(joinPath(run, "state")).catch(() => undefined);

const readState = async (checkpoint: string): Promise<z.infer<typeof stateSchema>> =>
  stateSchema.parse(await readJson(joinPath(checkpoint, stateFile)));

/** A checkpoint of a run's directory. */
async function openCheckpointOf(directory: string, checkpoint: string): Promise<RunCheckpoint> {
  const { step, recipe } = await readState(checkpoint);
  const settings = joinPath(directory, startDirectory);
  const start = joinPath(settings, startFile);
  if ((await pathKind(start)) !== "file") {
    throw runError(
      directory,
      `no ${startDirectory}/${startFile}`,
      "`owl train RECIPE --resume` finishes the run.",
    );
  }
  const { model: named } = startSchema.parse(await readJson(start));
  const base = named ?? settings;
  if ((await pathKind(base)) !== "directory") {
    throw runError(directory, `no directory ${base}, the model that it began with`, "Put it back there.");
  }
  const trained = await trainedPart(checkpoint, recipe.lora);
  return { settings, base, trained, step, steps: recipe.steps };
}

/** Whether a directory is a checkpoint of a training run. */
export async function isCheckpoint(directory: string): Promise<boolean> {
  const config = joinPath(directory, modelFiles.config);
  for (const path of [joinPath(directory, stateFile), config]) {
    if ((await pathKind(path)) !== "file") return false;
  }
  return configSchema.safeParse(await readJson(config)).data?.model_type === stateModelType;
}

/** The run in whose directory a path lies, as its checkpoints do; undefined where there is none. */
export async function runAround(path: string): Promise<string | undefined> {
  const parent = parentDirectory(path);
  for (const directory of [parent, parentDirectory(parent)]) if (await isRun(directory)) return directory;
  return undefined;
}

/** The checkpoints of a run that can be asked by their paths, such as `best` and `checkpoints/step-20`, with their steps. */
export async function runCheckpoints(run: string): Promise<readonly { path: string; step: number }[]> {
  const earlier = joinPath(run, earlierPlace);
  const names = (await pathKind(earlier)) === "directory" ? await directoryEntries(earlier) : [];
  const found: { path: string; step: number }[] = [];
  for (const path of [...checkpointPlaces, ...names.map((name) => `${earlierPlace}/${name}`)]) {
    const directory = joinPath(run, path);
    if (await isCheckpoint(directory)) found.push({ path, step: (await readState(directory)).step });
  }
  return found.sort((a, b) => a.step - b.step);
}

/** Whether a directory is the output of a training run and no model. */
export async function isRun(directory: string): Promise<boolean> {
  if ((await pathKind(directory)) !== "directory") return false;
  if ((await pathKind(joinPath(directory, modelFiles.config))) === "file") return false;
  const names = ["state", "state.next", startDirectory];
  const kinds = await Promise.all(names.map((name) => pathKind(joinPath(directory, name))));
  return kinds.includes("directory");
}

/** The trained parameters of a checkpoint: LoRA matrices, and tensors that replace the base's. */
async function trainedPart(
  state: string,
  lora: z.infer<typeof stateSchema>["recipe"]["lora"],
): Promise<Adapter> {
  const path = joinPath(state, wholeFile(safetensors));
  const tensors = await readAll(await openTensors(path));
  if (
    lora === undefined ||
    lora === null ||
    ![...tensors.keys()].some((name) => name.endsWith(".lora_A.weight"))
  ) {
    const settings = { rank: 1, alpha: 1, dropout: 0, targetModules: [] };
    return { settings, lora: new Map(), replaced: tensors };
  }
  const { targets, ...settings } = lora;
  return { ...adapterFrom(tensors, undefined, path), settings: { ...settings, targetModules: targets } };
}

function runError(directory: string, problem: string, next: string): CheckpointError {
  return new CheckpointError(
    directory,
    `the run ${fileName(directory)} must have a checkpoint that can be asked`,
    [problem],
    next,
  );
}
