import type { OwlConfig } from "../model/index.ts";
import { RecipeError, type RunPlan } from "./recipe-file.ts";

/**
 * The same plan with rows no longer than the model can be asked for: a published recipe's `maxTokens` becomes the model's positions.
 *
 * @throws RecipeError where a file asks for more
 */
export function withinPositions(
  path: string,
  plan: RunPlan,
  { language: { maxPositions } }: Pick<OwlConfig, "language">,
): RunPlan {
  const { recipe, inheritsMaxTokens = false } = plan;
  if (recipe.maxTokens <= maxPositions) return plan;
  if (inheritsMaxTokens) return { ...plan, recipe: { ...recipe, maxTokens: maxPositions } };
  throw new RecipeError(path, [
    `maxTokens: must be at most the model's ${maxPositions} positions, beyond which it cannot be asked, got ${recipe.maxTokens}; lower it, or leave it out`,
  ]);
}
