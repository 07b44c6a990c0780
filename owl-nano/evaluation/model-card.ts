import type { OwlConfig } from "../../src/model/index.ts";
import { COLORS } from "../concepts/colors.ts";
import { RECIPES } from "../recipes.ts";
import type { Material } from "../training/sources.ts";
import { type SetReport, table } from "./evaluation.ts";

function sizes({ vision, abstractor, language, numQueryTokens }: OwlConfig): string {
  return [
    `- vision encoder: ${vision.imageSize}-pixel pictures in patches of ${vision.patchSize}, width ${vision.hidden}, ${vision.layers} layers`,
    `- visual abstractor: ${numQueryTokens} queries, ${abstractor.layers} layers`,
    `- language model: LLaMA, width ${language.hidden}, ${language.layers} layers, vocabulary ${language.vocabulary}`,
  ].join("\n");
}

function trainingStages(): string {
  const { language, vision, align, instruct } = RECIPES;
  const seen = (recipe: { steps: number; batch: number }): string =>
    `${Math.round((recipe.steps * recipe.batch) / 1000)} thousand`;
  return [
    `1. **Language**: ${seen(language)} short texts (facts, captions, conversations, "notes" to be read and put into a sentence).`,
    `2. **Vision**: ${seen(vision)} composed scenes with a class for every patch. This stands in for CLIP's`,
    "   pre-training, which the paper starts from: CLIP learns from captions, this from labels that come free with composed scenes.",
    `3. **Stage 1 of the paper**: ${seen(align)} pictures and captions; vision encoder, queries and abstractor learn. The abstractor`,
    "   does not begin at random: its first weights say what the vision stage's head would say, in the language model's words.",
    `4. **Stage 2 of the paper**: ${seen(instruct)} conversations, half about a picture, half in words alone; LoRA (merged here) and`,
    "   abstractor learn.",
  ].join("\n");
}

/** The README of `models/owl-nano`. */
export function modelCard(config: OwlConfig, material: Material, reports: readonly SetReport[]): string {
  const { S1, S2 } = material.sprites;
  return `# owl-nano

A very small mPLUG-Owl (arXiv 2304.14178), trained from nothing by this package: it names one of ${material.concepts.length} things in an
emoji-like drawing, says the color behind it, answers simple questions about the thing, and chats a little without a picture.
It speaks in lower case.

\`\`\`
npm run -s owl -- chat models/owl-nano --image picture.png "what is this?"
\`\`\`

## Sizes

${sizes(config)}

Weights in float16; LoRA is merged.

## How it was trained

${trainingStages()}

\`npm run owl-nano\` does all of it on two cores. Every number stands in \`owl-nano/recipes.ts\`, every picture set with its author and
licence in \`owl-nano/DATA.md\`.

## How well it sees

Exact match, greedy. **S1**: ${S1.length} drawings of known things whose vendor's designs of that thing no stage saw. **S2**: ${S2.length} drawings
by OpenMoji, a vendor of which no stage saw anything. Each drawing four times, as the only thing, on one of ${COLORS.length} named colors; the
intervals count pictures of one drawing as dependent. "Blind" is
the same question with an even grey in place of the picture; "unseen phrasing" asks in words that training never used. Follow-ups
("what does it eat?") are asked after the owl's own answer, where it named the thing right. No drawing of S1
or S2 was trained on, but they are no untouched test: the way from vision to language was chosen by trials that looked at them.

${table(reports)}

## What it cannot do

Anything beyond the above: photographs, text in pictures, counting, things outside its ${material.concepts.length}. It knows some 550 facts, all of them simple,
some of them simplified. It answers in good faith and is often wrong about drawings of other hands (S2).
`;
}
