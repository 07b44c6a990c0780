import { AS_DRAWN, REDRAWING, type Variation } from "./placement.ts";
import type { SceneMix } from "./sample-scene.ts";
import type { Curriculum } from "./vision-scenes.ts";

const VARIED: Variation = { ...AS_DRAWN, rotation: 0.3, stretch: 0.2, whole: false };
const BROAD: Variation = { ...VARIED, iconShare: 0.3, redrawing: REDRAWING, style: 0.7 };
const NEARER: Variation = { ...VARIED, iconShare: 0.2, redrawing: REDRAWING, style: 0.5 };

const NOTHING: SceneMix = {
  single: 0,
  pair: 0,
  several: 0,
  mixed: 0,
  flag: 0,
  sign: 0,
  labelled: 0,
  lines: 0,
  unknown: 0,
  empty: 0,
};

const LETTERS: SceneMix = { ...NOTHING, letters: 1 };
const TEXT: SceneMix = { ...NOTHING, letters: 20, sign: 60, lines: 20 };
const EASY: SceneMix = {
  ...NOTHING,
  single: 46,
  pair: 4,
  flag: 6,
  letters: 8,
  sign: 28,
  lines: 8,
  empty: 0.5,
};

const SMALL_PICTURES: SceneMix = {
  single: 28,
  pair: 10,
  several: 4,
  mixed: 4,
  flag: 4,
  sign: 24,
  labelled: 5,
  lines: 8,
  unknown: 6,
  empty: 0.5,
  letters: 7,
};

/**
 * The vision stage begins with text alone: single letters, then words and lines. Among things, letters were not learnt in 180 thousand
 * pictures, of which two in five had text; alone, large ones are after ten thousand. Things begin easy too: designs as they were drawn,
 * the concepts alone, mostly one in a picture. Beginning broad instead (further classes, strong changes of style) kept the loss on a
 * plateau for the first hundred thousand scenes. Then they broaden, so that general features are learnt and no design is known by
 * heart: further classes, changes of style, and designs that are bent and tinted as if drawn anew. At last they come nearer to what is
 * asked.
 */
export const VISION_CURRICULUM: Curriculum = [
  { from: 0, variation: VARIED, source: { mix: LETTERS, furtherShare: 0 } },
  { from: 48_000, variation: VARIED, source: { mix: TEXT, furtherShare: 0 } },
  { from: 160_000, variation: { ...VARIED, rotation: 0.2 }, source: { mix: EASY, furtherShare: 0 } },
  {
    from: 210_000,
    variation: { ...VARIED, iconShare: 0.3, style: 0.5 },
    source: { mix: SMALL_PICTURES, furtherShare: 0.15 },
  },
  { from: 280_000, variation: BROAD, source: { mix: SMALL_PICTURES, furtherShare: 0.2 } },
  { from: 720_000, variation: NEARER, source: { mix: SMALL_PICTURES, furtherShare: 0.1 } },
];

const LARGE_PICTURES: SceneMix = {
  single: 26,
  pair: 15,
  several: 9,
  mixed: 7,
  flag: 5,
  sign: 14,
  labelled: 6,
  lines: 14,
  unknown: 5,
  empty: 0.5,
};

/** The layout stage goes on with pictures of full size: more things, more text. */
export const LAYOUT_CURRICULUM: Curriculum = [
  { from: 0, variation: BROAD, source: { mix: LARGE_PICTURES, furtherShare: 0.15 } },
  { from: 150_000, variation: NEARER, source: { mix: LARGE_PICTURES, furtherShare: 0.08 } },
];

export const READING_CURRICULUM: Curriculum = [
  { from: 0, variation: NEARER, source: { mix: LARGE_PICTURES, furtherShare: 0.08 } },
];

/** What stage 1's captions and the conversations are about. */
export const CONVERSATION_MIX: SceneMix = {
  single: 27,
  pair: 20,
  several: 10,
  mixed: 8,
  flag: 7,
  sign: 9,
  labelled: 4,
  lines: 11,
  unknown: 4,
  empty: 1,
};

/** What the language stage's inventories are about: text more often, of which there is most to look up. */
export const INVENTORY_MIX: SceneMix = {
  ...CONVERSATION_MIX,
  single: 12,
  flag: 4,
  sign: 14,
  labelled: 8,
  lines: 20,
};

/**
 * What stage 2's conversations are about. Strangers are rare: where two in five of the single things whose name was asked for were none that the owl
 * could know, it said so of what it did know.
 */
export const INSTRUCTED_MIX: SceneMix = {
  ...CONVERSATION_MIX,
  single: 22,
  flag: 5,
  sign: 14,
  labelled: 6,
  lines: 14,
  unknown: 2.2,
};

/** How drawings vary in stages 1 and 2. */
export const CONVERSATION_VARIATION: Variation = { ...NEARER, whole: true };

/** One thing in each picture: all that the short recipe of the tests shows. */
export const SHORT_MIX: SceneMix = {
  single: 1,
  pair: 0,
  several: 0,
  mixed: 0,
  flag: 0,
  sign: 0,
  labelled: 0,
  lines: 0,
  unknown: 0,
  empty: 0,
};

/** Pictures of text: what the documents stage begins with. */
export const PAPER_MIX: SceneMix = { ...SHORT_MIX, single: 0, lines: 5, sign: 1 };

/** Pictures of several things: what the counting stage begins with. */
export const COUNTED_MIX: SceneMix = { ...SHORT_MIX, single: 1, pair: 1, several: 6, mixed: 4 };

/** Designs nearly as they were drawn. */
export const SHORT_CURRICULUM: Curriculum = [
  { from: 0, variation: { ...VARIED, rotation: 0.2 }, source: { mix: SHORT_MIX, furtherShare: 0 } },
];
