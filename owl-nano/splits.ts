import { existsSync, readFileSync } from "node:fs";
import type { Atlas, Sprite } from "./atlas.ts";
import { readConcepts } from "./concepts.ts";
import { randomFor } from "./random.ts";

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
const SPLITS_FILE = new URL("./splits.json", import.meta.url);

/** Draws the splits anew. At least three families of each concept stay for training. */
export function drawSplits(atlas: Atlas, seed: number): Splits {
  const S1: Record<string, string> = {};
  const heldOutS1: string[] = [];
  for (const concept of readConcepts()) {
    const designs = atlas.sprites.filter(
      (sprite) => sprite.label === concept.index && sprite.vendor !== TEST_VENDOR,
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
}

/** Divides the atlas; whatever the splits hold out is in no training list. */
export function divide(atlas: Atlas, splits: Splits): SplitSprites {
  const S1 = new Set(splits.heldOut.S1);
  const S2 = new Set(splits.heldOut.S2);
  return {
    train: atlas.sprites.filter(
      ({ id, vendor }) => vendor !== splits.S2.vendor && !S1.has(id) && !S2.has(id),
    ),
    S1: atlas.sprites.filter(({ id }) => S1.has(id)),
    S2: atlas.sprites.filter(({ id }) => S2.has(id)),
  };
}
