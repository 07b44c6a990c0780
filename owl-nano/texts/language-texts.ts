import type { Concept } from "../concepts/concepts.ts";
import { factsOf } from "../concepts/facts.ts";
import { type Random, randomFor } from "../random.ts";
import { caption, sampleScene } from "./captions.ts";
import { smallSkill, smallTalk } from "./chat.ts";
import { conversation, type Turn } from "./conversation.ts";
import { textDialogue } from "./dialogue.ts";
import { scrambledToCaption, scrambledToDialogue } from "./synthetic-captions.ts";

/** Sampling weights of the kinds of text; see {@link languageText}. */
const SHARES = {
  scrambledCaption: 0.2,
  scrambledDialogue: 0.25,
  captions: 0.07,
  facts: 0.18,
  dialogues: 0.22,
  chat: 0.08,
};

/** Three to five facts, of one thing or of several, in any order. */
function factParagraph(concepts: readonly Concept[], random: Random): string {
  const one = random.chance(0.5) ? random.pick(concepts) : undefined;
  const sentences = Array.from({ length: 3 + random.integer(3) }, () => {
    const concept = one ?? random.pick(concepts);
    const { relation, value } = random.pick(factsOf(concept));
    return random.pick(relation.statements(concept, value));
  });
  return [...new Set(sentences)].join(" ");
}

/** A little chat: one to three turns of small talk, small skills and facts. */
export function chatTurns(concepts: readonly Concept[], random: Random): Turn[] {
  const names = concepts.map((concept) => concept.name);
  const turns = [random.chance(0.55) ? smallTalk(random) : smallSkill(random, names)];
  if (random.chance(0.5)) turns.push(...textDialogue(random.pick(concepts), random).slice(0, 2));
  if (random.chance(0.2)) turns.push(smallTalk(random));
  return turns;
}

/** A conversation without a picture: facts, or a little chat. */
export function textConversation(concepts: readonly Concept[], random: Random): string {
  return conversation(
    random.chance(0.7) ? textDialogue(random.pick(concepts), random) : chatTurns(concepts, random),
  );
}

/**
 * The language stage's texts (all lower-case): scrambled caption → caption 20 %, the same as conversations 25 %, captions 7 %, facts in running
 * text 18 % and in conversations 22 %, chat 8 %. Conversations begin with `Human: `.
 */
export function languageText(concepts: readonly Concept[], seed: number, index: number): string {
  const random = randomFor(seed, "language", index);
  let dice = random.next();
  const falls = (share: number): boolean => {
    dice -= share;
    return dice < 0;
  };
  if (falls(SHARES.scrambledCaption))
    return scrambledToCaption(sampleScene(concepts, 0.25, random), concepts, random);
  if (falls(SHARES.scrambledDialogue))
    return scrambledToDialogue(sampleScene(concepts, 0.15, random), concepts, random);
  if (falls(SHARES.captions)) {
    const count = 1 + random.integer(4);
    return Array.from({ length: count }, () => caption(sampleScene(concepts, 0.3, random))).join(" ");
  }
  if (falls(SHARES.facts)) return factParagraph(concepts, random);
  if (falls(SHARES.dialogues)) return conversation(textDialogue(random.pick(concepts), random));
  return conversation(chatTurns(concepts, random));
}
