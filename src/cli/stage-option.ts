import { InvalidArgumentError, Option } from "commander";
import { type Stage, stages } from "../model/index.ts";
import { publishedRecipes } from "../recipes/index.ts";

/** Stages, and published recipes, which stand for theirs. */
const stageNames = [...new Set([...Object.keys(stages), ...Object.keys(publishedRecipes)])];

export const stageOption = (description: string): Option =>
  new Option("--stage <stage>", description).choices(stageNames).argParser((given) => {
    if (!stageNames.includes(given)) {
      throw new InvalidArgumentError(`Allowed choices are ${stageNames.join(", ")}.`);
    }
    return Object.hasOwn(stages, given) ? given : publishedRecipes[given].recipe.stage;
  });

/** A stage that {@link stageOption} has validated. */
export type StageName = Stage;
