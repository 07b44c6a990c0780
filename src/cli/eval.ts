import type { Command } from "commander";
import { addEvalCompare } from "./eval-compare.ts";
import { addEvalGet } from "./eval-get.ts";
import { addEvalJudge } from "./eval-judge.ts";
import { addEvalRate } from "./eval-rate.ts";
import { addEvalReport } from "./eval-report.ts";
import { addEvalRun } from "./eval-run.ts";

export function addEval(program: Command): void {
  const evaluation = program
    .command("eval")
    .description("evaluate a model: OwlEval as in the paper, graded by people, and the usual benchmarks")
    .addHelpText(
      "after",
      `
From nothing to the paper's figure:
  owl eval get owleval --out owleval                       the questions, the pictures, six systems' answers
  owl eval run owleval --model MODEL --data owleval        answer all of it with a model
  owl eval rate ANSWERS… --data owleval --out grades.jsonl  grade the answers blind, in the browser
  owl eval report grades.jsonl --counts released --out report

Automatic benchmarks:
  owl eval run vqav2 --model MODEL --data vqa --out a.json  a benchmark in its published files (eval run --help names all)
  owl eval compare a.json b.json --out changes.html         two runs, and the answers that changed

docs/evaluate.md explains each step.`,
    );
  addEvalGet(evaluation);
  addEvalRun(evaluation);
  addEvalRate(evaluation);
  addEvalJudge(evaluation);
  addEvalReport(evaluation);
  addEvalCompare(evaluation);
}
