import { isRun, startDirectory, startFile } from "../checkpoint/index.ts";
import { type ParameterDescription, stages } from "../model/index.ts";
import { fileName, joinPath, nearestName, parentDirectory, pathKind, readJson } from "../platform/index.ts";
import { recipeOfState } from "../training/index.ts";
import { RecipeError, type RunPlan } from "./recipe-file.ts";

/** The parts of a model, and a parameter of each. */
const parts = {
  "the language model": "language_model.model.norm.weight",
  "the vision encoder": "vision_model.post_layernorm.weight",
  "the visual abstractor": "abstractor.vit_eos",
} as const;

/**
 * Refuses to train against a part that is random and stays so: what learns beside it learns to speak with noise, and the
 * loss falls all the same.
 *
 * @throws RecipeError unless the recipe says that this is meant
 */
export async function requireNoFrozenRandom(
  path: string,
  plan: RunPlan,
  usesPictures: boolean,
): Promise<void> {
  const { recipe, model, allowFrozenRandom } = plan;
  if (allowFrozenRandom === true) return;
  const { trained } = stages[recipe.stage];
  const random = await randomParts(model);
  const used = random.filter((part) => usesPictures || part === "the language model");
  const frozen = used.filter((part) => !trained(parts[part]));
  if (frozen.length === 0) return;
  const next = frozen.includes("the language model")
    ? "Train a language model first (`extends: language`) and name it as `model`"
    : "Train them first (stage 1) and name that run's `model`";
  throw new RecipeError(path, [
    `stage: ${recipe.stage} of a model from nothing would train against ${frozen.join(" and ")}, random and frozen. ${next}, or say \`allowFrozenRandom: true\` if that is what you want`,
  ]);
}

type Part = keyof typeof parts;

/** The parts that nothing has taught yet: all from nothing; of what runs made from nothing, those that none of them trained. */
async function randomParts(model: string | undefined): Promise<Part[]> {
  if (model === undefined) return Object.keys(parts) as Part[];
  const run = parentDirectory(model);
  const start = joinPath(joinPath(run, startDirectory), startFile);
  if (fileName(model) !== "model" || !(await isRun(run)) || (await pathKind(start)) !== "file") return [];
  const began = (await readJson(start)) as { readonly model: string | null };
  const { stage } = await recipeOfState(joinPath(run, "state"));
  if (typeof stage !== "string" || !Object.hasOwn(stages, stage)) return [];
  const { trained } = stages[stage as keyof typeof stages];
  const before = await randomParts(began.model ?? undefined);
  return before.filter((part) => !trained(parts[part]));
}

/**
 * Refuses factors on learning rates that stand for no parameter of the model.
 *
 * @throws RecipeError naming each with the nearest part
 */
export function requireKnownMultipliers(
  path: string,
  { recipe }: RunPlan,
  parameters: readonly ParameterDescription[],
): void {
  const unknown = Object.keys(recipe.learningRateMultipliers ?? {}).filter(
    (part) => part !== "lora" && !parameters.some(({ name }) => name.startsWith(part)),
  );
  if (unknown.length === 0) return;
  const known = ["lora", ...new Set(parameters.map(({ name }) => name.split(".")[0]))];
  throw new RecipeError(
    path,
    unknown.map((part) => {
      const near = nearestName(part, known);
      const hint =
        near === undefined ? `they begin with ${known.slice(1).join(", ")}` : `did you mean ${near}?`;
      return `learningRateMultipliers.${part.slice(0, 60)}: no parameter's name begins so; ${hint}`;
    }),
  );
}
