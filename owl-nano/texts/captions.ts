import { COLORS } from "../concepts/colors.ts";
import type { Concept } from "../concepts/concepts.ts";
import { indefinite } from "../concepts/nouns.ts";
import type { Random } from "../random.ts";

/** What a picture shows, from left to right. */
export interface Scene {
  readonly things: readonly Concept[];
  /** Index into `COLORS`. */
  readonly color: number;
}

/** "a dog and a cat" */
export function listing(things: readonly Concept[]): string {
  return things.map(indefinite).join(" and ");
}

/** The caption of a scene: "a dog on a blue background." */
export function caption({ things, color }: Scene): string {
  return `${listing(things)} on a ${COLORS[color].name} background.`;
}

/** A random scene; a pair in the given share of cases, of two different things. */
export function sampleScene(concepts: readonly Concept[], pairShare: number, random: Random): Scene {
  const color = random.integer(COLORS.length);
  const first = random.pick(concepts);
  if (!random.chance(pairShare)) return { things: [first], color };
  const second = random.pick(concepts);
  return { things: second.index === first.index ? [first] : [first, second], color };
}
