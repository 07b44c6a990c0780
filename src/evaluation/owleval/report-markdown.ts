import { nameOf, type VerdictFigures } from "./figure.ts";
import { categories } from "./questions.ts";
import type { OwlEvalReport } from "./report-numbers.ts";
import {
  aboutVerdict,
  agreementTables,
  gradeTable,
  type ReportTable,
  verdictTables,
} from "./report-tables.ts";

/** A report as Markdown, its figures beside it. */
export function reportMarkdown(report: OwlEvalReport, figures: readonly VerdictFigures[]): string {
  const { published } = report;
  const parts = [
    "# OwlEval",
    ...figures.flatMap(({ verdict, grades, abilities }) => [
      `## Grades by ${plain(nameOf(verdict))}`,
      plain(aboutVerdict(verdict)),
      `![${Object.values(categories).join(" and ")} questions](${grades.name}.svg)`,
      `![abilities](${abilities.name}.svg)`,
      ...verdictTables(verdict).map(written),
    ]),
    ...(published === undefined
      ? []
      : [written(gradeTable(published.categories, `Published in ${published.source}`))]),
    ...agreementTables(report).map(written),
  ];
  return `${parts.join("\n\n")}\n`;
}

function written({ title, note, head, rows }: ReportTable): string {
  const line = (cells: readonly string[]): string => `| ${cells.map(plain).join(" | ")} |`;
  const table = [line(head), `|${"---|".repeat(head.length)}`, ...rows.map(line)].join("\n");
  return [`### ${plain(title)}`, ...(note === undefined ? [] : [plain(note)]), table].join("\n\n");
}

/** Text in which Markdown finds no marks of its own. */
function plain(text: string): string {
  return text.replace(/[\\`*_[\]<>|#&]/g, (mark) => `\\${mark}`).replace(/\s+/g, " ");
}
