import { foundPath, pathKind, readBytes, writeFileAtomically } from "../platform/index.ts";
import { benchmarks } from "./benchmarks/all.ts";
import { type ChangedItem, type Comparison, figureText, runNames } from "./compare.ts";
import { escaped } from "./owleval/svg.ts";

export interface ComparePageOptions {
  /** Changed items that are shown of each kind: worse, better, worth the same. Default 50. */
  readonly most?: number | undefined;
}

/** Pictures as `data:` URLs, by item; undefined where the data are not there any more. */
type Pictures = ReadonlyMap<string, readonly string[]> | undefined;

/**
 * Writes a comparison as one page that needs no other file and runs no script: the figures, and the answers that changed
 * beside their pictures (read from where the first run read them).
 */
export async function writeComparePage(
  out: string,
  comparison: Comparison,
  { most = 50 }: ComparePageOptions = {},
): Promise<void> {
  const kinds = [
    ["Worse in the second", ([first, second]: ChangedItem["values"]) => second < first],
    ["Better in the second", ([first, second]: ChangedItem["values"]) => second > first],
    ["Other words, worth the same", ([first, second]: ChangedItem["values"]) => second === first],
  ] as const;
  const sections = kinds.map(([title, holds]) => {
    const items = comparison.changes.filter(({ values }) => holds(values));
    return { title, count: items.length, shown: items.slice(0, most) };
  });
  const pictures = await picturesOf(
    comparison,
    sections.flatMap(({ shown }) => shown.map(({ id }) => id)),
  );
  const body = [
    `<h1>${escaped(comparison.runs[0].benchmark)}: ${runNames(comparison).map(escaped).join(" and ")}</h1>`,
    figureTable(comparison),
    conditionTable(comparison),
    ...(pictures === undefined
      ? [`<p class="note">Without pictures: ${escaped(comparison.runs[0].data)} is not there any more.</p>`]
      : []),
    ...sections.flatMap(({ title, count, shown }) => [
      `<h2>${title}: ${count}</h2>`,
      ...shown.map((item) => card(item, comparison, pictures?.get(item.id) ?? [])),
      ...(count > shown.length ? [`<p class="note">and ${count - shown.length} more</p>`] : []),
    ]),
  ];
  await writeFileAtomically(out, page(`${comparison.runs[0].benchmark}: answers that changed`, body));
}

async function picturesOf({ runs: [run] }: Comparison, ids: readonly string[]): Promise<Pictures> {
  const benchmark = benchmarks[run.benchmark];
  if (benchmark === undefined) return new Map();
  if ((await pathKind(run.data)) === "missing") return undefined;
  const wanted = new Set(ids);
  const items = (await benchmark.read(run.data)).filter(({ id }) => wanted.has(id));
  const pictures = new Map<string, string[]>();
  for (const item of items) {
    const files = await Promise.all(
      benchmark.pictures(item).map(async (source) => {
        if (typeof source !== "string") return source;
        return (await pathKind(await foundPath(source))) === "file" ? readBytes(source) : new Uint8Array();
      }),
    );
    pictures.set(
      item.id,
      files.flatMap((bytes) => dataUrl(bytes) ?? []),
    );
  }
  return pictures;
}

/** What browsers show, by the first bytes of the file. */
const formats: readonly (readonly [type: string, start: readonly number[]])[] = [
  ["image/jpeg", [0xff, 0xd8, 0xff]],
  ["image/png", [0x89, 0x50, 0x4e, 0x47]],
  ["image/gif", [0x47, 0x49, 0x46, 0x38]],
  ["image/webp", [0x52, 0x49, 0x46, 0x46]],
];

function dataUrl(bytes: Uint8Array): string | undefined {
  const type = formats.find(([, start]) => start.every((byte, i) => bytes[i] === byte))?.[0];
  if (type === undefined) return undefined;
  let text = "";
  for (let start = 0; start < bytes.length; start += 8192) {
    text += String.fromCharCode(...bytes.subarray(start, start + 8192));
  }
  return `data:${type};base64,${btoa(text)}`;
}

function figureTable(comparison: Comparison): string {
  const { runs, figures, disagreements } = comparison;
  const rows = figures.map(({ name, values, difference: { estimate, low, high, pValue } }) => [
    name,
    ...values.map(figureText),
    figureText(estimate),
    `${figureText(low)} to ${figureText(high)}`,
    pValue.toFixed(3),
  ]);
  const head = ["figure", ...runNames(comparison), "second less first", "95 % interval", "p"];
  const note = `${runs[0].items.length} items. Intervals and p by the paired bootstrap over pictures.`;
  const mcNemar =
    disagreements === undefined
      ? ""
      : ` Right in the first alone: ${disagreements.onlyFirstRight}, in the second alone: ${disagreements.onlySecondRight} (McNemar's exact test: p = ${disagreements.pValue.toFixed(3)}).`;
  return `${table(head, rows)}<p class="note">${escaped(note + mcNemar)}</p>`;
}

function conditionTable({ conditions }: Comparison): string {
  if (conditions.length === 0) return '<p class="note">Both runs were made under the same conditions.</p>';
  const rows = conditions.map(({ name, values }) => [name, ...values]);
  return `<details><summary>What differs between the runs</summary>${table(["condition", "first", "second"], rows)}</details>`;
}

function card(
  { id, expected, turns, values }: ChangedItem,
  comparison: Comparison,
  pictures: readonly string[],
): string {
  const names = runNames(comparison);
  const answers = turns.map(
    ({ question, first, second }) => `<p class="question">${escaped(question)}</p>
<dl><dt>${escaped(names[0])}</dt><dd>${escaped(first)}</dd><dt>${escaped(names[1])}</dt><dd>${escaped(second)}</dd></dl>`,
  );
  const images = pictures.map(
    (url) => `<img src="${url}" alt="picture of item ${escaped(id)}" loading="lazy">`,
  );
  return `<article>${images.join("")}<div>${answers.join("\n")}
<p class="note">right: ${escaped(expected)} · worth ${values.map(figureText).join(" and ")} · item ${escaped(id)}</p></div></article>`;
}

function table(head: readonly string[], rows: readonly (readonly string[])[]): string {
  const cells = (name: string, texts: readonly string[]): string =>
    `<tr>${texts.map((text) => `<${name}>${escaped(text)}</${name}>`).join("")}</tr>`;
  return `<div class="wide" role="group" aria-label="Table" tabindex="0"><table><thead>${cells("th", head)}</thead><tbody>${rows.map((row) => cells("td", row)).join("")}</tbody></table></div>`;
}

const style = `
:root { color-scheme: light dark; --ground: #fff; --ink: #1b1f24; --line: #c9d1d9; --faint: #57606a; }
@media (prefers-color-scheme: dark) { :root { --ground: #14171b; --ink: #e8eaed; --line: #444c56; --faint: #a3adb8; } }
body { background: var(--ground); color: var(--ink); font: 16px/1.5 system-ui, sans-serif; max-width: 62rem; margin: 2rem auto; padding: 0 1rem; }
.wide { overflow-x: auto; }
table { border-collapse: collapse; font-size: .9rem; }
th, td { text-align: left; padding: .2rem .8rem .2rem 0; border-bottom: 1px solid var(--line); font-variant-numeric: tabular-nums; white-space: nowrap; }
.wide:focus-visible { outline: 3px solid #4a90d9; }
article { display: flex; flex-wrap: wrap; gap: 1rem; align-items: flex-start; border-top: 1px solid var(--line); padding: 1rem 0; }
article > div { flex: 1 1 24rem; min-width: 0; overflow-wrap: anywhere; }
img { max-width: min(16rem, 100%); max-height: 16rem; border-radius: 6px; }
.question { margin: 0 0 .4rem; font-weight: 600; white-space: pre-wrap; }
dl { display: grid; grid-template-columns: max-content 1fr; gap: .2rem .8rem; margin: 0 0 .6rem; }
dt { color: var(--faint); }
dd { margin: 0; white-space: pre-wrap; }
.note { color: var(--faint); font-size: .9rem; }
`;

function page(title: string, body: readonly string[]): string {
  return `<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta http-equiv="Content-Security-Policy" content="default-src 'none'; style-src 'unsafe-inline'; img-src data:">
<title>${escaped(title)}</title>
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
