import { joinPath, renderSvg, writeFileAtomically } from "../../platform/index.ts";
import { figuresOf } from "./figure.ts";
import { reportHtml } from "./report-html.ts";
import { reportMarkdown } from "./report-markdown.ts";
import type { OwlEvalReport } from "./report-numbers.ts";

/** Pixels a unit of the drawings. */
const SCALE = 2;

/**
 * Writes a report into a directory: `report.json`, `report.md`, `report.html` (whole in itself), and each figure as SVG
 * and PNG.
 *
 * @returns paths of what was written
 */
export async function writeReport(directory: string, report: OwlEvalReport): Promise<string[]> {
  const figures = report.verdicts.map((verdict) => figuresOf(verdict, report.published));
  const files: (readonly [string, string | Uint8Array])[] = [
    ["report.json", `${JSON.stringify(report, undefined, 2)}\n`],
    ["report.md", reportMarkdown(report, figures)],
    ["report.html", reportHtml(report, figures)],
  ];
  for (const { name, svg } of figures.flatMap(({ grades, abilities }) => [grades, abilities])) {
    files.push([`${name}.svg`, `${svg}\n`], [`${name}.png`, await renderSvg(svg, SCALE)]);
  }
  for (const [name, content] of files) await writeFileAtomically(joinPath(directory, name), content);
  return files.map(([name]) => joinPath(directory, name));
}
