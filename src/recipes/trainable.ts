import { hyperOf, type OwlConfig } from "../model/index.ts";
import { requirePackable } from "./packable.ts";
import { RecipeError, type RunPlan } from "./recipe-file.ts";
import { contentOfStage } from "./recipe-schema.ts";

/**
 * Refuses what a model is not taught by: see {@link requirePackable}, and of one whose pictures stand beside the text (mPLUG-Owl3) what
 * needs them in it, or is not known.
 *
 * @throws RecipeError with everything that the recipe asks for in vain
 */
export function requireTrainable(
  path: string,
  { recipe, data, model }: Pick<RunPlan, "recipe" | "data" | "model">,
  config: OwlConfig,
): void {
  requirePackable(path, { recipe }, config);
  if (hyperOf(config) === undefined) return;
  const problems: string[] = [];
  if (model === undefined)
    problems.push(
      "config: must be of a model that can begin from nothing, got one whose pictures stand beside the text; begin with a published mPLUG-Owl3 (model)",
    );
  if (recipe.augment)
    problems.push(
      "augment: must be false for a model whose pictures stand beside the text: their shapes decide what is written of them",
    );
  if (data.some(({ content = contentOfStage(recipe.stage) }) => content === "caption"))
    problems.push(
      "data: must be conversations (content: conversation) for a model whose pictures stand beside the text, got captions: how it was taught these is not known; give their file the question that each answers (question: …)",
    );
  if (problems.length > 0) throw new RecipeError(path, problems);
}
