import { type BenchmarkResult, type RunIdentity, readBenchmarkResult } from "./benchmark-result.ts";
import { measures } from "./benchmarks/all.ts";
import type { ItemScore } from "./benchmarks/benchmark.ts";
import { EvaluationError, requireNoProblems } from "./error.ts";
import { mcNemar, type PairedDifference, pairedDifferences, type Statistics } from "./statistics.ts";

type ScoredItem = BenchmarkResult["items"][number];

/** An item that two systems answered differently. */
export interface ChangedItem {
  readonly id: string;
  readonly expected: string;
  /** The questions whose answers differ. */
  readonly turns: readonly { readonly question: string; readonly first: string; readonly second: string }[];
  /** The item's own score with each system. */
  readonly values: readonly [first: number, second: number];
}

/** Two runs of one benchmark side by side. */
export interface Comparison {
  readonly runs: readonly [first: BenchmarkResult, second: BenchmarkResult];
  /** What else differs between the runs: model, settings, instruction, version. */
  readonly conditions: readonly { readonly name: string; readonly values: readonly [string, string] }[];
  readonly figures: readonly {
    readonly name: string;
    readonly values: readonly [first: number, second: number];
    /** Second less first, with the interval of the paired bootstrap. */
    readonly difference: PairedDifference;
  }[];
  /** Of items that are either right or wrong; absent where there is anything between. */
  readonly disagreements?: {
    readonly onlyFirstRight: number;
    readonly onlySecondRight: number;
    /** McNemar's test, exact. It takes items of one picture for independent. */
    readonly pValue: number;
  };
  /** Items whose answers differ: worse ones first, then better ones, then those of equal score. */
  readonly changes: readonly ChangedItem[];
}

/**
 * Compares two results of the same benchmark over the same items.
 *
 * @param paths of the two results, in the order in which they are to be shown
 * @throws EvaluationError where they are not of the same questions
 */
export async function compareResults(
  paths: readonly [first: string, second: string],
  { resamples = 1000 }: { readonly resamples?: number | undefined } = {},
): Promise<Comparison> {
  const [first, second] = await Promise.all([readBenchmarkResult(paths[0]), readBenchmarkResult(paths[1])]);
  const pairs = pairedItems(first, second, paths);
  const figures = figuresOf(first.benchmark);
  const differences = pairedDifferences(pairs, (items) => figures(items.map(({ score }) => score)), {
    resamples,
    groupOf: ([item]) => item.group,
  });
  const values = [first, second].map(({ items }) => figures(items.map(({ score }) => score)));
  const names = Object.keys(values[0]);
  return {
    runs: [first, second],
    conditions: conditionsOf(first, second),
    figures: names.map((name) => ({
      name,
      values: [values[0][name], values[1][name]],
      difference: differences[name],
    })),
    ...disagreementsOf(pairs),
    changes: changesOf(pairs),
  };
}

function figuresOf(benchmark: string): (scores: readonly ItemScore[]) => Statistics {
  const known = measures[benchmark];
  if (known !== undefined) return known.figures;
  throw new EvaluationError(
    `compare: the benchmark must be one of ${Object.keys(measures).join(", ")}, got ${benchmark}`,
  );
}

/** The items of two results by pairs. */
function pairedItems(
  first: BenchmarkResult,
  second: BenchmarkResult,
  paths: readonly string[],
): (readonly [ScoredItem, ScoredItem])[] {
  const problems: string[] = [];
  if (first.benchmark !== second.benchmark) problems.push(`${first.benchmark} and ${second.benchmark}`);
  const others = new Map(second.items.map((item) => [item.id, item]));
  const ids = new Set(first.items.map(({ id }) => id));
  const only = first.items.filter(({ id }) => !others.has(id)).map(({ id }) => id);
  const onlySecond = second.items.filter(({ id }) => !ids.has(id)).map(({ id }) => id);
  if (only.length > 0) problems.push(`${only.length} items in the first alone, such as ${only[0]}`);
  if (onlySecond.length > 0) {
    problems.push(`${onlySecond.length} items in the second alone, such as ${onlySecond[0]}`);
  }
  for (const { id, expected } of problems.length > 0 ? [] : first.items) {
    if (others.get(id)!.expected !== expected) problems.push(`another right answer to ${id}`);
  }
  requireNoProblems(
    paths.join(" and "),
    "must be results of one benchmark over the same items (the same data, --limit and --sample-seed)",
    problems,
  );
  return first.items.map((item) => [item, others.get(item.id)!] as const);
}

function conditionsOf(first: BenchmarkResult, second: BenchmarkResult): Comparison["conditions"] {
  const flat = (result: BenchmarkResult): Record<string, unknown> => {
    const { system, checkpoint, seed, instruction, version, settings }: RunIdentity & { version: string } =
      result;
    return { system, checkpoint, seed, instruction, version, ...settings };
  };
  const [one, other] = [flat(first), flat(second)];
  return [...new Set([...Object.keys(one), ...Object.keys(other)])]
    .map((name) => ({
      name,
      values: [JSON.stringify(one[name]) ?? "", JSON.stringify(other[name]) ?? ""] as const,
    }))
    .filter(({ values }) => values[0] !== values[1]);
}

function disagreementsOf(
  pairs: readonly (readonly [ScoredItem, ScoredItem])[],
): Pick<Comparison, "disagreements"> {
  const values = pairs.map(([a, b]) => [a.score.value, b.score.value] as const);
  if (!values.flat().every((value) => value === 0 || value === 1)) return {};
  const onlyFirstRight = values.filter(([a, b]) => a > b).length;
  const onlySecondRight = values.filter(([a, b]) => a < b).length;
  return {
    disagreements: { onlyFirstRight, onlySecondRight, pValue: mcNemar(onlyFirstRight, onlySecondRight) },
  };
}

function changesOf(pairs: readonly (readonly [ScoredItem, ScoredItem])[]): ChangedItem[] {
  const changed = pairs.flatMap(([a, b]): ChangedItem[] => {
    const turns = a.questions.flatMap((question, i) =>
      a.answers[i] === b.answers[i] ? [] : [{ question, first: a.answers[i], second: b.answers[i] }],
    );
    if (turns.length === 0) return [];
    return [{ id: a.id, expected: a.expected, turns, values: [a.score.value, b.score.value] }];
  });
  const gain = ({ values: [a, b] }: ChangedItem): number => b - a;
  const worse = changed.filter((item) => gain(item) < 0).toSorted((a, b) => gain(a) - gain(b));
  const better = changed.filter((item) => gain(item) > 0).toSorted((a, b) => gain(b) - gain(a));
  return [...worse, ...better, ...changed.filter((item) => gain(item) === 0)];
}

/** A figure in four digits behind the point, or one where it is large. */
export function figureText(value: number): string {
  if (Number.isNaN(value)) return "–";
  return Math.abs(value) < 10 ? value.toFixed(4) : value.toFixed(1);
}

/** Distinct names of the two runs. */
export function runNames({ runs: [first, second] }: Comparison): readonly [first: string, second: string] {
  const isOne = first.system === second.system;
  return isOne ? [`${first.system}, first`, `${second.system}, second`] : [first.system, second.system];
}

/** The figures of a comparison as lines of text. */
export function comparisonLines(comparison: Comparison): string[] {
  const { figures, disagreements, changes, runs } = comparison;
  const head = ["", ...runNames(comparison), "difference", "95 %", "p"];
  const rows = figures.map(({ name, values, difference: { estimate, low, high, pValue } }) => [
    name,
    figureText(values[0]),
    figureText(values[1]),
    figureText(estimate),
    `${figureText(low)} to ${figureText(high)}`,
    pValue.toFixed(3),
  ]);
  const widths = head.map((_, column) => Math.max(...[head, ...rows].map((row) => row[column].length)));
  const lines = [head, ...rows].map((row) =>
    row
      .map((text, column) => (column === 0 ? text.padEnd(widths[0]) : text.padStart(widths[column])))
      .join("  "),
  );
  const counts = `${runs[0].items.length} items, ${changes.length} with another answer`;
  if (disagreements === undefined) return [...lines, counts];
  const { onlyFirstRight, onlySecondRight, pValue } = disagreements;
  return [
    ...lines,
    `${counts}; ${onlyFirstRight} right in the first alone, ${onlySecondRight} in the second alone (McNemar's test: p = ${pValue.toFixed(3)})`,
  ];
}
