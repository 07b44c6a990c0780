import { existsSync, mkdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import sharp from "sharp";
import type { Picture } from "../pictures/drawn-scene.ts";
import type { QuestionRow, QuestionSet } from "./rows.ts";

/** Where owleval-nano is kept. */
export const QUESTIONS_FOLDER = fileURLToPath(new URL("../owleval-nano/", import.meta.url));

const ROWS = "questions.jsonl";

/** Beside the pictures that show share-alike drawings. */
const SHARE_ALIKE = `# Licence of these pictures

All emojis designed by [OpenMoji](https://openmoji.org), the open-source emoji and icon project, license
[CC BY-SA 4.0](https://creativecommons.org/licenses/by-sa/4.0/). They were resized and put on colored backgrounds; so the pictures of this folder
are under CC BY-SA 4.0 too. No model was trained on them.
`;

/** Encodes a picture as a small PNG, with a palette of as many colors as are seen. */
export function toPng({ width, height, data }: Picture): Promise<Buffer> {
  return sharp(data, { raw: { width, height, channels: 3 } })
    .png({ palette: true, quality: 88, dither: 0, effort: 10, compressionLevel: 9 })
    .toBuffer();
}

/** Writes rows and pictures, in place of those that were there. */
export async function writeQuestions({ rows, pictureOf }: QuestionSet, folder: string): Promise<void> {
  const files = rows.flatMap(({ pictures }) => pictures);
  for (const name of new Set(files.map((file) => dirname(file)))) {
    rmSync(join(folder, name), { recursive: true, force: true });
    mkdirSync(join(folder, name), { recursive: true });
  }
  for (const file of files) writeFileSync(join(folder, file), await toPng(pictureOf(file)));
  writeFileSync(join(folder, "S2", "LICENSE.md"), SHARE_ALIKE);
  writeFileSync(join(folder, ROWS), rows.map((row) => `${JSON.stringify(row)}\n`).join(""));
}

/** The rows that are kept. */
export function readRows(folder = QUESTIONS_FOLDER): QuestionRow[] {
  const path = join(folder, ROWS);
  if (!existsSync(path))
    throw new Error(`${path}: must be there, and is not; \`npm run owl-nano -- --questions\` makes it`);
  const lines = readFileSync(path, "utf8").trim().split("\n");
  return lines.map((line) => JSON.parse(line) as QuestionRow);
}

async function readPicture(path: string): Promise<Picture> {
  const { data, info } = await sharp(path)
    .removeAlpha()
    .toColorspace("srgb")
    .raw()
    .toBuffer({ resolveWithObject: true });
  return { width: info.width, height: info.height, data: new Uint8Array(data) };
}

/** Rows that are kept, with their pictures; all of them or some. */
export async function readQuestions(
  rows: readonly QuestionRow[] = readRows(),
  folder = QUESTIONS_FOLDER,
): Promise<QuestionSet> {
  const files = rows.flatMap(({ pictures }) => pictures);
  const pictures = new Map<string, Picture>();
  for (const file of files) pictures.set(file, await readPicture(join(folder, file)));
  return { name: "test", rows, pictureOf: (file) => pictures.get(file)! };
}
