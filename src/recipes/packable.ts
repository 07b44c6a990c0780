import { type OwlConfig, positionsOfFixedAngles } from "../model/index.ts";
import { packingOf } from "../training/index.ts";
import { RecipeError, type RunPlan } from "./recipe-file.ts";

/**
 * Refuses to let rows share sequences where the angles of a row's positions would depend on the others.
 *
 * @throws RecipeError where the model's angles depend on the length of a sequence
 */
export function requirePackable(
  path: string,
  { recipe }: Pick<RunPlan, "recipe">,
  { language }: Pick<OwlConfig, "language">,
): void {
  const longest = positionsOfFixedAngles(language);
  if (packingOf(recipe) !== "separate" || longest >= Math.min(recipe.maxTokens, language.maxPositions))
    return;
  throw new RecipeError(path, [
    `packing: separate needs positions whose angles do not depend on the length of the sequence, which this model has up to maxTokens ${longest}, got maxTokens ${recipe.maxTokens}; lower it, or leave packing out`,
  ]);
}
