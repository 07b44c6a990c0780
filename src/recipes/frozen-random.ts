import { isRun, startDirectory, startFile } from "../checkpoint/index.ts";
import { stages } from "../model/index.ts";
import { fileName, joinPath, parentDirectory, pathKind, readJson } from "../platform/index.ts";
import { recipeOfState } from "../training/index.ts";
import { RecipeError, type RunPlan } from "./recipe-file.ts";

/** The modules of a model, and a parameter of each. */
const modules = {
  "the language model": "language_model.model.norm.weight",
  "the vision encoder": "vision_model.post_layernorm.weight",
  "the visual abstractor": "abstractor.vit_eos",
} as const;

/**
 * Refuses to train beside a module that is random and frozen: the trained ones would fit its noise while the loss falls as usual.
 *
 * @throws RecipeError unless the recipe allows it
 */
export async function requireNoFrozenRandom(
  path: string,
  plan: RunPlan,
  usesPictures: boolean,
): Promise<void> {
  const { recipe, model, allowFrozenRandom } = plan;
  if (allowFrozenRandom === true) return;
  const { trained } = stages[recipe.stage];
  const random = await randomModules(model);
  const used = random.filter((name) => usesPictures || name === "the language model");
  const frozen = used.filter((name) => !trained(modules[name]));
  if (frozen.length === 0) return;
  const next = frozen.includes("the language model")
    ? "Train a language model first (`extends: language`) and name it as `model`"
    : "Train them first (stage 1) and name that run's `model`";
  throw new RecipeError(path, [
    `stage: ${recipe.stage} of a model from nothing would train against ${frozen.join(" and ")}, random and frozen. ${next}, or say \`allowFrozenRandom: true\` if that is what you want`,
  ]);
}

type ModuleName = keyof typeof modules;

/** Modules that no training has reached: all of a fresh model's; of a run's, those that neither it nor the runs before it trained. */
async function randomModules(model: string | undefined): Promise<ModuleName[]> {
  if (model === undefined) return Object.keys(modules) as ModuleName[];
  const run = parentDirectory(model);
  const start = joinPath(joinPath(run, startDirectory), startFile);
  if (fileName(model) !== "model" || !(await isRun(run)) || (await pathKind(start)) !== "file") return [];
  const began = (await readJson(start)) as { readonly model: string | null };
  const { stage } = await recipeOfState(joinPath(run, "state"));
  if (typeof stage !== "string" || !Object.hasOwn(stages, stage)) return [];
  const { trained } = stages[stage as keyof typeof stages];
  const before = await randomModules(began.model ?? undefined);
  return before.filter((name) => !trained(modules[name]));
}
