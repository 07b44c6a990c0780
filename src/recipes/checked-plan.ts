import { DataError, openRows } from "../data/index.ts";
import { pathKind } from "../platform/index.ts";
import { draftRecipe, RecipeError, type RunOverrides, type RunPlan } from "./recipe-file.ts";
import { contentOfStage } from "./recipe-schema.ts";

/** The recipe's plan; where the recipe has problems, the rows are checked too, so that one error lists everything. */
export async function checkedPlan(path: string, overrides: RunOverrides): Promise<RunPlan> {
  const { plan, problems, stage, ...files } = await draftRecipe(path, overrides);
  if (plan !== undefined) return plan;
  const found = [...problems];
  for (const { file, weight: _, ...settings } of [...files.data, ...files.evaluation]) {
    if (stage === undefined || (await pathKind(file)) === "missing") continue;
    const options = { ...settings, usualContent: contentOfStage(stage), videos: { frames: 2, size: 1 } };
    await openRows(file, options).catch((error: unknown) => {
      if (!(error instanceof DataError)) throw error;
      found.push(error.message.replaceAll("\n", "\n  "));
    });
  }
  throw new RecipeError(path, found);
}
