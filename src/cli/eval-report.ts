import type { Command } from "commander";
import {
  owlEvalReport,
  readGradeCounts,
  readGrades,
  readUngraded,
  releasedCounts,
  writeReport,
} from "../evaluation/index.ts";

interface EvalReportOptions {
  readonly counts?: string;
  readonly out: string;
}

async function report(paths: readonly string[], { counts, out }: EvalReportOptions): Promise<void> {
  const graded = await readGrades(paths);
  const published =
    counts === undefined ? undefined : counts === "released" ? releasedCounts : await readGradeCounts(counts);
  const files = await writeReport(out, owlEvalReport(graded, published, await readUngraded(paths)));
  process.stdout.write(`${files.join("\n")}\n`);
}

export function define(command: Command): void {
  command
    .argument("<grades...>", "files of grades, of people and of judges")
    .option("--counts <file>", "grade counts to draw beside yours; `released`: the paper's")
    .requiredOption("--out <directory>", "output directory of the report")
    .addHelpText(
      "after",
      `
Example:
  owl eval report grades.jsonl --counts released --out report

A file of counts: {"source": "…", "systems": [{"name": "…", "single_turn": {"A": 32, "B": 10, "C": 8, "D": 0},
"multi_turn": {…}}, …]}`,
    )
    .action(report);
}
