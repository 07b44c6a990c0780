import type { ParameterDescription } from "../model/index.ts";
import { nearestName } from "../platform/index.ts";
import { RecipeError, type RunPlan } from "./recipe-file.ts";

/**
 * Refuses learning-rate multipliers whose prefix fits no parameter of the model.
 *
 * @throws RecipeError naming each with the nearest prefix
 */
export function requireKnownMultipliers(
  path: string,
  { recipe }: RunPlan,
  parameters: readonly ParameterDescription[],
): void {
  const unknown = Object.keys(recipe.learningRateMultipliers ?? {}).filter(
    (prefix) => prefix !== "lora" && !parameters.some(({ name }) => name.startsWith(prefix)),
  );
  if (unknown.length === 0) return;
  const known = ["lora", ...new Set(parameters.map(({ name }) => name.split(".")[0]))];
  throw new RecipeError(
    path,
    unknown.map((prefix) => {
      const near = nearestName(prefix, known);
      const hint =
        near === undefined ? `they begin with ${known.slice(1).join(", ")}` : `did you mean ${near}?`;
      return `learningRateMultipliers.${prefix.slice(0, 60)}: no parameter's name begins so; ${hint}`;
    }),
  );
}
