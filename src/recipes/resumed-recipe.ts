import { joinPath } from "../platform/index.ts";
import { recipeOfState, type TrainingRecipe } from "../training/index.ts";
import type { RunPlan } from "./recipe-file.ts";

/**
 * The recipe of a run that goes on. What no file gives is as the run began with it: the warm-up that was scaled to its steps, and how long
 * rows may be.
 */
export async function resumedRecipe({
  recipe,
  output,
  scaled,
  inheritsMaxTokens = false,
}: RunPlan): Promise<TrainingRecipe> {
  const { warmup, maxTokens } = await recipeOfState(joinPath(output, "state"));
  return {
    ...recipe,
    ...(scaled.includes("warmup") && typeof warmup === "number" && { warmup }),
    ...(inheritsMaxTokens && typeof maxTokens === "number" && { maxTokens }),
  };
}
