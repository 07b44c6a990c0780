import sharp from "sharp";
import type { Face } from "../drawings/glyphs.ts";
import type { Picture } from "../pictures/drawn-scene.ts";
import { renderLettering, widthOf } from "../pictures/lettering.ts";
import { randomFor } from "../random.ts";
import type { MeasuredRow } from "./measure.ts";

const EXAMPLE_SEED = 20230432;

/** Turns that still fit into the table. */
const MOST_TURNS = 4;

/**
 * A measured row with free pictures of each ability, good or bad; chosen by seed and not by their answers, in the order in which they were
 * asked.
 */
export function chooseExamples(measured: readonly MeasuredRow[]): MeasuredRow[] {
  const random = randomFor(EXAMPLE_SEED, "examples", 0);
  const open = measured.filter(
    ({ row: { pictures, turns } }) =>
      pictures.length > 0 &&
      turns.length <= MOST_TURNS &&
      pictures.every((file) => file.startsWith("pictures/")),
  );
  const chosen = new Map(random.shuffle(open).map((one) => [one.row.ability, one]));
  return measured.filter((one) => chosen.get(one.row.ability) === one);
}

const SIDE = 128;
const HEAD = 22;
const COLUMNS = 5;

/** A number as a small picture. */
function numberPicture(number: number, face: Face): Picture {
  const canvas = {
    size: HEAD,
    rgb: new Float32Array(HEAD * HEAD * 3).fill(1),
    owner: new Int16Array(HEAD * HEAD),
  };
  const label = { face, text: String(number), size: 15, spacing: 0 };
  const x = (HEAD - widthOf(label)) / 2;
  renderLettering(canvas, { ...label, x, baseline: 17, rotation: 0, rgb: [0, 0, 0] }, () => 0);
  const data = Uint8Array.from(canvas.rgb, (value) => Math.max(0, Math.min(255, value * 255)));
  return { width: HEAD, height: HEAD, data };
}

const raw = ({ width, height, data }: Picture): ReturnType<typeof sharp> =>
  sharp(data, { raw: { width, height, channels: 3 } });

interface Placed {
  readonly input: Buffer;
  readonly left: number;
  readonly top: number;
}

const png = (picture: Picture, side: number): Promise<Buffer> =>
  raw(picture).resize(side, side).png().toBuffer();

/** The number of a cell and its pictures, beside each other where there are two. */
async function cell(
  pictures: readonly Picture[],
  number: Picture,
  left: number,
  top: number,
): Promise<Placed[]> {
  const side = Math.floor(SIDE / pictures.length);
  const shown = pictures.map(async (picture, i) => ({
    input: await png(picture, side),
    left: left + i * side,
    top: top + HEAD,
  }));
  return [{ input: await png(number, HEAD), left, top }, ...(await Promise.all(shown))];
}

/** The pictures of each example, numbered, on one sheet, as a PNG. */
export async function contactSheet(examples: readonly (readonly Picture[])[], face: Face): Promise<Buffer> {
  const [gap, pitch] = [8, SIDE + HEAD + 8];
  const rows = Math.ceil(examples.length / COLUMNS);
  const cells = await Promise.all(
    examples.map((pictures, i) => {
      const [left, top] = [gap + (i % COLUMNS) * (SIDE + gap), Math.floor(i / COLUMNS) * pitch];
      return cell(pictures, numberPicture(i + 1, face), left, top);
    }),
  );
  const size = { width: gap + COLUMNS * (SIDE + gap), height: rows * pitch };
  return sharp({ create: { ...size, channels: 3, background: "#fff" } })
    .composite(cells.flat())
    .png({ palette: true, quality: 85, dither: 0, effort: 10 })
    .toBuffer();
}

/** What was asked about the pictures of the sheet, what is true and what the owl said. */
export function examplesTable(examples: readonly MeasuredRow[]): string {
  const escaped = (text: string): string => text.replaceAll("|", "\\|");
  const rows = examples.flatMap(({ row: { ability, turns }, answers }, i) =>
    turns.map(({ question, answer }, t) => {
      const { said, right } = answers[t];
      return `| ${t === 0 ? i + 1 : ""} | ${t === 0 ? ability : ""} | ${[question, answer, said].map(escaped).join(" | ")} | ${right ? "✓" : "✗"} |`;
    }),
  );
  return ["| | ability | question | true answer | owl-nano | |", "|---|---|---|---|---|---|", ...rows].join(
    "\n",
  );
}
