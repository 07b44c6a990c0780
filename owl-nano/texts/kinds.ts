import type { Concept } from "../concepts/concepts.ts";
import { isHeldOutFact } from "../scenes/held-out.ts";
import type { Part } from "./turns.ts";

const ANIMALS = new Set("mammal bird amphibian reptile fish mollusk crustacean insect arachnid".split(" "));
const FOODS = new Set("fruit vegetable fungus dish dessert".split(" "));
const GROUPS: Readonly<Record<string, string>> = {
  drink: "drink",
  vehicle: "vehicle",
  building: "building",
  instrument: "instrument",
  tool: "tool",
  clothing: "piece of clothing",
  flower: "plant",
  plant: "plant",
  device: "device",
  toy: "toy",
  furniture: "piece of furniture",
};

/** The wide kind of a thing, as people speak of it: "animal"; undefined where it has none. */
export function wideKind({ kind }: Concept): string | undefined {
  if (ANIMALS.has(kind)) return "animal";
  return FOODS.has(kind) ? "food" : GROUPS[kind];
}

/** The same where a picture of it is shown: no word that is a fact held out from pictures. */
export function picturedKind(concept: Concept, part: Part): string | undefined {
  const wide = wideKind(concept);
  return wide === concept.kind && part !== "test" && isHeldOutFact(concept.name, "kind") ? undefined : wide;
}

/** "animals", "pieces of clothing", "food" */
export function severalOfKind(kind: string): string {
  if (kind === "food") return kind;
  return kind.startsWith("piece") ? kind.replace("piece", "pieces") : `${kind}s`;
}
