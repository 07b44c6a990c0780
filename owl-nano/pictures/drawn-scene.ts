import { CHARACTERS } from "../concepts/characters.ts";
import { COLORS } from "../concepts/colors.ts";
import type { Concept } from "../concepts/concepts.ts";
import type { Country } from "../concepts/countries.ts";
import type { Sprite } from "../drawings/atlas.ts";
import type { Face } from "../drawings/glyphs.ts";
import type { Random } from "../random.ts";
import type { Scene } from "../scenes/scene.ts";
import {
  type Canvas,
  type Placement,
  type Plate,
  paintBackground,
  paintPlate,
  renderSprite,
  toBytes,
} from "./canvas.ts";
import { type Lettering, renderLettering } from "./lettering.ts";
import type { Variation } from "./placement.ts";

/** RGB, rows from the top; the shape of `RgbImage` of `src/image`. */
export interface Picture {
  readonly width: number;
  readonly height: number;
  readonly data: Uint8Array;
}

/** What pictures are composed of: the drawings and fonts of training or of one of the tests, and how much they vary. */
export interface Supply {
  readonly concepts: readonly Concept[];
  /** Drawings by concept. */
  readonly designs: ReadonlyMap<number, readonly Sprite[]>;
  /** Drawings of things that are none of the concepts, a list each. */
  readonly further: readonly (readonly Sprite[])[];
  readonly countries: readonly Country[];
  /** Flags by country. */
  readonly flags: ReadonlyMap<number, readonly Sprite[]>;
  readonly faces: readonly Face[];
  readonly variation: Variation;
}

/** A scene, and how it is drawn. */
export interface DrawnScene extends Scene {
  /** Side of the picture, pixels. */
  readonly size: number;
  /** Index into `COLORS` of what is painted first: the background, or what is behind a sign. */
  readonly backdrop: number;
  readonly plates: readonly Plate[];
  /** Of the things, in their order. */
  readonly placements: readonly Placement[];
  readonly letterings: readonly Lettering[];
}

/** A picture with its classes by patch. */
export interface RenderedScene {
  readonly picture: Picture;
  readonly labels: Uint16Array;
  /** Which thing of the scene covers each patch; −1 where none does. */
  readonly things: Int16Array;
}

/** Side of a patch in pixels. */
export const PATCH_SIZE = 8;

/** Where each kind of class begins: the colors first, then the atlas's labels, then the characters. */
export interface ClassTable {
  readonly sprites: number;
  readonly characters: number;
  readonly count: number;
}

/** The classes of patches. */
export function classTable(labelCount: number): ClassTable {
  const characters = COLORS.length + labelCount;
  return { sprites: COLORS.length, characters, count: characters + CHARACTERS.length };
}

/** Draws a scene. */
export function renderScene(scene: DrawnScene, random: Random): Picture {
  return pictureOf(paint(scene, { sprites: 0, characters: 0, count: 0 }, random).canvas, random);
}

/** Draws a scene without blur and grain, as a drawing comes out of a drawing program. */
export function renderClean(scene: DrawnScene, random: Random): Picture {
  const { canvas } = paint(scene, { sprites: 0, characters: 0, count: 0 }, random);
  const data = new Uint8Array(canvas.rgb.length);
  for (let i = 0; i < data.length; i++) data[i] = Math.max(0, Math.min(255, canvas.rgb[i] * 255 + 0.5));
  return { width: canvas.size, height: canvas.size, data };
}

/** Draws a scene and gives each patch its class. */
export function renderLabelled(scene: DrawnScene, classes: ClassTable, random: Random): RenderedScene {
  const { canvas, owners } = paint(scene, classes, random);
  const covering = patchOwners(canvas, owners);
  const labels = Uint16Array.from(covering, (who) => owners[who]?.label ?? scene.backdrop);
  const things = Int16Array.from(covering, (who) => owners[who]?.thing ?? -1);
  return { picture: pictureOf(canvas, random), labels, things };
}

function pictureOf(canvas: Canvas, random: Random): Picture {
  return { width: canvas.size, height: canvas.size, data: toBytes(canvas, random) };
}

/** What covers pixels: its class, and how many pixels of a patch are enough to give the patch its class. */
interface Owner {
  readonly label: number;
  readonly least: number;
  /** Which thing of the scene it is. */
  readonly thing?: number;
}

function paint(
  scene: DrawnScene,
  classes: ClassTable,
  random: Random,
): { canvas: Canvas; owners: readonly Owner[] } {
  const canvas = paintBackground(scene.size, scene.backdrop, random);
  const owners: Owner[] = [];
  const own = (owner: Owner): number => owners.push(owner) - 1;
  for (const plate of scene.plates) paintPlate(canvas, plate, own({ label: scene.background, least: 12 }));
  for (const [thing, placement] of scene.placements.entries())
    renderSprite(
      canvas,
      placement,
      own({ label: classes.sprites + placement.sprite.label, least: 12, thing }),
    );
  for (const line of scene.letterings)
    renderLettering(canvas, line, (character) =>
      own({ label: classes.characters + CHARACTERS.indexOf(character.toUpperCase()), least: 4 }),
    );
  return { canvas, owners };
}

/** What gives each patch its class: the character, else the thing, else the plate that covers most of it; −1: the backdrop. */
function patchOwners({ size, owner }: Canvas, owners: readonly Owner[]): Int16Array {
  const across = size / PATCH_SIZE;
  const labels = new Int16Array(across * across);
  const covered = new Map<number, number>();
  for (let patch = 0; patch < labels.length; patch++) {
    covered.clear();
    const top = Math.floor(patch / across) * PATCH_SIZE;
    const left = (patch % across) * PATCH_SIZE;
    for (let y = top; y < top + PATCH_SIZE; y++)
      for (let x = left; x < left + PATCH_SIZE; x++) {
        const who = owner[y * size + x];
        if (who >= 0) covered.set(who, (covered.get(who) ?? 0) + 1);
      }
    let best = -1;
    let most = 0;
    for (const [who, count] of covered) {
      // Ink is thin: a little of it counts as much as a lot of what lies below.
      const score = owners[who].least < 12 ? count * 100 : count;
      if (count >= owners[who].least && score > most) [best, most] = [who, score];
    }
    labels[patch] = best;
  }
  return labels;
}

/** An even grey: what a blind owl sees. */
export function greyPicture(size: number): Picture {
  return { width: size, height: size, data: new Uint8Array(size * size * 3).fill(128) };
}
