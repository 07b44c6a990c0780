import { COLORS } from "../concepts/colors.ts";
import type { Random } from "../random.ts";
import { PICTURE_SIZE, type Scene, type Thing } from "./scene.ts";

/** The grid of cells that a picture's visual tokens stand for, row by row. */
export const NOTE_COLUMNS = 12;
export const NOTE_ROWS = 6;
export const NOTE_CELLS = NOTE_COLUMNS * NOTE_ROWS;

/** A word that a cell says, and how loud. */
export interface NoteWord {
  readonly word: string;
  readonly weight: number;
}

/**
 * What the visual token of a cell stands for: a weighted sum of word embeddings. A cell in which the middle of a thing lies says its
 * name and, softer, its color; one in which the middle of a character lies says the character; any other the background's color.
 */
export interface Note {
  readonly words: readonly NoteWord[];
  /** What kind of cell it is: the rare ones count more in the reading stage's loss. */
  readonly kind: "thing" | "character" | "background";
}

/** The word for something that has no name here. */
export const UNKNOWN_WORD = "thing";

const COLOR_WEIGHT = 0.5;
const BACKGROUND_WEIGHT = 0.5;

/** The cell in which a point lies. */
export function cellAt(x: number, y: number): number {
  const index = (value: number, count: number): number =>
    Math.max(0, Math.min(count - 1, Math.floor((value * count) / PICTURE_SIZE)));
  return index(y, NOTE_ROWS) * NOTE_COLUMNS + index(x, NOTE_COLUMNS);
}

/** The word for a thing: its last word where its name has several. */
export function wordOf({ subject }: Thing): string {
  if (subject.kind === "unknown") return UNKNOWN_WORD;
  const name = subject.kind === "flag" ? subject.country.name : subject.concept.name;
  return name.split(" ").at(-1)!;
}

/** The notes of a scene, a cell each. */
export function notesOf(scene: Scene): Note[] {
  const background: Note = {
    words: [{ word: COLORS[scene.background].name, weight: BACKGROUND_WEIGHT }],
    kind: "background",
  };
  const notes = new Array<Note>(NOTE_CELLS).fill(background);
  for (const { text, centers, y } of scene.lines)
    for (const [i, character] of [...text].entries()) {
      if (character === " ") continue;
      const cell = cellAt(centers[i], y);
      const before = notes[cell].kind === "character" ? notes[cell].words : [];
      // Two narrow characters in one cell: the first is louder, so that their order is told.
      notes[cell] = {
        words: [...before, { word: character, weight: 0.6 ** before.length }],
        kind: "character",
      };
    }
  for (const thing of scene.things) notes[cellAt(thing.x, thing.y)] = thingNote(thing);
  return notes;
}

function thingNote(thing: Thing): Note {
  const name = { word: wordOf(thing), weight: 1 };
  const color = thing.color === undefined ? [] : [{ word: COLORS[thing.color].name, weight: COLOR_WEIGHT }];
  return { words: [name, ...color], kind: "thing" };
}

/** How wrong and how unsure synthetic notes are. */
export interface NoteNoise {
  /** How often a thing's name is mixed with another's. */
  readonly doubt: number;
  /** How often a word leaks into a neighbouring cell. */
  readonly leak: number;
  /** Largest relative change of a weight. */
  readonly jitter: number;
}

/**
 * Notes as a vision encoder would give them: weights that vary, names mixed with another thing's, words that leak into the next
 * cell. The right name always stays the loudest.
 *
 * @param names words that may be mixed in
 */
export function noisyNotes(scene: Scene, names: readonly string[], noise: NoteNoise, random: Random): Note[] {
  const notes = notesOf(scene).map((note): Note => {
    const words = note.words.map(({ word, weight }) => ({
      word,
      weight: weight * (1 + random.range(-noise.jitter, noise.jitter)),
    }));
    if (note.kind !== "thing" || !random.chance(noise.doubt)) return { ...note, words };
    const share = random.range(0.1, 0.4);
    const [name, ...rest] = words;
    const mixed = [{ ...name, weight: name.weight * (1 - share) }, ...rest];
    return { ...note, words: [...mixed, { word: random.pick(names), weight: name.weight * share }] };
  });
  for (const [cell, note] of [...notes].entries()) {
    if (note.kind === "background" || !random.chance(noise.leak)) continue;
    const sideways = random.chance(note.kind === "character" ? 1 : 0.5);
    const next = cell + (sideways ? 1 : NOTE_COLUMNS) * (random.chance(0.5) ? 1 : -1);
    if (notes[next]?.kind !== "background") continue;
    const share = random.range(0.1, 0.4);
    const { word, weight } = note.words[0];
    notes[cell] = { ...note, words: [{ word, weight: weight * (1 - share) }, ...note.words.slice(1)] };
    notes[next] = { ...notes[next], words: [...notes[next].words, { word, weight: weight * share }] };
  }
  return notes;
}
