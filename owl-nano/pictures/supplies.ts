import type { Concept } from "../concepts/concepts.ts";
import type { Country } from "../concepts/countries.ts";
import type { Atlas, Sprite } from "../drawings/atlas.ts";
import type { Faces } from "../drawings/glyphs.ts";
import type { SplitSprites } from "../drawings/splits.ts";
import { isForValidation } from "../scenes/held-out.ts";
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

/** Whose drawings a test shows: those of training, S1's or S2's. */
export type Hand = "known" | "S1" | "S2";

/** Open to everyone, but under the same terms only: by OpenMoji, which is S2. */
function isShareAlike({ vendor }: Sprite): boolean {
  return vendor.startsWith("openmoji");
}

/** The drawings of a test as they are, with held-out fonts and things that no stage knows; flags are round or outlined, except known ones. */
export function testSupply(drawings: Drawings, hand: Hand): Supply {
  const { sprites, faces } = drawings;
  const outlined = hand === "S2";
  const known = sprites.train.filter(({ icon, label }) => !icon && label < drawings.atlas.conceptCount);
  const strangers = sprites.unknown.filter((sprite) => !isStrangerOfValidation(drawings, sprite));
  const things = [...(hand === "known" ? known : sprites[hand]), ...strangers];
  const flags = hand === "known" ? sprites.flags : sprites.S9;
  const own = (sprite: Sprite): boolean => isShareAlike(sprite) === outlined;
  return {
    ...supplyOf(drawings, things.filter(own), flags.filter(own)),
    faces: faces.test,
    variation: AS_DRAWN,
  };
}

/** Drawings of training, turned and bent, its fonts, and strangers of its own: what choices are made on, apart from every test. */
export function validationSupply(drawings: Drawings): Supply {
  const { sprites, faces, atlas } = drawings;
  const known = sprites.train.filter(({ label }) => label < atlas.conceptCount);
  const strangers = sprites.unknown.filter(
    (sprite) => !isShareAlike(sprite) && isStrangerOfValidation(drawings, sprite),
  );
  return {
    ...supplyOf(drawings, [...known, ...strangers], sprites.flags),
    faces: faces.train,
    variation: { ...AS_DRAWN, rotation: 0.15, stretch: 0.15, redrawing: REDRAWN, iconShare: 0.25 },
  };
}

const REDRAWN = { bend: 0.06, coarse: 0, tint: 0, covered: 0 };

function isStrangerOfValidation({ atlas }: Drawings, { label }: Sprite): boolean {
  return isForValidation(`unknown ${atlas.labels[label]}`);
}
