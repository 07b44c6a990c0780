import { existsSync, readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import sharp from "sharp";
import { WHITE } from "../concepts/colors.ts";
import type { Concept } from "../concepts/concepts.ts";
import type { Picture } from "../pictures/drawn-scene.ts";
import { randomFor } from "../random.ts";
import { PICTURE_SIZE, type Scene } from "../scenes/scene.ts";
import { nameTurn } from "../texts/abilities/naming.ts";
import type { World } from "../texts/turns.ts";
import { QUESTION_PICTURE_SIZE } from "./question-scenes.ts";
import { scoredTurn } from "./question-set.ts";
import type { QuestionRow, QuestionSet } from "./rows.ts";

/**
 * Where Debian's package tuxpaint-stamps-default puts its pictures. They are under the GPL: never trained on, never copied into this
 * repository, and read only where the package is installed.
 */
export const STAMPS_FOLDER = "/usr/share/tuxpaint/stamps";

/** What may stand before the name in a caption without making it another thing. */
const MODIFIERS = new Set(
  `red green yellow black brown pink white blue orange ripe happy little colorful stripey full lit sliced male female young old
  european sumatran magellanic tamworth classical electric folded single bunch cluster pair closed open big small large common`.split(
    /\s+/,
  ),
);

/** The thing that a caption names, if it is one of ours: "A ripe, red tomato." → tomato. */
export function captionedConcept(caption: string, concepts: readonly Concept[]): Concept | undefined {
  const words = caption
    .toLowerCase()
    .replace(/[.,!]/g, "")
    .split(" ")
    .filter((word) => !/^(a|an|the|some|our|of)$/.test(word));
  for (let length = Math.min(2, words.length); length > 0; length--) {
    const name = words.slice(-length).join(" ");
    const found = concepts.find((concept) => concept.name === name || concept.plural === name);
    if (found !== undefined)
      return words.slice(0, -length).every((word) => MODIFIERS.has(word)) ? found : undefined;
  }
  return undefined;
}

/** A cut-out photograph on white, with a margin. */
async function onWhite(path: string): Promise<Picture> {
  const size = QUESTION_PICTURE_SIZE;
  const inner = Math.round(size * 0.88);
  const border = (size - inner) / 2;
  const [before, after] = [Math.floor(border), Math.ceil(border)];
  const { data, info } = await sharp(path)
    .resize(inner, inner, { fit: "contain", background: "#fff" })
    .extend({ top: before, left: before, bottom: after, right: after, background: "#fff" })
    .flatten({ background: "#fff" })
    .toColorspace("srgb")
    .raw()
    .toBuffer({ resolveWithObject: true });
  return { width: info.width, height: info.height, data: new Uint8Array(data) };
}

/** S3: photographs of known things, from drawings alone; undefined where the package is not installed. */
export async function photoQuestions(world: World, folder = STAMPS_FOLDER): Promise<QuestionSet | undefined> {
  if (!existsSync(folder)) return undefined;
  const files = readdirSync(folder, { recursive: true, encoding: "utf8" })
    .filter((name) => name.endsWith(".png") && existsSync(join(folder, name.replace(/png$/, "txt"))))
    .sort();
  const rows: QuestionRow[] = [];
  const pictures = new Map<string, Picture>();
  for (const file of files) {
    const [caption] = readFileSync(join(folder, file.replace(/png$/, "txt")), "utf8").split("\n");
    const concept = captionedConcept(caption, world.concepts);
    if (concept === undefined) continue;
    const random = randomFor(20230431, `photo ${file}`, 0);
    const middle = PICTURE_SIZE / 2;
    const thing = {
      subject: { kind: "concept" as const, concept },
      x: middle,
      y: middle,
      size: PICTURE_SIZE,
    };
    const scene: Scene = { background: WHITE, things: [thing], lines: [] };
    const [turn] = nameTurn(scene, { world, random, part: "test" });
    pictures.set(file, await onWhite(join(folder, file)));
    rows.push({
      id: `photo ${file}`,
      ability: "name of a photograph",
      letter: "b",
      set: "S3",
      pictures: [file],
      drawings: [concept.name],
      fonts: [],
      turns: [scoredTurn(turn, random)],
    });
  }
  return { name: "photographs", rows, pictureOf: (file) => pictures.get(file)! };
}
