import type { Command } from "commander";
import { type Stage, stages } from "../model/index.ts";
import { nearestName } from "../platform/index.ts";
import { type ExplainedRecipe, publishedRecipes, scaledKeys } from "../recipes/index.ts";
import { UsageError } from "./failure.ts";

/** What a recipe of one's own begins with, in front of the numbers. */
function ownKeys(name: string, stage: Stage): [string, string][] {
  const fresh = stage === "language";
  return [
    [`extends: ${name}`, "gives what is deleted below"],
    ...(fresh
      ? ([
          ["config: nano", "sizes of a fresh model; or a config.json"],
          ["tokenizer: tokenizer", "a directory that `owl tokenizer` made"],
        ] satisfies [string, string][])
      : ([["model: owl-nano", "where to start: a directory, a run, or a fetched repo"]] satisfies [
          string,
          string,
        ][])),
    ["output: runs/mine", "what the run writes to"],
    ["data: [{ file: rows.jsonl }]", "files of rows; paths are relative to this file"],
  ];
}

/** A recipe file (YAML, whose values may be written as JSON), the reason behind every number. */
function explained(name: string, { recipe, reasons }: ExplainedRecipe): string {
  const entries = Object.entries(recipe).filter(([key, value]) => key !== "name" && value !== undefined);
  const lines = entries.map(([key, value]): [string, string] => {
    const follows = scaledKeys.some((scaled) => scaled === key)
      ? " (follows steps and batch unless it is given)"
      : key === "maxTokens"
        ? " (at most the model's positions unless it is given)"
        : undefined;
    const text = `${follows === undefined ? "" : "# "}${key}: ${JSON.stringify(value)}`;
    return [text, `${reasons[key] ?? ""}${follows ?? ""}`];
  });
  const shown = ([text, reason]: readonly [string, string]): string => `${text.padEnd(32)}  # ${reason}`;
  return [
    `# ${name}: ${stages[recipe.stage].description}`,
    ...ownKeys(name, recipe.stage).map(shown),
    "",
    ...lines.map(shown),
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

export function define(command: Command): void {
  command.argument("[name]", "a published recipe; lists them if absent").action(show);
  command
    .command("show")
    .argument("<name>", "a published recipe")
    .description("print it as a recipe file of one's own: owl recipe show stage-2 > mine.yaml")
    .action(show);
}
