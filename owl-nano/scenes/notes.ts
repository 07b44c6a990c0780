import { COLORS } from "../concepts/colors.ts";
import type { Random } from "../random.ts";
import {
  afterRelation,
  amongRelation,
  beforeRelation,
  kindOfRelation,
  relationsLike,
} from "./note-relations.ts";
import { PICTURE_SIZE, type Scene, type TextLine, type Thing } from "./scene.ts";

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
  /** What is said of its surroundings: the characters before and after its own, how many of its thing there are. */
  readonly relations: readonly NoteWord[];
  /** What kind of cell it is: the rare ones count more in the reading stage's loss. */
  readonly kind: "thing" | "character" | "background";
}

/** The word for something that has no name here. */
export const UNKNOWN_WORD = "thing";

const COLOR_WEIGHT = 0.5;
/** How loud a cell says its background, where nothing else lies in it. */
export const BACKGROUND_WEIGHT = 0.5;

/** The word for a concept or country: the last of its name; an orange is told apart from the color by its plural. */
export function nameWord({
  name,
  plural = name,
}: {
  readonly name: string;
  readonly plural?: string;
}): string {
  const isColor = COLORS.some((color) => color.name === name);
  return (isColor ? plural : name).split(" ").at(-1)!;
}

/** The word for a thing. */
export function wordOf({ subject }: Thing): string {
  if (subject.kind === "unknown") return UNKNOWN_WORD;
  return nameWord(subject.kind === "flag" ? subject.country : subject.concept);
}

/** Words that a cell can say. */
export const WORDS_PER_NOTE = 4;
/** Relations that a cell can say: two characters have four. */
export const RELATIONS_PER_NOTE = 4;

/** How much of a square around a point lies in each cell: nearly all of it in one, near an edge some in the next. */
function spread(x: number, y: number, reach: number): [cell: number, share: number][] {
  const overlap = (at: number, count: number): [index: number, share: number][] => {
    const side = PICTURE_SIZE / count;
    const inside = Math.max(reach, Math.min(PICTURE_SIZE - reach, at));
    const [low, high] = [inside - reach, inside + reach];
    const shares: [number, number][] = [];
    for (let index = Math.floor(low / side); index * side < high; index++) {
      const share = (Math.min(high, (index + 1) * side) - Math.max(low, index * side)) / (2 * reach);
      if (index < count && share > 0.02) shares.push([index, share]);
    }
    return shares;
  };
  return overlap(y, NOTE_ROWS).flatMap(([row, down]) =>
    overlap(x, NOTE_COLUMNS).map(([column, across]): [number, number] => [
      row * NOTE_COLUMNS + column,
      down * across,
    ]),
  );
}

/**
 * How far around the middle of a thing or a character its word may be said, pixels: about as far as it can be told where that is. With
 * three times as much, every fourth character and most things were said in several cells, and none could be counted or read.
 */
const CHARACTER_REACH = 0.5;
const thingReach = (size: number): number => Math.max(0.75, Math.min(2, size / 32));

/** How much of a thing or character lies in a cell. */
export interface CellShare {
  readonly kind: "thing" | "character";
  readonly word: string;
  readonly share: number;
  /** Of a thing: index into `COLORS`. */
  readonly color?: number | undefined;
  readonly relations: readonly string[];
}

/** What stands before and after a character of a line. */
const neighborsIn = ({ text }: TextLine, at: number): string[] => [
  beforeRelation(text[at - 1]),
  afterRelation(text[at + 1]),
];

/**
 * What lies in each cell, characters first in reading order.
 *
 * @param blur how many times as far as usual a word may be said
 */
export function cellShares(scene: Scene, blur = 1): CellShare[][] {
  const cells = Array.from({ length: NOTE_CELLS }, (): CellShare[] => []);
  for (const line of scene.lines)
    for (const [i, word] of [...line.text].entries())
      if (word !== " ")
        for (const [cell, share] of spread(line.centers[i], line.y, blur * CHARACTER_REACH))
          cells[cell].push({ kind: "character", word, share, relations: neighborsIn(line, i) });
  const names = scene.things.map(wordOf);
  for (const [i, thing] of scene.things.entries()) {
    const relations = [amongRelation(names.filter((name) => name === names[i]).length)];
    for (const [cell, share] of spread(thing.x, thing.y, blur * thingReach(thing.size)))
      cells[cell].push({ kind: "thing", word: names[i], share, color: thing.color, relations });
  }
  return cells;
}

/**
 * The notes of a scene, a cell each.
 *
 * @param blur how many times as far as usual a word may be said
 */
export function notesOf(scene: Scene, blur = 1): Note[] {
  const background = COLORS[scene.background].name;
  return cellShares(scene, blur).map((shares) => noteOf(shares, background));
}

function noteOf(shares: readonly CellShare[], background: string): Note {
  const words = new Map<string, number>();
  const relations = new Map<string, number>();
  const say = (to: Map<string, number>, word: string, weight: number): unknown =>
    to.set(word, (to.get(word) ?? 0) + weight);
  const sums = { thing: 0, character: 0 };
  for (const { kind, word, share, color, relations: all } of shares) {
    // Two narrow characters in one cell: the first is louder, so that their order is told.
    say(words, word, kind === "character" && sums.character > 0.5 ? 0.6 * share : share);
    if (color !== undefined) say(words, COLORS[color].name, COLOR_WEIGHT * share);
    for (const relation of all) say(relations, relation, share);
    sums[kind] += share;
  }
  say(words, background, BACKGROUND_WEIGHT * Math.max(0, 1 - sums.thing - sums.character));
  return {
    words: loudest(words, WORDS_PER_NOTE),
    relations: loudest(relations, RELATIONS_PER_NOTE),
    kind: kindOf(sums.thing, sums.character),
  };
}

function loudest(words: ReadonlyMap<string, number>, most: number): NoteWord[] {
  return [...words]
    .filter(([, weight]) => weight > 0.01)
    .sort(([, a], [, b]) => b - a)
    .slice(0, most)
    .map(([word, weight]) => ({ word, weight }));
}

function kindOf(thing: number, ink: number): Note["kind"] {
  return thing > 0.05 ? "thing" : ink > 0.05 ? "character" : "background";
}

/** The same notes, in which no cell says how many of its thing there are. */
export function withoutCounts(notes: readonly Note[]): Note[] {
  return notes.map((note) => ({
    ...note,
    relations: note.relations.filter(({ word }) => kindOfRelation(word) !== "among"),
  }));
}

/** How wrong and how unsure synthetic notes are. */
export interface NoteNoise {
  /** How often a thing's name is mixed with another's. */
  readonly doubt: number;
  /** How often a word leaks into the next cell. */
  readonly leak: number;
  /** Largest relative change of a weight. */
  readonly jitter: number;
  /** How many times as far as usual words are said at most, each picture's in its own measure. */
  readonly blur: number;
  /** How often a relation is another one of its kind. */
  readonly mistake: number;
}

/**
 * Notes as a vision encoder would give them: weights that vary, names mixed with another thing's, words that leak into the next
 * cell. The right name always stays the loudest.
 *
 * @param names words that may be mixed in
 */
export function noisyNotes(scene: Scene, names: readonly string[], noise: NoteNoise, random: Random): Note[] {
  const doubts = new Map<string, NoteWord>();
  for (const thing of scene.things)
    if (random.chance(noise.doubt))
      doubts.set(wordOf(thing), { word: random.pick(names), weight: random.range(0.1, 0.4) });
  const notes = notesOf(scene, random.range(0.1, noise.blur)).map((note) =>
    doubted(note, doubts, noise, random),
  );
  for (const [cell, note] of [...notes].entries()) {
    if (note.kind === "background" || note.words.length === 0 || !random.chance(noise.leak)) continue;
    const next = cell + (random.chance(0.5) ? 1 : -1);
    if (notes[next] === undefined || notes[next].words.length === WORDS_PER_NOTE) continue;
    const share = random.range(0.05, 0.3);
    const [{ word, weight }, ...rest] = note.words;
    notes[cell] = { ...note, words: [{ word, weight: weight * (1 - share) }, ...rest] };
    notes[next] = { ...notes[next], words: [...notes[next].words, { word, weight: weight * share }] };
  }
  return notes;
}

/** A note with other weights, in which part of a doubtful name is another's. */
function doubted(
  { words, relations, kind }: Note,
  doubts: ReadonlyMap<string, NoteWord>,
  { jitter, mistake }: NoteNoise,
  random: Random,
): Note {
  const louder = words.flatMap(({ word, weight }): NoteWord[] => {
    const changed = weight * (1 + random.range(-jitter, jitter));
    const doubt = kind === "thing" ? doubts.get(word) : undefined;
    if (doubt === undefined) return [{ word, weight: changed }];
    return [
      { word, weight: changed * (1 - doubt.weight) },
      { word: doubt.word, weight: changed * doubt.weight },
    ];
  });
  const told = relations.map(({ word, weight }) => ({
    word: random.chance(mistake) ? random.pick(relationsLike(word)) : word,
    weight: weight * (1 + random.range(-jitter, jitter)),
  }));
  return { words: louder.slice(0, WORDS_PER_NOTE), relations: told, kind };
}
