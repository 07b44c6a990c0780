/** Published training recipes with the reason for every hyperparameter, recipe files that extend them, and their runs. */
export {
  checkData,
  type DataReport,
  type FileReport,
  type RowReading,
  readingOfFiles,
  readingOfRecipe,
} from "./check-data.ts";
export { type FixedFile, writeFixedData } from "./fix-data.ts";
export { type CardOptions, modelCard } from "./model-card.ts";
export { OutputError, requireFreshOutput } from "./outputs.ts";
export { type ExplainedRecipe, publishedRecipes } from "./published.ts";
export type { RecipeBenchmark } from "./recipe-benchmark.ts";
export {
  type DataFile,
  RecipeError,
  type RunOverrides,
  type RunPlan,
  readRecipeFile,
  type SampleQuestion,
} from "./recipe-file.ts";
export { isRecipeFile } from "./recipe-text.ts";
export { type PreparedRun, prepareRun, type RunOptions } from "./run.ts";
export { type ScaledKey, scaledKeys } from "./scaled-defaults.ts";
export { type ShownRow, shownRows } from "./show-rows.ts";
export { describedBeginning, describedSystem, type RunTemplate } from "./template.ts";
