import { darkFigureStyle, nameOf, type VerdictFigures } from "./figure.ts";
import type { OwlEvalReport } from "./report-numbers.ts";
import {
  aboutVerdict,
  agreementTables,
  gradeTable,
  type ReportTable,
  verdictTables,
} from "./report-tables.ts";
import { escaped } from "./svg.ts";

const style = `
:root { color-scheme: light dark; --ground: #fff; --ink: #1b1f24; --line: #c9d1d9; --faint: #57606a; }
@media (prefers-color-scheme: dark) { :root { --ground: #14171b; --ink: #e8eaed; --line: #444c56; --faint: #a3adb8; } }
body { background: var(--ground); color: var(--ink); font: 16px/1.5 system-ui, sans-serif; max-width: 62rem; margin: 2rem auto; padding: 0 1rem; }
svg { border-radius: 6px; margin: .5rem 0; }
.wide { overflow-x: auto; }
.wide:focus-visible { outline: 3px solid #4a90d9; }
table { border-collapse: collapse; font-size: .9rem; }
th, td { text-align: left; padding: .2rem .8rem .2rem 0; border-bottom: 1px solid var(--line); white-space: nowrap; }
td:last-child { white-space: normal; min-width: 6rem; }
.note { color: var(--faint); }
@media (prefers-color-scheme: dark) {${darkFigureStyle}}
`;

/** A report as one page that needs no other file and runs no script. */
export function reportHtml(report: OwlEvalReport, figures: readonly VerdictFigures[]): string {
  const { published } = report;
  const body = [
    "<h1>OwlEval</h1>",
    ...figures.flatMap(({ verdict, grades, abilities }) => [
      `<h2>Grades by ${escaped(nameOf(verdict))}</h2>`,
      `<p class="note">${escaped(aboutVerdict(verdict))}</p>`,
      wide("Grades", grades.svg),
      wide("Abilities", abilities.svg),
      ...verdictTables(verdict).map(written),
    ]),
    ...(published === undefined
      ? []
      : [written(gradeTable(published.categories, `Published in ${published.source}`))]),
    ...agreementTables(report).map(written),
  ];
  return `<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta http-equiv="Content-Security-Policy" content="default-src 'none'; style-src 'unsafe-inline'">
<title>OwlEval</title>
<style>${style}</style>
</head>
<body>
<main>
${body.join("\n")}
</main>
</body>
</html>
`;
}

function written({ title, note, head, rows }: ReportTable): string {
  const cells = (name: string, texts: readonly string[]): string =>
    `<tr>${texts.map((text) => `<${name}>${escaped(text)}</${name}>`).join("")}</tr>`;
  const table = `<table><thead>${cells("th", head)}</thead><tbody>${rows.map((row) => cells("td", row)).join("")}</tbody></table>`;
  const said = note === undefined ? "" : `<p class="note">${escaped(note)}</p>`;
  return `<h3>${escaped(title)}</h3>${said}${wide(title, table)}`;
}

/** What a narrow window shows a part of: it can be scrolled by keys too. */
const wide = (name: string, markup: string): string =>
  `<div class="wide" role="group" aria-label="${escaped(name)}" tabindex="0">${markup}</div>`;
