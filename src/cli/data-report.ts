import type { LengthCounts } from "../data/index.ts";
import { type DataReport, describedBeginning, type FileReport, type FixedFile } from "../recipes/index.ts";

const number = (count: number): string => count.toLocaleString("en");
const plural = (count: number, thing: string): string => `${number(count)} ${thing}${count === 1 ? "" : "s"}`;
const line = (title: string, text: string): string => `  ${title.padEnd(11)}${text}`;

/** How pictures were looked at. */
export interface ReportOptions {
  readonly decode: boolean;
  readonly maxTokens?: number | undefined;
}

/** What a check found in one file, as lines. */
export function fileLines({ file, isHeldOut, failure, found }: FileReport, options: ReportOptions): string[] {
  const title = `${file.file}${isHeldOut ? " (held out)" : ""}`;
  if (found === undefined) return [title, ...(failure ?? "").split("\n").map((text) => `  ${text}`)];
  const { rows, texts } = found;
  const { problems } = rows;
  const begins = texts.writing.beginnings;
  const isSilent = begins.every(({ words }) => words === "");
  return [
    `${title}: ${file.format}, ${rows.content === "text" ? "plain text" : `${rows.content}s`}`,
    line(
      "rows",
      `${number(rows.rows)}: ${number(rows.rows - problems.rows)} good, ${number(problems.rows)} bad`,
    ),
    ...mediaLines(rows.media, options),
    ...textLines(found, options),
    ...(rows.content === "conversation" && !isSilent
      ? begins.slice(0, 4).map((one, i) => line(i === 0 ? "begin" : "", describedBeginning(one)))
      : []),
    ...(problems.count === 0
      ? []
      : [
          line("bad", `${plural(problems.rows, "row")}, ${plural(problems.count, "problem")}:`),
          ...problems.listed().map((problem) => `    ${problem}`),
        ]),
  ];
}

function mediaLines(
  { pictures, videos, files }: NonNullable<FileReport["found"]>["rows"]["media"],
  { decode }: ReportOptions,
): string[] {
  const how = `${number(files)} different, ${decode ? "decoded" : "the beginnings of their files read"}`;
  return [
    ...(pictures > 0 ? [line("pictures", `${number(pictures)}${videos > 0 ? "" : `; ${how}`}`)] : []),
    ...(videos > 0 ? [line("videos", `${number(videos)}; with the pictures ${how}`)] : []),
  ];
}

function textLines({ texts }: NonNullable<FileReport["found"]>, { maxTokens }: ReportOptions): string[] {
  const { tokens, learned, characters, shortened, cut } = texts;
  if (characters.count === 0) return [];
  if (tokens.count === 0) {
    return [
      line("characters", spread(characters)),
      line("tokens", "are counted by a model: --model owl-nano, or another one"),
      ...histogramLines("characters a row", characters),
    ];
  }
  const share = ((100 * learned.total) / tokens.total).toFixed(1);
  const losses = [
    ...(shortened > 0 ? [`${plural(shortened, "row")} without the oldest turns`] : []),
    ...(cut > 0 ? [`${plural(cut, "row")} cut at the end`] : []),
  ];
  const limit = maxTokens === undefined ? "" : `of ${number(maxTokens)} tokens at most: `;
  return [
    line("tokens", spread(tokens)),
    line("supervised", `${spread(learned)}; ${share} % of all`),
    ...(maxTokens === undefined
      ? []
      : [line("longer", `${limit}${losses.length === 0 ? "none" : losses.join(", ")}`)]),
    ...histogramLines("tokens a row", tokens),
  ];
}

function spread(lengths: LengthCounts): string {
  const { total, least, median, most } = lengths;
  return `${number(total)}; a row ${number(least)} to ${number(most)}, half of them up to ${number(median)}`;
}

const longestBar = 40;

function histogramLines(title: string, lengths: LengthCounts): string[] {
  const bins = lengths.histogram();
  const largest = Math.max(...bins.map(({ count }) => count));
  const ranges = bins.map(({ from, to }) => (from === to ? number(from) : `${number(from)}–${number(to)}`));
  const width = Math.max(...ranges.map((range) => range.length));
  const bars = bins.map(({ count }) => "█".repeat(Math.ceil((longestBar * count) / largest)));
  return [
    line(title, ""),
    ...bins.map(
      ({ count }, i) =>
        `    ${ranges[i].padStart(width)} ${bars[i]}${bars[i] === "" ? "" : " "}${number(count)}`,
    ),
  ].map((text) => text.trimEnd());
}

/** What was written, and what a recipe must say of it. */
export function fixedLine({ file, out, rows, isOwn }: FixedFile): string {
  const note = isOwn
    ? ""
    : ", each a line of JSON that says everything: a recipe needs no format, columns, question or images for it";
  return `${out}: the ${plural(rows, "good row")} of ${file}${note}`;
}

/** Whether anything of the data is bad. */
export function isBad({ files, problem }: DataReport): boolean {
  return (
    problem !== undefined || files.some(({ found }) => found === undefined || found.rows.problems.count > 0)
  );
}
