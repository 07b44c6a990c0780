import { existsSync, readFileSync } from "node:fs";
import { drawing, gridLine, line, PALETTE, path, text } from "./svg.ts";

/** A stage's losses by step. */
export interface LearningCurve {
  readonly name: string;
  readonly steps: readonly { readonly step: number; readonly loss: number }[];
}

/**
 * Reads the losses of a stage from its log.jsonl. After a stop a stage goes on from its last state: steps that were computed again
 * count as they were the last time.
 */
export function readCurve(name: string, logFile: string): LearningCurve {
  if (!existsSync(logFile))
    throw new Error(
      `${logFile}: must be there for the learning curve of ${name}, and is not; train the stage first`,
    );
  const losses = new Map<number, number>();
  for (const entry of readFileSync(logFile, "utf8").split("\n")) {
    if (entry.trim() === "") continue;
    const event = JSON.parse(entry) as { kind: string; step: number; loss: number };
    if (event.kind === "step" && Number.isFinite(event.loss)) losses.set(event.step, event.loss);
  }
  const steps = [...losses].map(([step, loss]) => ({ step, loss })).sort((a, b) => a.step - b.step);
  return { name, steps };
}

/** Means of consecutive steps: a loss of one batch says little. */
export function smoothed({ steps }: LearningCurve, points: number): { step: number; loss: number }[] {
  const width = Math.max(1, Math.ceil(steps.length / points));
  const means: { step: number; loss: number }[] = [];
  for (let start = 0; start < steps.length; start += width) {
    const some = steps.slice(start, start + width);
    const mean = some.reduce((sum, { loss }) => sum + loss, 0) / some.length;
    means.push({ step: some.at(-1)!.step, loss: mean });
  }
  return means;
}

const PANEL = { width: 300, height: 180, left: 44, top: 26, right: 14, bottom: 28 };
const COLUMNS = 3;
const POINTS = 150;

/** Round numbers that divide a logarithmic axis. */
function ticks(low: number, high: number): number[] {
  const all = [0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1, 2, 5, 10].filter((tick) => tick >= low && tick <= high);
  return all.length > 0 ? all : [low, high];
}

function panel(curve: LearningCurve, number: number): string[] {
  const { width, height, left, top, right, bottom } = PANEL;
  const [x0, y0] = [(number % COLUMNS) * width, Math.floor(number / COLUMNS) * height];
  const points = smoothed(curve, POINTS);
  const last = points.at(-1)?.step ?? 1;
  const losses = points.map(({ loss }) => Math.max(loss, 1e-3));
  const [low, high] = [Math.min(...losses) * 0.9, Math.max(...losses) * 1.1];
  const x = (step: number): number => x0 + left + ((width - left - right) * step) / last;
  const y = (loss: number): number =>
    y0 + top + (height - top - bottom) * (1 - Math.log(Math.max(loss, 1e-3) / low) / Math.log(high / low));
  const floor = y0 + height - bottom;
  return [
    text(
      x0 + left,
      y0 + 16,
      `${curve.name}: ${losses.at(-1)?.toFixed(3) ?? "–"} after ${last.toLocaleString("en")} steps`,
      { size: 12 },
    ),
    ...ticks(low, high).flatMap((tick) => [
      gridLine([x0 + left, y(tick)], [x0 + width - right, y(tick)]),
      text(x0 + left - 5, y(tick) + 4, String(tick), { anchor: "end", size: 10 }),
    ]),
    line([x0 + left, floor], [x0 + width - right, floor]),
    text(x0 + left, floor + 14, "0", { size: 10 }),
    text(x0 + width - right, floor + 14, last.toLocaleString("en"), { anchor: "end", size: 10 }),
    path(
      points.map(({ step, loss }) => [x(step), y(loss)]),
      PALETTE[number % PALETTE.length],
    ),
  ];
}

/** The training losses of stages, a panel each, on a logarithmic axis. */
export function curvesSvg(curves: readonly LearningCurve[]): string {
  const rows = Math.ceil(curves.length / COLUMNS);
  const width = PANEL.width * Math.min(COLUMNS, curves.length);
  return drawing(width, PANEL.height * rows, "training loss of each stage", curves.flatMap(panel));
}
