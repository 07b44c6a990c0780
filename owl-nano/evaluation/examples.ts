import sharp from "sharp";
import type { Face } from "../drawings/glyphs.ts";
import type { Picture } from "../pictures/drawn-scene.ts";
import { renderLettering, widthOf } from "../pictures/lettering.ts";
import { randomFor } from "../random.ts";
import type { MeasuredRow } from "./measure.ts";

const EXAMPLE_SEED = 20230432;

/** Measured rows with one free picture, good and bad, of as many abilities as can be; chosen by seed and not by their answers. */
export function chooseExamples(measured: readonly MeasuredRow[], count: number): MeasuredRow[] {
  const random = randomFor(EXAMPLE_SEED, "examples", 0);
  const open = measured.filter(
    ({ row: { pictures } }) => pictures.length === 1 && pictures[0].startsWith("pictures/"),
  );
  const shuffled = random.shuffle(open);
  const kindOf = ({ row: { ability, set } }: MeasuredRow): string => `${ability} ${set}`;
  const firsts = shuffled.filter(
    (one, i) => shuffled.findIndex((other) => kindOf(other) === kindOf(one)) === i,
  );
  const chosen = new Set([...firsts, ...shuffled].slice(0, count));
  return measured.filter((one) => chosen.has(one));
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

/** Numbered pictures on one sheet, as a PNG. */
export async function contactSheet(pictures: readonly Picture[], face: Face): Promise<Buffer> {
  const [gap, pitch] = [8, SIDE + HEAD + 8];
  const rows = Math.ceil(pictures.length / COLUMNS);
  const parts = await Promise.all(
    pictures.map(async (picture, i) => {
      const [left, top] = [gap + (i % COLUMNS) * (SIDE + gap), Math.floor(i / COLUMNS) * pitch];
      return [
        {
          input: await raw(numberPicture(i + 1, face))
            .png()
            .toBuffer(),
          left,
          top,
        },
        { input: await raw(picture).resize(SIDE, SIDE).png().toBuffer(), left, top: top + HEAD },
      ];
    }),
  );
  const size = { width: gap + COLUMNS * (SIDE + gap), height: rows * pitch };
  return sharp({ create: { ...size, channels: 3, background: "#fff" } })
    .composite(parts.flat())
    .png({ palette: true, quality: 85, dither: 0, effort: 10 })
    .toBuffer();
}

/** What was asked about the pictures of the sheet, what is true and what the owl said. */
export function examplesTable(examples: readonly MeasuredRow[]): string {
  const cell = (text: string): string => text.replaceAll("|", "\\|");
  const rows = examples.flatMap(({ row: { ability, turns }, answers }, i) =>
    turns.map(({ question, answer }, t) => {
      const { said, right } = answers[t];
      return `| ${t === 0 ? i + 1 : ""} | ${t === 0 ? ability : ""} | ${[question, answer, said].map(cell).join(" | ")} | ${right ? "✓" : "✗"} |`;
    }),
  );
  return ["| | ability | question | true answer | owl-nano | |", "|---|---|---|---|---|---|", ...rows].join(
    "\n",
  );
}
