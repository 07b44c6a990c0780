import { drawing, element, label } from "../evaluation/index.ts";
import type { Curve, LogRecord } from "./run-record.ts";

/** A line of a panel. */
interface Line {
  readonly name: string;
  readonly color: string;
  readonly curve: Curve;
  /** Few values, each of which is marked. */
  readonly isMarked: boolean;
}

const width = 720;
const panelHeight = 230;
/** Room for the title above, the steps below and the numbers to the left of a panel's plot. */
const margin = { top: 44, right: 20, bottom: 34, left: 64 };
const colors = ["#1b6ca8", "#a04e0c", "#2f7d32", "#8e3a9d", "#b3261e", "#00707a"];
/** Values of a line at most: of more, means of as many as are needed. */
const mostPoints = 200;

/**
 * The curves of a run as an SVG drawing: losses, and scores in benchmarks below.
 *
 * @returns undefined where no step was logged
 */
export function trainingCurve(title: string, { loss, heldOut, benchmarks }: LogRecord): string | undefined {
  if (loss.steps.length === 0) return undefined;
  const losses: Line[] = [
    { name: "rows of the training", color: colors[0], curve: inMeans(loss), isMarked: false },
    ...(heldOut.steps.length > 0
      ? [{ name: "held-out rows", color: colors[1], curve: heldOut, isMarked: true }]
      : []),
  ];
  const scores = benchmarks.map((curve, i) => ({
    name: `${curve.name}, ${curve.figure}`,
    color: colors[(i + 2) % colors.length],
    curve,
    isMarked: true,
  }));
  // Shares have one scale; what has another, as perplexity has, a panel of its own.
  const isShare = ({ curve }: Line): boolean => curve.values.every((value) => value >= 0 && value <= 1);
  const shares = scores.filter(isShare);
  const others = scores.filter((line) => !isShare(line));
  const panels = [
    { title: "Loss", lines: losses },
    ...(shares.length > 0 ? [{ title: "Score", lines: shares }] : []),
    ...others.map((line) => ({ title: "Score", lines: [line] })),
  ];
  const lastStep = Math.max(
    ...panels.flatMap(({ lines }) => lines.map(({ curve }) => curve.steps.at(-1)!)),
    1,
  );
  return `${drawing(
    width,
    panelHeight * panels.length,
    title,
    ...panels.flatMap((panel, i) => drawnPanel(panel.title, panel.lines, { top: i * panelHeight, lastStep })),
  )}\n`;
}

function drawnPanel(
  title: string,
  lines: readonly Line[],
  { top, lastStep }: { readonly top: number; readonly lastStep: number },
): string[] {
  const values = lines.flatMap(({ curve }) => curve.values);
  const ticks = ticksOf(Math.min(...values), Math.max(...values));
  const [low, high] = [ticks[0], ticks[ticks.length - 1]];
  const plot = {
    width: width - margin.left - margin.right,
    height: panelHeight - margin.top - margin.bottom,
  };
  const x = (step: number): number => margin.left + (plot.width * step) / lastStep;
  const y = (value: number): number => top + margin.top + plot.height * (1 - (value - low) / (high - low));
  const grid = ticks.flatMap((value) => [
    element("line", {
      x1: margin.left,
      x2: width - margin.right,
      y1: y(value),
      y2: y(value),
      stroke: "#d8dde3",
    }),
    label(margin.left - 8, y(value) + 4, shortNumber(value), { anchor: "end", fill: "#57606a" }),
  ]);
  const steps = ticksOf(0, lastStep).filter((step) => step <= lastStep && Number.isInteger(step));
  const below = steps.map((step) =>
    label(x(step), top + panelHeight - 12, step === 0 ? "step 0" : step.toLocaleString("en-US"), {
      anchor: "middle",
      fill: "#57606a",
    }),
  );
  const drawn = lines.flatMap(({ color, curve, isMarked }) => {
    const points = curve.steps.map((step, i) => [x(step), y(curve.values[i])] as const);
    const path = points.map(([px, py]) => `${px.toFixed(1)},${py.toFixed(1)}`).join(" ");
    const marks = isMarked ? points.map(([cx, cy]) => element("circle", { cx, cy, r: 3, fill: color })) : [];
    return [
      element("polyline", { points: path, fill: "none", stroke: color, "stroke-width": 1.5 }),
      ...marks,
    ];
  });
  return [
    label(12, top + 24, title, { "font-weight": "bold" }),
    ...legend(lines, top),
    ...grid,
    ...below,
    ...drawn,
  ];
}

/** The names of a panel's lines, beside its title. */
function legend(lines: readonly Line[], top: number): string[] {
  let at = margin.left + 20;
  return lines.flatMap(({ name, color }) => {
    const swatch = element("line", {
      x1: at,
      x2: at + 18,
      y1: top + 20,
      y2: top + 20,
      stroke: color,
      "stroke-width": 3,
    });
    const text = label(at + 24, top + 24, name);
    at += 44 + 7.5 * name.length;
    return [swatch, text];
  });
}

/** Means of neighbours, so many that a curve of any length has few enough values. */
function inMeans({ steps, values }: Curve): Curve {
  const each = Math.ceil(steps.length / mostPoints);
  const means: Curve = { steps: [], values: [] };
  for (let at = 0; at < steps.length; at += each) {
    const some = values.slice(at, at + each);
    means.steps.push(steps[Math.min(at + each, steps.length) - 1]);
    means.values.push(some.reduce((sum, value) => sum + value, 0) / some.length);
  }
  return means;
}

/** Four to nine round numbers, the first of which is not above `low` and the last of which is not below `high`. */
function ticksOf(low: number, high: number): number[] {
  const span = high > low ? high - low : Math.max(Math.abs(high), 1);
  const power = 10 ** Math.floor(Math.log10(span / 4));
  const step = [1, 2, 5, 10].map((factor) => factor * power).find((one) => one >= span / 5) ?? 10 * power;
  const first = Math.floor(low / step + 1e-9);
  const last = Math.max(Math.ceil(high / step - 1e-9), first + 1);
  return Array.from({ length: last - first + 1 }, (_, i) => Number(((first + i) * step).toPrecision(12)));
}

const shortNumber = (value: number): string =>
  value !== 0 && (Math.abs(value) < 1e-3 || Math.abs(value) >= 1e5)
    ? value.toExponential(1)
    : String(Number(value.toPrecision(4)));
