import type { Concept } from "../concepts/concepts.ts";
import type { Country } from "../concepts/countries.ts";

/** Side of a picture in pixels. */
export const PICTURE_SIZE = 96;

/**
 * How many pixels of a picture of this side owl-nano sees as one: larger pictures are shrunk to `PICTURE_SIZE` before it sees them,
 * so what is drawn in them must be larger. Pictures of up to `PICTURE_SIZE` are seen pixel by pixel.
 */
export function pixelsSeenAsOne(size: number): number {
  return Math.max(1, size / PICTURE_SIZE);
}

/** What a thing in a picture is: one of the concepts, a country's flag, or something owl-nano has no name for. */
export type Subject =
  | { readonly kind: "concept"; readonly concept: Concept }
  | { readonly kind: "flag"; readonly country: Country }
  | { readonly kind: "unknown" };

/** A thing and where it is. */
export interface Thing {
  readonly subject: Subject;
  /** Centre, pixels from the left and from the top. */
  readonly x: number;
  readonly y: number;
  /** Longer edge, pixels. */
  readonly size: number;
  /** Index into `COLORS` of its own color; absent where it has no single one. */
  readonly color?: number | undefined;
}

/** One line of text in a picture. */
export interface TextLine {
  /** As owl-nano reads it: capitals, digits, signs, single spaces. */
  readonly text: string;
  /** Middle of each character of `text`, pixels from the left. */
  readonly centers: readonly number[];
  /** Middle of the line, pixels from the top. */
  readonly y: number;
}

export const DOCUMENT_LAYOUTS = [
  "receipt",
  "prices",
  "scores",
  "card",
  "list",
  "ticket",
  "timetable",
] as const;
export type DocumentLayout = (typeof DOCUMENT_LAYOUTS)[number];

/**
 * A small document: `rows` as they stand below each other. A receipt's last row is its total (label SUM or TOTAL), a price list's,
 * a score table's and a timetable's rows are a label and a number, a card's are labels such as NAME, AGE and their values, a
 * ticket's TO, SEAT, TIME and their values; a list has no values.
 */
export interface SmallDocument {
  readonly layout: DocumentLayout;
  /** Heading above the rows, capitals; absent where there is none. */
  readonly title?: string | undefined;
  readonly rows: readonly { readonly label: string; readonly value: string }[];
}

/** What a picture shows, as far as it can be spoken of. */
export interface Scene {
  /** Index into `COLORS` of the background; of a sign or document that of its plate or paper. */
  readonly background: number;
  readonly things: readonly Thing[];
  /** Text from top to bottom; that of a document too. */
  readonly lines: readonly TextLine[];
  /** Present where the lines are a document's. */
  readonly document?: SmallDocument | undefined;
}

/** How two things lie to each other; undefined where neither axis is clear. */
export type Relation = "left" | "right" | "above" | "below";

/** Where `a` lies as seen from `b`: the axis on which they are clearly further apart. */
export function relationOf(a: Thing, b: Thing): Relation | undefined {
  const [dx, dy] = [a.x - b.x, a.y - b.y];
  if (Math.abs(dx) > 1.5 * Math.abs(dy)) return dx < 0 ? "left" : "right";
  if (Math.abs(dy) > 1.5 * Math.abs(dx)) return dy < 0 ? "above" : "below";
  return undefined;
}
