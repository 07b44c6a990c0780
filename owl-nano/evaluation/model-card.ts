import type { OwlConfig } from "../../src/model/index.ts";
import { RECIPES, type StageName } from "../recipes.ts";
import { examplesTable } from "./examples.ts";
import { type Figure, type Figures, figuresTable } from "./figures.ts";
import type { MeasuredRow } from "./measure.ts";

/** What the card tells of. */
export interface CardContent {
  readonly config: OwlConfig;
  /** Examples that each stage has read. */
  readonly read: Readonly<Record<StageName, number>>;
  /** What the weights are kept in, such as "8 bits". */
  readonly weights: string;
  readonly conceptCount: number;
  readonly countryCount: number;
  readonly figures: Figures;
  /** Rows of the contact sheet, in its order. */
  readonly examples: readonly MeasuredRow[];
}

function sizes({ vision, abstractor, language, numQueryTokens }: OwlConfig): string {
  return [
    `- vision encoder: ${vision.imageSize}-pixel pictures in patches of ${vision.patchSize}, width ${vision.hidden}, ${vision.layers} layers`,
    `- visual abstractor: ${numQueryTokens} queries, ${abstractor.layers} layers`,
    `- language model: LLaMA, width ${language.hidden}, ${language.layers} layers, vocabulary ${language.vocabulary}, ${language.maxPositions} positions`,
  ].join("\n");
}

/** What each stage does with so many thousand examples. */
const STAGES: Readonly<Record<StageName, (thousands: string) => string>> = {
  language: (n) =>
    `**Language**: ${n} texts and conversations. Where a conversation has a picture, there are *notes* in its place: for each cell of a grid the embedding of what lies there. So the language model learns to speak of pictures before there is anything that sees.`,
  vision: (n) =>
    `**Vision**: ${n} composed scenes with a class for every patch. This stands in for CLIP's pre-training, which the paper starts from: CLIP learns from captions, this from labels that come free with composed scenes.`,
  layout: (n) =>
    `**Layout**: ${n} pictures of full size; for each patch what covers it, which word its cell says, its thing's color, and where it is.`,
  comparing: (n) =>
    `**Comparing**: ${n} conversations with notes in which what is asked is compared with what is seen, or two pictures with each other.`,
  answers: (n) => `**Answers**: ${n} more conversations with notes, in which everything is asked again.`,
  phrasing: (n) =>
    `**Phrasing**: ${n} conversations with notes, asked in some three thousand further wordings.`,
  documents: (n) =>
    `**Documents**: ${n} conversations with notes, at first about nothing but pictures of text.`,
  counting: (n) =>
    `**Counting**: ${n} conversations with notes, half of them at first about how many there are. No note says it.`,
  reading: (n) => `**Reading**: ${n} pictures, whose visual tokens must equal their notes.`,
  align: (n) => `**Stage 1 of the paper**: ${n} pictures and captions through the frozen language model.`,
  instruct: (n) =>
    `**Stage 2 of the paper**: ${n} conversations about pictures and in words alone; LoRA (merged here) and abstractor learn.`,
};

function trainingStages(read: CardContent["read"]): string {
  const stages = Object.keys(RECIPES) as StageName[];
  return stages
    .map((stage, i) => `${i + 1}. ${STAGES[stage](`${Math.round(read[stage] / 1000)} thousand`)}`)
    .join("\n");
}

const FEW = 0.6;

/** Abilities that reach a share of right answers, and those that do not. */
function reached(figures: readonly Figure[]): { readonly can: string; readonly cannot: string } {
  const told = ({ ability, score }: Figure): string => `${ability} (${Math.round(score.share * 100)} %)`;
  const named = (some: readonly Figure[]): string =>
    some.length === 0 ? "nothing" : some.map(told).join(", ");
  const able = figures.filter(({ score }) => score.share >= FEW);
  return { can: named(able), cannot: named(figures.filter((one) => !able.includes(one))) };
}

/** The README of `models/owl-nano`. */
export function modelCard(content: CardContent): string {
  const { config, read, weights, conceptCount, countryCount, figures, examples } = content;
  const { can, cannot } = reached(figures.abilities);
  // Not everyone has them.
  const photographs = figures.rows.some(({ set }) => set === "S3") ? " on photographs (S3)," : "";
  return `# owl-nano

A very small mPLUG-Owl (arXiv 2304.14178), trained from nothing by this package. Give it a plain picture (a drawing or icon of a thing, two things, several of one
thing, a flag, a sign with a word, a small list or receipt, two pictures) and ask as people ask.

\`\`\`
npm run -s owl -- chat models/owl-nano --image picture.png "what is this?"
\`\`\`

It knows ${conceptCount} things with some facts of each, and ${countryCount} countries by their flags. It answers in lower case; text in pictures it gives in capitals between quotes.

## Sizes

${sizes(config)}

Weights in ${weights}; LoRA is merged.

## How it was trained

${trainingStages(read)}

\`npm run owl-nano\` does all of it on two cores; the [losses of every stage](../../docs/owl-nano-curves.svg). Every number stands in \`owl-nano/recipes.ts\`.
All pictures are composed of drawings under MIT, Apache-2.0, CC-BY-3.0 and CC-BY-4.0: every set with its author and licence in
[DATA.md](../../owl-nano/DATA.md). All texts and facts are the project's own. The weights are under Apache-2.0.

## How well it answers

Asked \`owleval-nano\` ([its questions, sets and how answers are judged](../../owl-nano/owleval-nano/README.md)), greedily, in wordings that training never used: on unseen
drawings of known things (S1), by an unseen hand (S2),${photographs} pairs and counts that no training picture shows (S4), unseen words and fonts (S5),
facts that were only ever read (S6), unseen layouts (S7). No drawing, word or type family of these was trained on, but S1, S2, and the words and fonts of S5 are no untouched test:
the length of the vision stage was chosen by trials that looked at the drawings, and its training head was measured on all of them. "Blind" is the same question with an even
grey in place of the picture. Intervals are of 95 % and count answers about one drawing, or to one wording, as dependent. "Chance" is a guess among the possible answers, or
the commonest answer where that is right more often. A conversation is right where every turn is.
\`npm run owl-nano -- --evaluate test\` makes the table.

${figuresTable(figures)}

**At least ${FEW * 100} % right:** ${can}.

**Less:** ${cannot}.

## What it says

A question of each kind about pictures, chosen by seed and not by how it was answered:

![the pictures, numbered](../../docs/owl-nano-pictures.png)

${examplesTable(examples)}

## What it cannot do

Name anything that is not among its things, or understand what is asked in harder words. Photographs are strange to it, and so are small letters (less than a seventh of the
picture's height), handwriting, more than six things, and what people do. Its facts are simple, some of them simplified. It says that it is not sure where it was
taught to, and is often wrong in good faith elsewhere.
`;
}
