import type { GradeSummary, SystemGrades } from "./aggregate.ts";
import { type Grade, gradeNames } from "./grades.ts";
import { abilities, abilityNames, categories, categoryNames } from "./questions.ts";
import type { PublishedGrades } from "./report-numbers.ts";
import { drawing, element, escaped, label } from "./svg.ts";

/** A figure, and what its files are called without the ending. */
export interface Figure {
  readonly name: string;
  readonly svg: string;
}

export interface VerdictFigures {
  readonly verdict: GradeSummary;
  readonly grades: Figure;
  readonly abilities: Figure;
}

/** A verdict's two figures; those of people have the plain names. */
export function figuresOf(verdict: GradeSummary, published: PublishedGrades | undefined): VerdictFigures {
  const suffix = verdict.by === "people" ? "" : `-${verdict.by.replace(/[^\w.-]+/g, "-")}`;
  return {
    verdict,
    grades: { name: `grades${suffix}`, svg: gradesFigure(verdict, published) },
    abilities: { name: `abilities${suffix}`, svg: abilitiesFigure(verdict) },
  };
}

/** From blue to red by way of light tones: told apart by all kinds of colour vision, and in print without colours. */
const colours: Record<Grade, { readonly fill: string; readonly ink: string }> = {
  A: { fill: "#2166ac", ink: "#ffffff" },
  B: { fill: "#92c5de", ink: "#1b1f24" },
  C: { fill: "#f4a582", ink: "#1b1f24" },
  D: { fill: "#b2182b", ink: "#ffffff" },
};
const faint = "#57606a";
const hairline = "#d0d7de";

/** What stands for colours of a figure on a dark page: CSS, for figures that are part of one. */
export const darkFigureStyle = `
svg { fill: #e8eaed; }
svg > title + rect { fill: transparent; }
svg [fill="${faint}"] { fill: #a3adb8; }
svg [stroke="${hairline}"] { stroke: #444c56; }
svg [stroke="${colours.A.fill}"] { stroke: #79b8ff; }
svg circle { fill: #79b8ff; }
svg [stroke="#ffffff"] { stroke: #14171b; }
`;

const brief: Record<Grade, string> = {
  A: "right and satisfying",
  B: "small mistakes",
  C: "serious mistakes",
  D: "misses the question",
};

const percent = (share: number): string => `${Math.round(share * 100)}`;
const count = (value: number): string => String(Math.round(value * 10) / 10);

/** `84 % (72–92)` */
export const intervalText = ({ estimate, low, high }: SystemGrades["acceptable"]): string =>
  `${percent(estimate)} % (${percent(low)}–${percent(high)})`;

/** Best first. */
export const ranked = (entries: readonly SystemGrades[]): SystemGrades[] =>
  entries.toSorted((a, b) => b.acceptable.estimate - a.acceptable.estimate || (a.system < b.system ? -1 : 1));

/** The room that names need; letters are about 7.9 wide. */
const nameWidth = (names: readonly string[]): number =>
  Math.min(255, Math.max(80, ...names.map((name) => name.length * 7.9)));

/** `people`, or which language model. */
export const nameOf = ({ by }: Pick<GradeSummary, "by">): string =>
  by === "people" ? by : `the language model ${shortened(by.replace("judge:", ""))}`;

const shortened = (name: string): string => (name.length <= 32 ? name : `${name.slice(0, 31)}…`);

const row = 26;
const barWidth = 430;
const figuresWidth = 190;

/** The paper's figure: stacked bars of A, B, C and D, single-turn and multi-turn. */
function gradesFigure(verdict: Pick<GradeSummary, "by" | "categories">, published?: PublishedGrades): string {
  const panels = categoryNames
    .map((name) => ({
      title: `${categories[name]} questions`,
      own: ranked(verdict.categories[name]),
      others: ranked(published?.categories[name] ?? []),
    }))
    .filter(({ own, others }) => own.length + others.length > 0);
  const names = panels.flatMap(({ own, others }) =>
    [...own, ...others].map(({ system }) => shortened(system)),
  );
  const left = 16 + nameWidth(names) + 10;
  const width = left + barWidth + figuresWidth;
  const title = `OwlEval: grades by ${nameOf(verdict)}`;
  const heading = label(left, 26, title, { "font-weight": 700, "font-size": 17 });
  const content: string[] = [heading, legend(left, 52)];
  let y = 92;
  for (const { title, own, others } of panels) {
    content.push(label(left, y, title, { "font-weight": 700, "font-size": 15 }));
    content.push(
      label(left + barWidth + 12, y, "A or B, 95 % interval, n", { fill: faint, "font-size": 11 }),
    );
    y += 12;
    for (const entry of own) {
      content.push(bar(entry, left, y));
      y += row;
    }
    if (published !== undefined && others.length > 0) {
      content.push(label(left, y + 14, `published in ${published.source}`, { fill: faint, "font-size": 12 }));
      y += 22;
      for (const entry of others) {
        content.push(bar(entry, left, y));
        y += row;
      }
    }
    y += 34;
  }
  return drawing(width, y - 16, title, ...content);
}

function legend(x: number, y: number): string {
  let at = x;
  const keys = gradeNames.map((name) => {
    const text = `${name} ${brief[name]}`;
    const swatch = element("rect", { x: at, y: y - 11, width: 13, height: 13, fill: colours[name].fill });
    const key = swatch + label(at + 18, y, text, { "font-size": 11.5 });
    at += 18 + text.length * 6.6 + 14;
    return key;
  });
  return keys.join("");
}

function bar({ system, answers, counts, acceptable }: SystemGrades, x: number, y: number): string {
  const parts: string[] = [label(x - 10, y + 16, shortened(system), { anchor: "end" })];
  let at = x;
  for (const name of gradeNames) {
    const width = (counts[name] / answers) * barWidth;
    if (width === 0) continue;
    const text = count(counts[name]);
    const rect = element(
      "rect",
      { x: at, y, width, height: row - 6, fill: colours[name].fill, stroke: "#ffffff", "stroke-width": 1 },
      element("title", {}, escaped(`${system}: ${text} of ${answers} answers got ${name}`)),
    );
    parts.push(rect);
    if (width > text.length * 8 + 2) {
      parts.push(label(at + width / 2, y + 15, text, { anchor: "middle", fill: colours[name].ink }));
    }
    at += width;
  }
  parts.push(
    label(x + barWidth + 12, y + 15, `${intervalText(acceptable)}, ${answers}`, { "font-size": 12 }),
  );
  return parts.join("");
}

const dotRow = 20;
const plotWidth = 210;

/** How often each system was graded A or B, by what the questions ask for, with its interval. */
function abilitiesFigure(verdict: Pick<GradeSummary, "by" | "abilities">): string {
  const panels = abilityNames
    .map((name) => ({ name, entries: verdict.abilities[name] }))
    .filter(({ entries }) => entries.length > 0);
  const names = [...new Set(panels.flatMap(({ entries }) => entries.map(({ system }) => shortened(system))))];
  const left = 16 + nameWidth(names) + 10;
  const panelWidth = left + plotWidth + 60;
  const panelHeight = 62 + dotRow * names.length;
  const content = panels.map(({ name, entries }, i) => {
    const at = { x: (i % 2) * panelWidth + left, y: 56 + Math.floor(i / 2) * panelHeight };
    const title = label(at.x - left + 16, at.y, `${name}: ${abilities[name]} (${numbersOf(entries)})`, {
      "font-weight": 700,
    });
    return title + abilityPanel(entries, at);
  });
  const height = 46 + panelHeight * Math.ceil(panels.length / 2);
  const title = `OwlEval: abilities, grades by ${nameOf(verdict)}`;
  return drawing(
    panelWidth * 2 + 14,
    height,
    title,
    label(16, 26, title, { "font-weight": 700, "font-size": 17 }),
    label(panelWidth * 2, 26, "A or B, 95 % intervals", { anchor: "end", fill: faint, "font-size": 12 }),
    ...content,
  );
}

/** How many answers of each system there are. */
function numbersOf(entries: readonly SystemGrades[]): string {
  const numbers = entries.map(({ answers }) => answers);
  const [least, most] = [Math.min(...numbers), Math.max(...numbers)];
  return least === most ? `n = ${most}` : `n = ${least}–${most}`;
}

function abilityPanel(
  entries: readonly SystemGrades[],
  { x, y }: { readonly x: number; readonly y: number },
): string {
  const bottom = y + 14 + dotRow * entries.length;
  const parts: string[] = [];
  for (const share of [0, 0.25, 0.5, 0.75, 1]) {
    const at = x + share * plotWidth;
    parts.push(element("line", { x1: at, x2: at, y1: y + 8, y2: bottom, stroke: hairline }));
    const text = share === 1 ? "100 %" : percent(share);
    parts.push(label(at, bottom + 13, text, { anchor: "middle", fill: faint, "font-size": 10.5 }));
  }
  for (const [i, { system, acceptable }] of ranked(entries).entries()) {
    const middle = y + 18 + i * dotRow;
    const [low, at, high] = [acceptable.low, acceptable.estimate, acceptable.high].map(
      (share) => x + share * plotWidth,
    );
    parts.push(
      label(x - 10, middle + 4, shortened(system), { anchor: "end", "font-size": 12 }),
      element("line", {
        x1: low,
        x2: high,
        y1: middle,
        y2: middle,
        stroke: colours.A.fill,
        "stroke-width": 2,
      }),
      element("circle", { cx: at, cy: middle, r: 4.5, fill: colours.A.fill }),
      label(x + plotWidth + 14, middle + 4, `${percent(acceptable.estimate)} %`, { "font-size": 12 }),
    );
  }
  return parts.join("");
}
