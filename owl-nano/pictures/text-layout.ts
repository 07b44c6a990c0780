import { COLORS } from "../concepts/colors.ts";
import { EM, type Face } from "../drawings/glyphs.ts";
import type { Random } from "../random.ts";
import type { SmallDocument, TextLine } from "../scenes/scene.ts";
import type { Area, Place } from "./arrangement.ts";
import { centersOf, type Lettering, middleOf, widthOf } from "./lettering.ts";

/** A row of text: words, and perhaps a value that stands at the right edge. */
export interface TextRow {
  readonly label: string;
  readonly value?: string | undefined;
}

/** Lines as they are drawn and as they are read. */
export interface LaidOutText {
  readonly letterings: readonly Lettering[];
  readonly lines: readonly TextLine[];
}

/** Smallest and largest em, pixels as owl-nano sees them. Smaller letters than these cannot be told apart. */
const SMALLEST = 14;
const LARGEST = 44;

export interface LayoutOptions {
  readonly faces: readonly Face[];
  readonly area: Area;
  readonly rgb: readonly [number, number, number];
  /** Whether values stand at the right edge. */
  readonly columns?: boolean;
  /** Pixels that owl-nano sees as one. */
  readonly pixel?: number;
}

/** How a text is written on the picture; it is read as capitals in any case. */
function written(text: string, style: number): string {
  if (style < 0.7) return text;
  const small = text.toLowerCase();
  return style < 0.85 ? small : small.replace(/(^|\s)[a-z]/g, (letter) => letter.toUpperCase());
}

/**
 * Rows of text in one face, as large as chance and the area allow; undefined where no face of eight makes them fit.
 */
export function layOut(
  rows: readonly TextRow[],
  { faces, area, rgb, columns = false, pixel = 1 }: LayoutOptions,
  random: Random,
): LaidOutText | undefined {
  const style = random.next();
  const texts = rows.map(({ label, value }) =>
    written(value === undefined ? label : `${label} ${value}`, style),
  );
  const margins = 4 * pixel;
  const [width, height] = [area.right - area.left - margins, area.bottom - area.top - margins];
  for (let attempt = 0; attempt < 8; attempt++) {
    const face = random.pick(faces);
    const pitch = random.range(1.1, 1.4);
    const widest = Math.max(...texts.map((text) => widthOf({ face, text, size: 1, spacing: 0 })));
    const most = Math.min(
      LARGEST * pixel,
      width / widest,
      height / (pitch * (rows.length - 1) + face.capHeight / EM),
    );
    if (most < SMALLEST * pixel) continue;
    const size = Math.max(SMALLEST * pixel, most * (1 - 0.5 * random.next() ** 2));
    const spacing = random.chance(0.2) ? Math.min(size * 0.12, (width - widest * size) / 12) : 0;
    const shape = { face, size, pitch: pitch * size, spacing: Math.max(0, spacing), rgb, columns, pixel };
    return placeRows(texts, rows, shape, area, random);
  }
  return undefined;
}

interface RowShape {
  readonly face: Face;
  readonly size: number;
  readonly pitch: number;
  readonly spacing: number;
  readonly rgb: readonly [number, number, number];
  readonly columns: boolean;
  readonly pixel: number;
}

function placeRows(
  texts: readonly string[],
  rows: readonly TextRow[],
  shape: RowShape,
  area: Area,
  random: Random,
): LaidOutText {
  const { face, size, spacing, pitch, rgb, columns, pixel } = shape;
  const cap = (face.capHeight * size) / EM;
  const widths = texts.map((text) => widthOf({ face, text, size, spacing }));
  const block = Math.max(...widths);
  const tall = pitch * (texts.length - 1) + cap;
  const slack = (from: number, to: number, used: number): number =>
    from + 2 * pixel + Math.max(0, to - from - 4 * pixel - used) * random.range(0.15, 0.85);
  const [left, top] = [slack(area.left, area.right, block), slack(area.top, area.bottom, tall)];
  const centered = !columns && random.chance(0.5);
  const rotation = texts.length === 1 && random.chance(0.3) ? random.range(-0.05, 0.05) : 0;
  const line = (text: string, x: number, row: number): Lettering => ({
    face,
    text,
    size,
    spacing,
    rgb,
    rotation,
    x,
    baseline: top + cap + row * pitch,
  });
  const parts = texts.map((text, row): Lettering[] => {
    const value = rows[row].value;
    if (!columns || value === undefined)
      return [line(text, left + (centered ? (block - widths[row]) / 2 : 0), row)];
    const right = text.slice(-value.length);
    const at = left + block - widthOf({ face, text: right, size, spacing });
    return [line(text.slice(0, -value.length - 1), left, row), line(right, at, row)];
  });
  return { letterings: parts.flat(), lines: parts.map(readLine) };
}

/** The parts of one row as one line that is read from left to right. */
function readLine(parts: readonly Lettering[]): TextLine {
  const text = parts.map((part) => part.text.toUpperCase()).join(" ");
  const centers = parts.flatMap((part, i) => {
    const own = centersOf(part);
    // The space between two parts.
    return i === 0 ? own : [part.x - 1, ...own];
  });
  return { text, centers, y: middleOf(parts[0]) };
}

/** One character around a place, as large as the place or, where that is too small to be read, a little larger. */
export function letterAt(character: string, place: Place, face: Face, ink: Ink): Lettering {
  const size = Math.max(SMALLEST * ink.pixel, Math.min(LARGEST * ink.pixel, 1.2 * place.size));
  return {
    face,
    text: character,
    size,
    spacing: 0,
    rotation: 0,
    rgb: ink.rgb,
    x: place.x - (face.advances[character] * size) / EM / 2,
    baseline: place.y + (face.capHeight * size) / EM / 2,
  };
}

/** What letters are written with. */
export interface Ink {
  readonly rgb: readonly [number, number, number];
  /** Pixels that owl-nano sees as one. */
  readonly pixel: number;
}

/** A line that was drawn in one piece. */
export function lineOf(line: Lettering): TextLine {
  return readLine([line]);
}

/** The rows of a document as they stand below each other. */
export function rowsOfDocument({ title, rows }: SmallDocument): TextRow[] {
  const body = rows.map(({ label, value }) => (value === "" ? { label } : { label, value }));
  return title === undefined ? body : [{ label: title }, ...body];
}

function luma([r, g, b]: readonly [number, number, number]): number {
  return 0.3 * r + 0.59 * g + 0.11 * b;
}

/** An ink that is easy to read on paper of this color: RGB, mostly black or white. */
export function inkOn(
  paper: readonly [number, number, number],
  shadeOf: (color: number) => readonly [number, number, number],
  random: Random,
): readonly [number, number, number] {
  for (let attempt = 0; attempt < 12; attempt++) {
    const plain = luma(paper) > 0.5 ? COLORS.length - 1 : 0;
    const ink = shadeOf(random.chance(0.5) ? plain : random.integer(COLORS.length));
    if (Math.abs(luma(ink) - luma(paper)) > 0.38) return ink;
  }
  return luma(paper) > 0.5 ? [0, 0, 0] : [1, 1, 1];
}
