import type { Command } from "commander";
import { compareResults, comparisonLines, writeComparePage } from "../evaluation/index.ts";
import { countOption } from "./options.ts";

interface CompareOptions {
  readonly out?: string;
  readonly maxItems?: number;
}

async function compare(first: string, second: string, { out, maxItems }: CompareOptions): Promise<void> {
  const comparison = await compareResults([first, second]);
  for (const line of comparisonLines(comparison)) process.stdout.write(`${line}\n`);
  if (out === undefined) return;
  await writeComparePage(out, comparison, { most: maxItems });
  process.stdout.write(`${out}\n`);
}

export function define(command: Command): void {
  command
    .argument("<first>", "a result of `owl eval run BENCHMARK`")
    .argument("<second>", "another result of the same benchmark and items")
    .option("--out <file>", "a page of the answers that changed, with their pictures")
    .option("--max-items <count>", "items of each kind on the page: worse, better, equal (50)", countOption)
    .action(compare);
}
