import {
  CONVERSATION_MIX,
  CONVERSATION_VARIATION,
  INVENTORY_MIX,
  LAYOUT_CURRICULUM,
  READING_CURRICULUM,
  SHORT_CURRICULUM,
  SHORT_MIX,
  VISION_CURRICULUM,
} from "../pictures/curricula.ts";
import type { Variation } from "../pictures/placement.ts";
import type { SceneMix } from "../pictures/sample-scene.ts";
import type { Curriculum } from "../pictures/vision-scenes.ts";
import type { Ability } from "../texts/turns.ts";

/**
 * Kinds of texts: two without a picture, three about one, two about two (checks are questions that are answered by comparing); then
 * a caption behind its picture and the list of what is in it. In the language stage a plain caption has no picture.
 */
export const TEXT_KINDS = [
  "facts",
  "talk",
  "caption",
  "picture",
  "checks",
  "pair",
  "pair checks",
  "pictured caption",
  "inventory",
] as const;

export type TextKind = (typeof TEXT_KINDS)[number];

/** Of as many examples as there are in all, so many are texts of the kind. */
export type TextMix = Readonly<Partial<Record<TextKind, number>>>;

/** A stage that is taught with texts, or the tokenizer. */
export type TextStage =
  | "tokenizer"
  | "language"
  | "comparing"
  | "answers"
  | "phrasing"
  | "align"
  | "instruct";

/** What the stages are taught with: how often each kind of picture and text comes. */
export interface Lessons {
  readonly vision: Curriculum;
  readonly layout: Curriculum;
  readonly reading: Curriculum;
  /** The pictures that texts are about, and how their drawings vary. */
  readonly scenes: SceneMix;
  /** Those of inventories and of the stages from comparing on: with more text in them. */
  readonly inventories: SceneMix;
  readonly variation: Variation;
  readonly texts: Readonly<Record<TextStage, TextMix>>;
  /** The stages whose questions are asked in the later wordings as well; none if absent. */
  readonly late?: ReadonlySet<TextStage>;
  /**
   * What the comparing stage begins with: mixes for so many texts each, one after the other. Whether two words are the same is learnt
   * within some hundred steps where nothing else is asked, and not at all in 1,500 where it is one answer in five.
   */
  readonly comparisons?: readonly { readonly mix: TextMix; readonly count: number }[];
  /** What is asked about a picture; everything if absent. */
  readonly abilities?: ReadonlySet<Ability>;
}

export const OWL_NANO_LESSONS: Lessons = {
  vision: VISION_CURRICULUM,
  layout: LAYOUT_CURRICULUM,
  reading: READING_CURRICULUM,
  scenes: CONVERSATION_MIX,
  inventories: INVENTORY_MIX,
  variation: CONVERSATION_VARIATION,
  texts: {
    tokenizer: { facts: 1, talk: 1, caption: 1, picture: 1, pair: 1 },
    language: { facts: 3, talk: 6, picture: 9, pair: 2, inventory: 9 },
    comparing: { facts: 1, talk: 6, picture: 13, checks: 5, pair: 4, inventory: 3 },
    answers: { facts: 1, talk: 6, picture: 13, checks: 4, pair: 3, "pair checks": 2, inventory: 3 },
    phrasing: { talk: 8, picture: 15, checks: 4, pair: 3, "pair checks": 2, inventory: 1 },
    align: { caption: 1 },
    instruct: { talk: 7, picture: 10, checks: 1, pair: 2, "pair checks": 1 },
  },
  late: new Set(["phrasing", "instruct"]),
  comparisons: [
    { mix: { checks: 1 }, count: 300 * 64 },
    { mix: { checks: 1, "pair checks": 2 }, count: 300 * 64 },
  ],
};

/** Few questions about one thing in a picture: what the short recipe has time for. */
export const SHORT_LESSONS: Lessons = {
  vision: SHORT_CURRICULUM,
  layout: SHORT_CURRICULUM,
  reading: SHORT_CURRICULUM,
  scenes: SHORT_MIX,
  inventories: SHORT_MIX,
  variation: CONVERSATION_VARIATION,
  texts: {
    tokenizer: { picture: 1 },
    language: { picture: 1 },
    comparing: { picture: 1 },
    answers: { picture: 1 },
    phrasing: { picture: 1 },
    align: { caption: 1 },
    instruct: { picture: 1 },
  },
  abilities: new Set(["caption one", "name", "color", "knowledge"]),
};
