import {
  CONVERSATION_MIX,
  CONVERSATION_VARIATION,
  COUNTED_MIX,
  INSTRUCTED_MIX,
  INVENTORY_MIX,
  LAYOUT_CURRICULUM,
  PAPER_MIX,
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
 * Kinds of texts: two without a picture, five about one (papers are about text, checks are questions that are answered by comparing,
 * counts ask how many there are), two about two; then a caption behind its picture and the list of what is in it. In the language stage
 * a plain caption has no picture.
 */
export const TEXT_KINDS = [
  "facts",
  "talk",
  "caption",
  "picture",
  "papers",
  "checks",
  "counts",
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
  | "documents"
  | "counting"
  | "align"
  | "instruct";

/** What the stages are taught with: how often each kind of picture and text comes. */
export interface Lessons {
  readonly vision: Curriculum;
  readonly layout: Curriculum;
  readonly reading: Curriculum;
  /** The pictures that texts are about, and how their drawings vary. */
  readonly scenes: SceneMix;
  /** Those of inventories and of the language model's stages from comparing on: with more text in them. */
  readonly inventories: SceneMix;
  /** Those of stage 2. */
  readonly instructed: SceneMix;
  /** Those of papers. */
  readonly papers: SceneMix;
  /** Those of counts. */
  readonly counted: SceneMix;
  readonly variation: Variation;
  readonly texts: Readonly<Record<TextStage, TextMix>>;
  /** The stages whose questions are asked in the later wordings as well; none if absent. */
  readonly late?: ReadonlySet<TextStage>;
  /** The stages in whose notes no cell says how many of its thing there are, as no picture's visual tokens do; none if absent. */
  readonly uncounted?: ReadonlySet<TextStage>;
  /**
   * What stages begin with: mixes for so many texts each, one after the other. Whether two words are the same is learnt
   * within some hundred steps where nothing else is asked, and not at all in 1,500 where it is one answer in five.
   */
  readonly practice?: Readonly<
    Partial<Record<TextStage, readonly { readonly mix: TextMix; readonly count: number }[]>>
  >;
  /** What is asked about a picture; everything if absent. */
  readonly abilities?: ReadonlySet<Ability>;
}

export const OWL_NANO_LESSONS: Lessons = {
  vision: VISION_CURRICULUM,
  layout: LAYOUT_CURRICULUM,
  reading: READING_CURRICULUM,
  scenes: CONVERSATION_MIX,
  inventories: INVENTORY_MIX,
  instructed: INSTRUCTED_MIX,
  papers: PAPER_MIX,
  counted: COUNTED_MIX,
  variation: CONVERSATION_VARIATION,
  texts: {
    tokenizer: { facts: 1, talk: 1, caption: 1, picture: 1, pair: 1 },
    language: { facts: 3, talk: 6, picture: 9, pair: 2, inventory: 9 },
    comparing: { facts: 1, talk: 6, picture: 13, checks: 5, pair: 4, inventory: 3 },
    answers: { facts: 1, talk: 6, picture: 13, checks: 4, pair: 3, "pair checks": 2, inventory: 3 },
    phrasing: { talk: 8, picture: 15, checks: 4, pair: 3, "pair checks": 2, inventory: 1 },
    documents: { talk: 8, picture: 13, papers: 3, checks: 4, pair: 3, "pair checks": 3, inventory: 1 },
    counting: {
      talk: 7,
      picture: 13,
      papers: 2,
      checks: 3,
      counts: 4,
      pair: 3,
      "pair checks": 3,
    },
    align: { caption: 1 },
    instruct: { talk: 7, picture: 12, papers: 1, checks: 2, counts: 1, pair: 2, "pair checks": 1 },
  },
  late: new Set(["phrasing", "documents", "counting", "instruct"]),
  uncounted: new Set(["counting"]),
  practice: {
    comparing: [
      { mix: { checks: 1 }, count: 300 * 64 },
      { mix: { checks: 1, "pair checks": 2 }, count: 300 * 64 },
    ],
    documents: [{ mix: { papers: 1 }, count: 180 * 64 }],
    counting: [{ mix: { talk: 1, picture: 2, papers: 1, counts: 4 }, count: 200 * 64 }],
  },
};

/** Few questions about one thing in a picture: what the short recipe has time for. */
export const SHORT_LESSONS: Lessons = {
  vision: SHORT_CURRICULUM,
  layout: SHORT_CURRICULUM,
  reading: SHORT_CURRICULUM,
  scenes: SHORT_MIX,
  inventories: SHORT_MIX,
  instructed: SHORT_MIX,
  papers: SHORT_MIX,
  counted: SHORT_MIX,
  variation: CONVERSATION_VARIATION,
  texts: {
    tokenizer: { picture: 1 },
    language: { picture: 1 },
    comparing: { picture: 1 },
    answers: { picture: 1 },
    phrasing: { picture: 1 },
    documents: { picture: 1 },
    counting: { picture: 1 },
    align: { caption: 1 },
    instruct: { picture: 1 },
  },
  abilities: new Set(["caption one", "name", "color", "knowledge"]),
};
