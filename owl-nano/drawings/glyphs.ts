import { existsSync, mkdirSync, readFileSync, renameSync, writeFileSync } from "node:fs";
import { createRequire } from "node:module";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import opentype from "opentype.js";
import sharp from "sharp";
import { CHARACTERS } from "../concepts/characters.ts";
import { hashText } from "../random.ts";

/** What is held out of training: two type families. */
export const TEST_FONTS = ["ubuntu", "bitter"] as const;

const TRAIN_FONTS =
  "roboto open-sans lato pt-sans montserrat oswald anton merriweather playfair-display courier-prime inconsolata comic-neue roboto-slab".split(
    " ",
  );
const WEIGHTS = [400, 700];

const DRAWN = `${CHARACTERS}abcdefghijklmnopqrstuvwxyz`;

/** Size of the em in the masks, pixels. */
export const EM = 40;
/** Side of a mask, and where the baseline and the left edge of the advance lie in it. */
export const CELL = 60;
export const BASELINE = 44;
export const BEARING = 8;

/** One weight of one type family as masks of its characters. */
export interface Face {
  readonly name: string;
  readonly font: string;
  /** By character: advance in pixels at `EM`. */
  readonly advances: Readonly<Record<string, number>>;
  /** Height of a capital at `EM`, pixels. */
  readonly capHeight: number;
  /** Opacity of each pixel of a character's cell, 0…255. */
  mask(character: string): Uint8Array;
  /** The same at half the size, for small text. */
  half(character: string): Uint8Array;
}

export interface Faces {
  readonly train: readonly Face[];
  readonly test: readonly Face[];
}

interface FaceEntry {
  name: string;
  font: string;
  advances: Record<string, number>;
  capHeight: number;
}

const CACHE = join(dirname(fileURLToPath(import.meta.url)), "..", "..", ".cache", "owl-nano");
const VERSION = 1;
const require = createRequire(import.meta.url);

function fontFile(font: string, weight: number): string | undefined {
  const directory = dirname(require.resolve(`@fontsource/${font}/package.json`));
  // opentype.js reads the older of the two web formats only.
  const path = join(directory, "files", `${font}-latin-${weight}-normal.woff`);
  return existsSync(path) ? path : undefined;
}

async function renderFace(
  path: string,
  name: string,
  font: string,
): Promise<{ entry: FaceEntry; masks: Uint8Array }> {
  const bytes = readFileSync(path);
  const parsed = opentype.parse(
    bytes.buffer.slice(bytes.byteOffset, bytes.byteOffset + bytes.byteLength) as ArrayBuffer,
  );
  const scale = EM / parsed.unitsPerEm;
  const advances: Record<string, number> = {};
  // A path of its own for each glyph, all of them side by side in one drawing.
  const paths = [...DRAWN].map((character, i) => {
    const glyph = parsed.charToGlyph(character);
    advances[character] = (glyph.advanceWidth ?? parsed.unitsPerEm / 2) * scale;
    const data = glyph.getPath(0, 0, EM).toPathData(2);
    return `<svg x="${i * CELL}" y="0" width="${CELL}" height="${CELL}"><path transform="translate(${BEARING} ${BASELINE})" d="${data}"/></svg>`;
  });
  advances[" "] = (parsed.charToGlyph(" ").advanceWidth ?? parsed.unitsPerEm / 4) * scale;
  const width = DRAWN.length * CELL;
  const drawing = `<svg xmlns="http://www.w3.org/2000/svg" width="${width}" height="${CELL}">${paths.join("")}</svg>`;
  const { data } = await sharp(Buffer.from(drawing))
    .ensureAlpha()
    .raw()
    .toBuffer({ resolveWithObject: true });
  const masks = new Uint8Array(DRAWN.length * CELL * CELL);
  for (let g = 0; g < DRAWN.length; g++)
    for (let y = 0; y < CELL; y++)
      for (let x = 0; x < CELL; x++)
        masks[(g * CELL + y) * CELL + x] = data[(y * width + g * CELL + x) * 4 + 3];
  const box = parsed.charToGlyph("H").getPath(0, 0, EM).getBoundingBox();
  return { entry: { name, font, advances, capHeight: -box.y1 }, masks };
}

async function build(): Promise<{ entries: FaceEntry[]; masks: Uint8Array }> {
  const entries: FaceEntry[] = [];
  const masks: Uint8Array[] = [];
  for (const font of [...TRAIN_FONTS, ...TEST_FONTS])
    for (const weight of WEIGHTS) {
      const path = fontFile(font, weight);
      if (path === undefined) continue;
      const face = await renderFace(path, `${font} ${weight}`, font);
      entries.push(face.entry);
      masks.push(face.masks);
    }
  return { entries, masks: Buffer.concat(masks) };
}

function halve(mask: Uint8Array): Uint8Array {
  const side = CELL / 2;
  const half = new Uint8Array(side * side);
  for (let y = 0; y < side; y++)
    for (let x = 0; x < side; x++) {
      const at = 2 * y * CELL + 2 * x;
      half[y * side + x] = (mask[at] + mask[at + 1] + mask[at + CELL] + mask[at + CELL + 1] + 2) >> 2;
    }
  return half;
}

function faceOf(entry: FaceEntry, all: Uint8Array): Face {
  const size = CELL * CELL;
  const masks = new Map(
    [...DRAWN].map((character, i) => [character, all.subarray(i * size, (i + 1) * size)]),
  );
  const halves = new Map([...masks].map(([character, mask]) => [character, halve(mask)]));
  const of = (some: ReadonlyMap<string, Uint8Array>, character: string): Uint8Array => {
    const mask = some.get(character);
    if (mask === undefined)
      throw new Error(`glyphs: a character must be one of ${DRAWN}, got "${character}"`);
    return mask;
  };
  return { ...entry, mask: (character) => of(masks, character), half: (character) => of(halves, character) };
}

/** Every face of every type family, from the cache in `.cache/owl-nano` or, the first time, rendered (seconds). */
export async function loadFaces(): Promise<Faces> {
  const key = hashText(`${VERSION} ${TRAIN_FONTS} ${TEST_FONTS} ${WEIGHTS} ${DRAWN} ${EM} ${CELL}`);
  const [indexFile, masksFile] = [join(CACHE, "glyphs.json"), join(CACHE, "glyphs.alpha")];
  const known = existsSync(indexFile) && (JSON.parse(readFileSync(indexFile, "utf8")) as { key: number }).key;
  if (known !== key) {
    const { entries, masks } = await build();
    mkdirSync(CACHE, { recursive: true });
    for (const [path, content] of [
      [masksFile, masks],
      [indexFile, JSON.stringify({ key, entries })],
    ] as const) {
      writeFileSync(`${path}.new`, content);
      renameSync(`${path}.new`, path);
    }
  }
  const { entries } = JSON.parse(readFileSync(indexFile, "utf8")) as { entries: FaceEntry[] };
  const all = new Uint8Array(readFileSync(masksFile));
  const size = DRAWN.length * CELL * CELL;
  const faces = entries.map((entry, i) => faceOf(entry, all.subarray(i * size, (i + 1) * size)));
  const isTest = ({ font }: Face): boolean => (TEST_FONTS as readonly string[]).includes(font);
  return { train: faces.filter((face) => !isTest(face)), test: faces.filter(isTest) };
}
