import type { Command } from "commander";
import { stages } from "../model/index.ts";
import { nearestName } from "../platform/index.ts";
import { type ExplainedRecipe, publishedRecipes } from "../recipes/index.ts";
import { UsageError } from "./failure.ts";

/** A recipe as YAML (whose values may be written as JSON), the reason behind every number. */
function explained(name: string, { recipe, reasons }: ExplainedRecipe): string {
  const entries = Object.entries(recipe).filter(([key, value]) => key !== "name" && value !== undefined);
  const lines = entries.map(([key, value]) => [`${key}: ${JSON.stringify(value)}`, reasons[key] ?? ""]);
  const width = 32;
  return [
    `# ${name}: ${stages[recipe.stage].description}`,
    ...lines.map(([text, reason]) => `${text.padEnd(width)}  # ${reason}`),
  ].join("\n");
}

function show(name: string | undefined): void {
  if (name === undefined) {
    const lines = Object.entries(publishedRecipes).map(
      ([known, { recipe }]) => `${known.padEnd(18)} ${stages[recipe.stage].description}`,
    );
    process.stdout.write(`${lines.join("\n")}\n`);
    return;
  }
  if (!Object.hasOwn(publishedRecipes, name)) {
    const known = Object.keys(publishedRecipes);
    const near = nearestName(name, known);
    const hint = near === undefined ? "" : `; did you mean ${near}?`;
    const got = name.length > 60 ? `${name.slice(0, 59)}…` : name;
    throw new UsageError(`recipe: one of ${known.join(", ")}, got ${got}${hint}`);
  }
  process.stdout.write(`${explained(name, publishedRecipes[name])}\n`);
}

export function addRecipe(program: Command): void {
  program
    .command("recipe")
    .argument("[name]", "a published recipe; lists them if absent")
    .description("print a published training recipe, with the reason for each number")
    .action(show);
}
