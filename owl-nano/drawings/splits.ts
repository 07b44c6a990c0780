import { existsSync, readFileSync } from "node:fs";
import { readConcepts } from "../concepts/concepts.ts";
import { randomFor } from "../random.ts";
import type { Atlas, Inks, Sprite } from "./atlas.ts";

/**
 * What no training stage may see. S1: for each concept the designs of one family (an unseen drawing of a known thing, in a known
 * hand). S2: every design of OpenMoji (an unseen hand).
 */
export interface Splits {
  readonly seed: number;
  /** concept → the family whose designs of it are held out */
  readonly S1: Readonly<Record<string, string>>;
  readonly S2: { readonly vendor: string };
  /** ids of every held-out sprite */
  readonly heldOut: { readonly S1: readonly string[]; readonly S2: readonly string[] };
}

const TEST_VENDOR = "openmoji";
const SPLITS_FILE = new URL("../splits.json", import.meta.url);

/** Draws the splits anew. At least three families of each concept stay for training. */
export function sampleSplits(atlas: Atlas, seed: number): Splits {
  const S1: Record<string, string> = {};
  const heldOutS1: string[] = [];
  for (const concept of readConcepts()) {
    const designs = atlas.sprites.filter(
      (sprite) => sprite.label === concept.index && sprite.vendor !== TEST_VENDOR && !sprite.icon,
    );
    const families = [...new Set(designs.map((sprite) => sprite.family))].sort();
    if (families.length < 3)
      throw new Error(`splits: at least 3 families must draw "${concept.name}", got ${families.join(", ")}`);
    // With three families, holding one out would leave two.
    if (families.length === 3) continue;
    const family = randomFor(seed, "splits", concept.index).pick(families);
    S1[concept.name] = family;
    heldOutS1.push(...designs.filter((sprite) => sprite.family === family).map((sprite) => sprite.id));
  }
  const S2 = atlas.sprites.filter((sprite) => sprite.vendor === TEST_VENDOR).map((sprite) => sprite.id);
  return { seed, S1, S2: { vendor: TEST_VENDOR }, heldOut: { S1: heldOutS1, S2 } };
}

/** The committed splits. */
export function readSplits(): Splits {
  if (!existsSync(SPLITS_FILE))
    throw new Error("owl-nano/splits.json: must be there, and is not; it is part of the repository");
  return JSON.parse(readFileSync(SPLITS_FILE, "utf8")) as Splits;
}

/** The sprites of the atlas by what they may be used for. */
export interface SplitSprites {
  readonly train: readonly Sprite[];
  readonly S1: readonly Sprite[];
  readonly S2: readonly Sprite[];
  /** Flags as training shows them. */
  readonly flags: readonly Sprite[];
  /** S9: flags by sets that are round or outlined. */
  readonly S9: readonly Sprite[];
  /** Things that are none of the concepts and that no stage shows: the owl should say that it is not sure. */
  readonly unknown: readonly Sprite[];
}

/** Share of the further emoji that no stage shows. */
const UNKNOWN_SHARE = 0.15;

const FLAG_TEST_SETS = ["circle-flags", "openmoji-flags"];

/** Gives each icon the colors of the other training drawings of its thing. */
function withInks(train: readonly Sprite[]): Sprite[] {
  const byLabel = new Map<number, Inks[]>();
  for (const sprite of train)
    if (!sprite.icon)
      byLabel.set(sprite.label, [...(byLabel.get(sprite.label) ?? []), inksOf(sprite.pixels)]);
  return train.map((sprite) => (sprite.icon ? { ...sprite, inks: byLabel.get(sprite.label) ?? [] } : sprite));
}

/** Means of the darker and of the lighter half of a drawing's opaque pixels. */
function inksOf(pixels: Uint8Array): Inks {
  const opaque: [number, number, number][] = [];
  for (let at = 0; at < pixels.length; at += 4)
    if (pixels[at + 3] > 200) opaque.push([pixels[at] / 255, pixels[at + 1] / 255, pixels[at + 2] / 255]);
  const brightness = ([r, g, b]: readonly number[]): number => 0.3 * r + 0.59 * g + 0.11 * b;
  opaque.sort((a, b) => brightness(a) - brightness(b));
  const mean = (some: readonly (readonly number[])[]): [number, number, number] =>
    [0, 1, 2].map((c) => some.reduce((sum, color) => sum + color[c], 0) / Math.max(1, some.length)) as [
      number,
      number,
      number,
    ];
  const half = Math.ceil(opaque.length / 2);
  return { dark: mean(opaque.slice(0, half)), light: mean(opaque.slice(half)) };
}

/** Divides the atlas; whatever the splits hold out is in no training list, nor is an icon by the hand that S1 holds out. */
export function divide(atlas: Atlas, splits: Splits): SplitSprites {
  const S1 = new Set(splits.heldOut.S1);
  const S2 = new Set(splits.heldOut.S2);
  // A flag of Turkey; it counts as a drawing of the bird in the draw of the splits, which is older than its discovery.
  const wrong = new Set(["streamline/turkey"]);
  const sameHand = ({ icon, family, label }: Sprite): boolean =>
    icon && splits.S1[atlas.labels[label]] === family;
  const isFlag = ({ label }: Sprite): boolean => label >= atlas.flagStart;
  const isUnknown = (sprite: Sprite): boolean =>
    sprite.label >= atlas.conceptCount &&
    !isFlag(sprite) &&
    randomFor(splits.seed, `unknown ${atlas.labels[sprite.label]}`, 0).chance(UNKNOWN_SHARE);
  const train = atlas.sprites.filter(
    (sprite) =>
      !isFlag(sprite) &&
      !isUnknown(sprite) &&
      sprite.vendor !== splits.S2.vendor &&
      !S1.has(sprite.id) &&
      !S2.has(sprite.id) &&
      !wrong.has(sprite.id) &&
      !sameHand(sprite),
  );
  return {
    train: withInks(train),
    S1: atlas.sprites.filter(({ id }) => S1.has(id)),
    S2: atlas.sprites.filter(({ id }) => S2.has(id)),
    flags: atlas.sprites.filter((sprite) => isFlag(sprite) && !FLAG_TEST_SETS.includes(sprite.vendor)),
    S9: atlas.sprites.filter((sprite) => isFlag(sprite) && FLAG_TEST_SETS.includes(sprite.vendor)),
    unknown: atlas.sprites.filter(isUnknown),
  };
}
