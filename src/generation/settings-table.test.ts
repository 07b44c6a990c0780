import { readFileSync } from "node:fs";
import { expect, test } from "vitest";
import { completeSettings } from "./settings.ts";
import { type Bounds, samplingNotComputed, settingsNotComputed, settingsRows } from "./settings-table.ts";

const library = readFileSync(new URL("../../docs/library.md", import.meta.url), "utf8");

function rangeText({ above, min, max }: Bounds): string {
  if (min !== undefined && max !== undefined) return `${min} to ${max}`;
  const least = above === undefined ? (min === undefined ? [] : [`≥ ${min}`]) : [`> ${above}`];
  return [...least, ...(max === undefined ? [] : [`≤ ${max}`])].join(", ");
}

const code = (text: string): string => `\`${text}\``;

/** The rows as docs/library.md shows them. */
function markdownTable(): string {
  const header = "| setting | default | range | generation_config.json | HTTP | command line | meaning |";
  const lines = settingsRows.map(([name, row]) => {
    const range = rangeText(row.bounds);
    const httpRange = row.http === null ? "" : rangeText(row.http.bounds);
    const cells = [
      code(name),
      row.default === undefined ? "none" : code(JSON.stringify(row.default)),
      range,
      row.huggingFace.map(code).join(", "),
      row.http === null ? "" : `${code(row.http.name)}${httpRange === range ? "" : ` ${httpRange || "any"}`}`,
      row.cli === null ? "" : code(row.cli.split(" ")[0]),
      row.help,
    ];
    return `| ${cells.join(" | ")} |`;
  });
  return [header, "|---|---|---|---|---|---|---|", ...lines].join("\n");
}

test("docs/library.md shows this table", () => {
  const wanted = markdownTable();
  const [header] = wanted.split("\n");
  const shown = library.slice(Math.max(0, library.indexOf(header))).split("\n\n")[0];
  expect(shown).toBe(wanted);
});

test("every default is a setting that is taken", () => {
  expect(completeSettings({})).toEqual(
    completeSettings(Object.fromEntries(settingsRows.map(([name, row]) => [name, row.default]))),
  );
});

test("no name of a surface stands for two settings", () => {
  for (const names of [
    settingsRows.flatMap(([, { huggingFace }]) => huggingFace),
    settingsRows.flatMap(([, { http }]) => (http === null ? [] : [http.name])),
    settingsRows.flatMap(([, { cli }]) => (cli === null ? [] : [cli.split(" ")[0]])),
    settingsRows.flatMap(([, { page }]) => (page === null ? [] : [page.label])),
  ]) {
    expect(new Set(names).size).toBe(names.length);
  }
});

test("no setting that is computed is listed as not computed", () => {
  const names = settingsRows.flatMap(([, { huggingFace }]) => huggingFace);
  const listed = Object.keys({ ...settingsNotComputed, ...samplingNotComputed });
  expect(listed.filter((name) => names.includes(name))).toEqual([]);
});
