import { COLORS, shade, WHITE } from "../concepts/colors.ts";
import type { Concept } from "../concepts/concepts.ts";
import type { Country } from "../concepts/countries.ts";
import type { Sprite } from "../drawings/atlas.ts";
import type { Random } from "../random.ts";
import { pixelsSeenAsOne, type SmallDocument, type Subject, type Thing } from "../scenes/scene.ts";
import { type Area, arrange, type Place, wholeArea } from "./arrangement.ts";
import type { Placement, Plate } from "./canvas.ts";
import type { DrawnScene, Supply } from "./drawn-scene.ts";
import { pickDesign, placeAt, placeFlag } from "./placement.ts";
import { keepsColor } from "./style.ts";
import { inkOn, layOut, letterAt, lineOf, rowsOfDocument, type TextRow } from "./text-layout.ts";

/** What every scene is composed with. */
export interface Studio {
  readonly supply: Supply;
  /** Side of the picture, pixels. */
  readonly size: number;
  readonly random: Random;
}

/** A random background: a third are white, as most pictures that people have. */
export function anyBackground(random: Random): number {
  return random.chance(0.3) ? WHITE : random.integer(COLORS.length);
}

function empty(size: number, background: number): DrawnScene {
  return {
    size,
    background,
    backdrop: background,
    things: [],
    lines: [],
    plates: [],
    placements: [],
    letterings: [],
  };
}

/** A picture of nothing but its background. */
export function emptyScene({ size }: Studio, background: number): DrawnScene {
  return empty(size, background);
}

/** Things of these kinds, one for each subject, on a background. */
export function thingsScene(studio: Studio, subjects: readonly Subject[], background: number): DrawnScene {
  const { supply, size, random } = studio;
  const overhang = supply.variation.whole ? 0 : 0.08;
  const places = arrange(subjects.length, wholeArea(size), random, {
    overhang,
    pixel: pixelsSeenAsOne(size),
  });
  return withThings(studio, empty(size, background), subjects, places);
}

function withThings(
  { supply, random }: Studio,
  scene: DrawnScene,
  subjects: readonly Subject[],
  places: readonly Place[],
): DrawnScene {
  const placements = subjects.map((subject, i) => placed(subject, places[i], supply, random));
  const things = subjects.map((subject, i) => thing(subject, places[i], placements[i]));
  return { ...scene, things, placements };
}

function placed(subject: Subject, place: Place, supply: Supply, random: Random): Placement {
  if (subject.kind === "flag") return placeFlag(flagOf(subject.country, supply, random), place, random);
  return placeAt(designOf(subject, supply, random), place, supply.variation, random);
}

function designOf(subject: Subject, supply: Supply, random: Random): Sprite {
  if (subject.kind !== "concept") return random.pick(random.pick(supply.further));
  const designs = supply.designs.get(subject.concept.index);
  if (designs === undefined)
    throw new Error(`pictures: at least one drawing of "${subject.concept.name}" is needed, got none`);
  return pickDesign(designs, supply.variation.iconShare, random);
}

function flagOf({ index, name }: Country, { flags }: Supply, random: Random): Sprite {
  const designs = flags.get(index);
  if (designs === undefined) throw new Error(`pictures: the flag of ${name} is needed, got none`);
  return random.pick(designs);
}

function thing(subject: Subject, { x, y, size }: Place, { sprite, style }: Placement): Thing {
  const color = subject.kind === "flag" || !keepsColor(style) ? undefined : sprite.color;
  return { subject, x, y, size, ...(color === undefined ? {} : { color }) };
}

/** A sheet or sign that leaves a margin, or the whole picture. */
function plateFor(size: number, color: number, random: Random): Plate {
  const margin = (): number => random.range(0, 0.08) * size;
  return {
    left: margin(),
    top: margin() + (random.chance(0.4) ? 0.08 * size : 0),
    right: size - margin(),
    bottom: size - margin() - (random.chance(0.4) ? 0.08 * size : 0),
    radius: random.chance(0.5) ? random.range(2 * pixelsSeenAsOne(size), 0.12 * size) : 0,
    rgb: shade(color, random),
  };
}

/** Rows of text on a sign; undefined where they do not fit. */
export function signScene(studio: Studio, rows: readonly TextRow[], color: number): DrawnScene | undefined {
  return writtenScene(studio, rows, { color, plateShare: 0.6, columns: false });
}

/** A small document on paper; undefined where it does not fit. */
export function documentScene(studio: Studio, document: SmallDocument): DrawnScene | undefined {
  const { random } = studio;
  const color = random.chance(0.75) ? WHITE : random.integer(COLORS.length);
  const columns = random.chance(0.5);
  const scene = writtenScene(studio, rowsOfDocument(document), { color, plateShare: 0.4, columns });
  return scene === undefined ? undefined : { ...scene, document };
}

interface Paper {
  readonly color: number;
  /** How often the paper ends within the picture. */
  readonly plateShare: number;
  readonly columns: boolean;
}

function writtenScene(studio: Studio, rows: readonly TextRow[], paper: Paper): DrawnScene | undefined {
  const { size, random, supply } = studio;
  const { color } = paper;
  const plate = random.chance(paper.plateShare) ? plateFor(size, color, random) : undefined;
  const paperRgb = plate?.rgb ?? shade(color, random);
  const rgb = inkOn(paperRgb, (ink) => shade(ink, random), random);
  const area: Area = plate ?? wholeArea(size);
  const { faces } = supply;
  const pixel = pixelsSeenAsOne(size);
  const text = layOut(rows, { faces, area, rgb, columns: paper.columns, pixel }, random);
  if (text === undefined) return undefined;
  const backdrop = plate === undefined ? color : random.integer(COLORS.length);
  return { ...empty(size, color), ...text, backdrop, plates: plate === undefined ? [] : [plate] };
}

/** Characters that stand apart, each in a face of its own. */
export function lettersScene(studio: Studio, characters: readonly string[], color: number): DrawnScene {
  const { size, random, supply } = studio;
  const rgb = inkOn(shade(color, random), (ink) => shade(ink, random), random);
  const pixel = pixelsSeenAsOne(size);
  const places = arrange(characters.length, wholeArea(size), random, { pixel });
  const text = characters.map((character, i) =>
    letterAt(character, places[i], random.pick(supply.faces), { rgb, pixel }),
  );
  return { ...empty(size, color), letterings: text, lines: text.map(lineOf) };
}

/** A thing with a word below or above it; undefined where they do not fit. */
export function labelledThingScene(
  studio: Studio,
  concept: Concept,
  word: string,
  background: number,
): DrawnScene | undefined {
  const { size, random, supply } = studio;
  const below = random.chance(0.7);
  const edge = size * (below ? 0.68 : 0.32);
  const upper: Area = { left: 0, top: 0, right: size, bottom: edge };
  const lower: Area = { left: 0, top: edge, right: size, bottom: size };
  const rgb = inkOn(shade(background, random), (ink) => shade(ink, random), random);
  const [area, place] = below ? [lower, upper] : [upper, lower];
  const pixel = pixelsSeenAsOne(size);
  const text = layOut([{ label: word }], { faces: supply.faces, area, rgb, pixel }, random);
  if (text === undefined) return undefined;
  const [at] = arrange(1, place, random, { pixel });
  return withThings(studio, { ...empty(size, background), ...text }, [{ kind: "concept", concept }], [at]);
}
