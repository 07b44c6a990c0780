import type { Concept } from "../concepts/concepts.ts";
import type { Country } from "../concepts/countries.ts";
import type { Atlas, Sprite } from "../drawings/atlas.ts";
import type { Faces } from "../drawings/glyphs.ts";
import type { SplitSprites } from "../drawings/splits.ts";
import type { Supply } from "./drawn-scene.ts";
import { AS_DRAWN } from "./placement.ts";

/** What supplies are made of. */
export interface Drawings {
  readonly atlas: Atlas;
  readonly sprites: SplitSprites;
  readonly concepts: readonly Concept[];
  readonly countries: readonly Country[];
  readonly faces: Faces;
}

/** Sprites by their class, counted from `start`. */
function byLabel(
  sprites: readonly Sprite[],
  start: number,
  end: number,
): ReadonlyMap<number, readonly Sprite[]> {
  const groups = new Map<number, Sprite[]>();
  for (const sprite of sprites) {
    if (sprite.label < start || sprite.label >= end) continue;
    const index = sprite.label - start;
    groups.set(index, [...(groups.get(index) ?? []), sprite]);
  }
  return groups;
}

function supplyOf(
  { atlas, concepts, countries }: Drawings,
  things: readonly Sprite[],
  flags: readonly Sprite[],
): Omit<Supply, "faces" | "variation"> {
  const designs = byLabel(things, 0, atlas.conceptCount);
  return {
    concepts: concepts.filter(({ index }) => designs.has(index)),
    designs,
    further: [...byLabel(things, atlas.conceptCount, atlas.flagStart).values()],
    countries: countries,
    flags: byLabel(flags, atlas.flagStart, atlas.labels.length),
  };
}

/** The drawings and fonts of training. */
export function trainingSupply(drawings: Drawings): Supply {
  const { sprites, faces } = drawings;
  return { ...supplyOf(drawings, sprites.train, sprites.flags), faces: faces.train, variation: AS_DRAWN };
}

/** The held-out drawings of a test, with held-out fonts, round flags and things that no stage knows. */
export function testSupply(drawings: Drawings, set: "S1" | "S2"): Supply {
  const { sprites, faces } = drawings;
  const things = [...sprites[set], ...sprites.unknown];
  return { ...supplyOf(drawings, things, sprites.S9), faces: faces.test, variation: AS_DRAWN };
}
