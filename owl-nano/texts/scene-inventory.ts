import { COLORS } from "../concepts/colors.ts";
import { NOTE_ROWS } from "../scenes/notes.ts";
import { PICTURE_SIZE, type Scene, type Thing } from "../scenes/scene.ts";
import { captionOf } from "./scene-captions.ts";
import { oneOf } from "./scene-words.ts";

const ACROSS = ["left", "middle", "right"];
const DOWN = ["top", "middle", "bottom"];

/** Of three equal parts of the picture's side, the one that a point lies in. */
const third = (at: number): number => Math.max(0, Math.min(2, Math.floor((3 * at) / PICTURE_SIZE)));

/** "top left", "left", "middle" */
function placeOf({ x, y }: Thing): string {
  const [across, down] = [ACROSS[third(x)], DOWN[third(y)]];
  return [...new Set([down, across])].join(" ").replace(/^middle (?=.)|(?<=.) middle$/, "");
}

/** In the order of the notes' cells: row by row, from the left. */
function inReadingOrder(things: readonly Thing[]): Thing[] {
  const rowOf = ({ y }: Thing): number => Math.floor((y * NOTE_ROWS) / PICTURE_SIZE);
  return [...things].sort((a, b) => rowOf(a) - rowOf(b) || a.x - b.x);
}

/** The color that a thing is told by, as in "a red car"; none of those that have no single one. */
const colorOf = ({ color }: Thing): string => (color === undefined ? "" : `, ${COLORS[color].name}`);

/**
 * The caption of a scene and where each of its things is, in reading order: "two dogs on a blue background. top left: a dog, brown.
 * right: a dog, white." No one asks for it; nearly every word of it has to be looked up in the picture, so looking is learnt from it soon.
 */
export function inventoryOf(scene: Scene): string {
  const places = inReadingOrder(scene.things).map(
    (thing) => `${placeOf(thing)}: ${oneOf(thing.subject)}${colorOf(thing)}.`,
  );
  return [captionOf(scene), ...places].join(" ");
}
