import { z } from "zod";
import { modelFiles } from "../model-files/index.ts";
import { completeDirectory, fileName, joinPath, pathKind, readJson } from "../platform/index.ts";
import { type Adapter, adapterFrom } from "./adapter.ts";
import { CheckpointError } from "./errors.ts";
import { readAll } from "./tensor-source.ts";
import { openTensors, safetensors, wholeFile } from "./weight-formats.ts";

/** The directory of a run's initial model, beside `state/` (its last checkpoint) and `model/` (its result). */
export const startDirectory = "start";
/** In it: the file that names the base model. */
export const startFile = "run.json";

/** The last checkpoint of an unfinished run, as far as inference needs it. */
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
const startSchema = z.object({ model: z.string().nullable() });

/**
 * Opens the output directory of `owl train`: the model directory of a finished run, or the last checkpoint of an unfinished
 * one. Undefined for any other directory.
 *
 * @throws CheckpointError where a run has no checkpoint yet
 */
export async function openRun(directory: string): Promise<string | RunCheckpoint | undefined> {
  if (!(await isRun(directory))) return undefined;
  const model = joinPath(directory, "model");
  const hasModel = (await pathKind(joinPath(model, modelFiles.config))) === "file";
  const state = await completeDirectory(joinPath(directory, "state")).catch(() => undefined);
  if (state === undefined) {
    if (hasModel) return model;
    throw runError(
      directory,
      "the run has none yet",
      "It is asked when the first `saveEvery` steps are done.",
    );
  }
  const file = joinPath(state, "training_state.json");
  const { step, recipe, evaluation } = stateSchema.parse(await readJson(file));
  const { steps, patience = Number.POSITIVE_INFINITY } = recipe;
  const isOver = step >= steps || (evaluation?.sinceBest ?? 0) >= patience;
  if (hasModel && isOver) return model;
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
  return { settings, base, trained: await trainedPart(state, recipe.lora), step, steps };
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
