import { existsSync, readFileSync } from "node:fs";
import type { Figure, Figures } from "./figures.ts";
import { box, dot, drawing, gridLine, line, PALETTE, text } from "./svg.ts";

/** One run of an ablation: its figures, one for each seed. */
export interface MeasuredRun {
  readonly name: string;
  readonly seeds: readonly Figures[];
}

/** Reads a run from the figures.json of its seeds. */
export function readRun(name: string, files: readonly string[]): MeasuredRun {
  const seeds = files.map((file) => {
    if (!existsSync(file))
      throw new Error(
        `${file}: must hold the figures of "${name}", and is not there; measure that run first`,
      );
    return JSON.parse(readFileSync(file, "utf8")) as Figures;
  });
  return { name, seeds };
}

/** A bar: the mean of the seeds, with the interval of that mean. */
export interface Bar {
  readonly share: number;
  readonly low: number;
  readonly high: number;
  readonly seeds: readonly number[];
  readonly blind: number | undefined;
}

const mean = (values: readonly number[]): number =>
  values.reduce((sum, value) => sum + value, 0) / values.length;

/** What can be charted: OwlEval's letters ("a: instruction"), "all questions", and each ability over all of its sets. */
export function chartedFigures({ letters, overall, abilities }: Figures): Figure[] {
  const named = Object.entries(letters).map(([letter, figure]) => ({
    ...figure,
    ability: `${letter}: ${figure.ability}`,
  }));
  return [...named, overall, ...abilities];
}

const Z = 1.96;

/** The variance of the mean that comes from the seeds; what one seed alone tells of it is nothing. */
function seedVariance(shares: readonly number[]): number {
  if (shares.length < 2) return 0;
  const middle = mean(shares);
  const squares = shares.reduce((sum, share) => sum + (share - middle) ** 2, 0);
  return squares / (shares.length - 1) / shares.length;
}

/**
 * The bar of an ability. The seeds were asked the same questions, so more of them narrow no interval that is due to the questions: that
 * part is the mean of theirs. What the seeds differ by is added, as an independent part (the root of the sum of squares).
 */
export function barOf({ name, seeds }: MeasuredRun, ability: string): Bar {
  const figures = seeds.map((seed) => {
    const figure = chartedFigures(seed).find((one) => one.ability === ability);
    if (figure === undefined)
      throw new Error(
        `ablation: run "${name}" must have measured "${ability}", and has not; measure it anew`,
      );
    return figure;
  });
  const blind = figures.flatMap(({ blind }) => (blind === undefined ? [] : [blind.share]));
  const shares = figures.map(({ score }) => score.share);
  const share = mean(shares);
  const spread = Z * Math.sqrt(seedVariance(shares));
  const reach = (end: 0 | 1): number =>
    Math.hypot(share - mean(figures.map(({ score }) => score.interval[end])), spread);
  return {
    share,
    low: Math.max(0, share - reach(0)),
    high: Math.min(1, share + reach(1)),
    seeds: shares,
    blind: blind.length === 0 ? undefined : mean(blind),
  };
}

const CHART = { groupHeight: 150, left: 40, top: 20, bottom: 22, bar: 13, gap: 20, perRow: 6 };

function group(runs: readonly MeasuredRun[], ability: string, at: readonly [number, number]): string[] {
  const { groupHeight, top, bottom, bar: width } = CHART;
  const [x0, y0] = at;
  const height = groupHeight - top - bottom;
  const y = (share: number): number => y0 + top + height * (1 - share);
  const bars = runs.map((run, i) => {
    const { share, low, high, seeds, blind } = barOf(run, ability);
    const [x, middle] = [x0 + i * width, x0 + (i + 0.5) * width];
    return [
      box(x + 1, y(share), { width: width - 2, height: height * share }, PALETTE[i % PALETTE.length]),
      line([middle, y(low)], [middle, y(high)]),
      ...(seeds.length > 1 ? seeds.map((one) => dot(middle, y(one), 1.5, "#000")) : []),
      ...(blind === undefined
        ? []
        : [
            line([x + 1, y(blind)], [x + width - 1, y(blind)], "#fff", 3),
            line([x + 1, y(blind)], [x + width - 1, y(blind)], "#000", 1),
          ]),
    ];
  });
  const end = x0 + runs.length * width;
  return [
    ...[0, 0.25, 0.5, 0.75, 1].map((share) => gridLine([x0, y(share)], [end, y(share)])),
    ...bars.flat(),
    line([x0, y(0)], [end, y(0)]),
    text((x0 + end) / 2, y0 + groupHeight - 8, ability, { anchor: "middle" }),
  ];
}

/** Abilities × runs: bars in groups, with 95 % intervals, a dot for each seed and a line edged in white for the blind score. */
export function abilityChart(runs: readonly MeasuredRun[], abilities: readonly string[]): string {
  const { groupHeight, left, bar: width, gap, perRow } = CHART;
  const pitch = Math.max(runs.length * width + gap, 112);
  const rows = Math.ceil(abilities.length / perRow);
  const legendTop = rows * groupHeight + 8;
  const groups = abilities.flatMap((ability, i) =>
    group(runs, ability, [left + (i % perRow) * pitch, Math.floor(i / perRow) * groupHeight]),
  );
  const scales = Array.from({ length: rows }, (_, row) =>
    [0, 0.5, 1].map((share) => {
      const y = row * groupHeight + CHART.top + (groupHeight - CHART.top - CHART.bottom) * (1 - share);
      return text(left - 5, y + 4, `${share * 100} %`, { anchor: "end", size: 9 });
    }),
  );
  const legend = runs.flatMap(({ name }, i) => [
    box(left, legendTop + i * 17, { width: 11, height: 11 }, PALETTE[i % PALETTE.length]),
    text(left + 18, legendTop + 10 + i * 17, name),
  ]);
  const size = { width: left + perRow * pitch, height: legendTop + runs.length * 17 + 8 };
  return drawing(size.width, size.height, "abilities of each run", [...groups, ...scales.flat(), ...legend]);
}

function percent(share: number): string {
  return (share * 100).toFixed(1);
}

/** The same as a Markdown table: the mean of the seeds in percent, with its interval. */
export function abilityTable(runs: readonly MeasuredRun[], abilities: readonly string[]): string {
  const rows = abilities.map((ability) => {
    const cells = runs.map((run) => {
      const { share, low, high } = barOf(run, ability);
      return `${percent(share)} (${percent(low)}–${percent(high)})`;
    });
    return `| ${[ability, ...cells].join(" | ")} |`;
  });
  const names = runs.map(({ name }) => name);
  return [`| ${["ability, %", ...names].join(" | ")} |`, `|${"---|".repeat(names.length + 1)}`, ...rows].join(
    "\n",
  );
}
