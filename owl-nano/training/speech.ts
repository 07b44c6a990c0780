import { COLORS } from "../concepts/colors.ts";
import type { Concept } from "../concepts/concepts.ts";
import { factsOf } from "../concepts/facts.ts";
import type { Random } from "../random.ts";
import { wordOf } from "../scenes/notes.ts";
import type { Scene } from "../scenes/scene.ts";
import { conversation } from "../texts/conversation.ts";
import { textConversation as aboutOne } from "../texts/language-texts.ts";

export interface World {
  readonly concepts: readonly Concept[];
}
export function captionOf(scene: Scene): string {
  const things = scene.things.map((thing) => `a ${wordOf(thing)}`).join(" and ");
  const words = scene.lines.map(({ text }) => text).join(" ");
  const said = [things, words === "" ? "" : `"${words}"`].filter((s) => s !== "").join(" and ");
  return `${said === "" ? "nothing" : said} on a ${COLORS[scene.background].name} background.`;
}
export function pictureConversation(_world: World, scenes: readonly Scene[], random: Random): string {
  const marks = scenes.map(() => "<image>").join("");
  const asked = scenes.map((scene) => ({ question: "what is in the picture?", answer: captionOf(scene) }));
  return conversation(random.shuffle(asked), marks);
}
export function textConversation(world: World, random: Random): string {
  return aboutOne(world.concepts, random);
}
export function plainText(world: World, random: Random): string {
  return Array.from({ length: 3 }, () => {
    const concept = random.pick(world.concepts);
    const { relation, value } = random.pick(factsOf(concept));
    return random.pick(relation.statements(concept, value));
  }).join(" ");
}
