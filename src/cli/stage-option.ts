import { InvalidArgumentError, Option } from "commander";
import {
  type LanguageConfig,
  type LoraPlacement,
  loraTargets,
  releasedLora,
  type Stage,
  stages,
} from "../model/index.ts";
import { publishedRecipes } from "../recipes/index.ts";

/** Stages, and published recipes, which stand for theirs. */
const stageNames = [...new Set([...Object.keys(stages), ...Object.keys(publishedRecipes)])];

export const stageOption = (description: string): Option =>
  new Option("--stage <stage>", description).choices(stageNames).argParser((given) => {
    if (!stageNames.includes(given)) {
      throw new InvalidArgumentError(`Allowed choices are ${stageNames.join(", ")}.`);
    }
    return given;
  });

/** A name that {@link stageOption} has validated. */
export type StageName = string;

const isStage = (name: StageName): name is Stage => Object.hasOwn(stages, name);

/** The stage that a name stands for. */
export const stageOf = (name: StageName): Stage =>
  isStage(name) ? name : publishedRecipes[name].recipe.stage;

/**
 * The LoRA of a stage, or of the recipe that is named: with its rank and scale, on all linear layers where it says so, else on the
 * layers that the language model's family names.
 */
export function loraOf(name: StageName, language: LanguageConfig): LoraPlacement {
  const lora = isStage(name) ? undefined : publishedRecipes[name].recipe.lora;
  const released = releasedLora(language);
  if (lora === undefined) return released;
  const { rank, alpha, targets } = lora;
  return { rank, alpha, targets: typeof targets === "string" ? loraTargets(targets) : released.targets };
}
