import type { Command } from "commander";
import type { CommandRow } from "./command-row.ts";

/** `owl eval …`, in the order of its help. */
export const commands: readonly CommandRow[] = [
  {
    name: "get",
    summary: "fetch OwlEval (82 questions, 50 pictures, six systems' answers; 8 MB)",
    load: () => import("./eval-get.ts"),
  },
  {
    name: "run",
    summary: "answer OwlEval's questions with a model, or run a benchmark on it",
    load: () => import("./eval-run.ts"),
  },
  {
    name: "rate",
    summary: "grade answers blind by A, B, C and D, in a local web page",
    load: () => import("./eval-rate.ts"),
  },
  {
    name: "judge",
    summary: "let a language model grade answers by A, B, C and D, in two orders",
    load: () => import("./eval-judge.ts"),
  },
  {
    name: "report",
    summary: "draw the paper's figure from grades: SVG, PNG, HTML, Markdown, and every number as JSON",
    load: () => import("./eval-report.ts"),
  },
  {
    name: "compare",
    summary: "two runs side by side, with intervals for the difference",
    load: () => import("./eval-compare.ts"),
  },
];

export function define(command: Command): void {
  command.addHelpText(
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
}
