import type { Scene, Subject, Thing } from "../../scenes/scene.ts";
import { type Relation, relationOf } from "../../scenes/scene.ts";
import { picturedKind } from "../kinds.ts";
import { agreeing, be, groupsOf, nameOf, oneOf, takesPlural, theOne } from "../scene-words.ts";
import { type AskedTurn, type Telling, turnOf, withVerdict } from "../turns.ts";
import { ask } from "../wordings.ts";
import { farthest } from "./looking.ts";

/** How a relation is asked; the first is how it is answered. */
const ASKED: Readonly<Record<Relation, readonly string[]>> = {
  left: ["to the left of", "to the left of", "left of", "on the left of"],
  right: ["to the right of", "to the right of", "right of", "on the right of"],
  above: ["above", "above", "over"],
  below: ["below", "below", "under"],
};
const OPPOSITE: Readonly<Record<Relation, Relation>> = {
  left: "right",
  right: "left",
  above: "below",
  below: "above",
};

/** Two things of a scene, and how the first lies as seen from the second. */
interface Lying {
  readonly a: Thing;
  readonly b: Thing;
  readonly relation: Relation;
}

/** A scene of two things of different kinds that lie clearly, seen from either. */
export function lying(scene: Scene, random: { chance(share: number): boolean }): Lying | undefined {
  if (scene.things.length !== 2 || groupsOf(scene).length !== 2 || scene.lines.length > 0) return undefined;
  const [a, b] = random.chance(0.5) ? scene.things : [scene.things[1], scene.things[0]];
  const relation = relationOf(a, b);
  return relation === undefined ? undefined : { a, b, relation };
}

/** "something. i am not sure what it is" for what has no name. */
function named(subject: Subject): string {
  return subject.kind === "unknown" ? "something. i am not sure what it is" : oneOf(subject);
}

/** "what is to the left of the dog?" */
export function whatIsTurn(scene: Scene, telling: Telling): AskedTurn[] {
  const { random } = telling;
  const found = lying(scene, random);
  if (found === undefined || found.b.subject.kind === "unknown") return [];
  const { a, b, relation } = found;
  // Now and then of the side on which nothing is.
  const empty = random.chance(0.08);
  const side = empty ? OPPOSITE[relation] : relation;
  const asked = ask("whatIs", telling, { R: random.pick(ASKED[side]), X: theOne(b.subject) });
  const what = empty ? "nothing" : named(a.subject);
  const verb = empty ? "is" : be(a.subject);
  const slot = [empty ? "nothing" : nameOf(a.subject)];
  return [turnOf("relation", asked, `${ASKED[side][0]} ${theOne(b.subject)} ${verb} ${what}.`, slot)];
}

/** "where is the dog?", of two things. */
export function whereTurn(scene: Scene, telling: Telling): AskedTurn[] {
  const found = lying(scene, telling.random);
  if (found === undefined || found.a.subject.kind === "unknown" || found.b.subject.kind === "unknown")
    return [];
  const { a, b, relation } = found;
  const asked = ask("where", telling, { X: theOne(a.subject) }, agreeing(a.subject));
  const answer = `${theOne(a.subject)} ${be(a.subject)} ${ASKED[relation][0]} ${theOne(b.subject)}.`;
  return [turnOf("relation", asked, answer, [relation, nameOf(b.subject)])];
}

/** "is the dog to the left of the tree?": yes in half of the cases. */
export function isRelationTurn(scene: Scene, telling: Telling): AskedTurn[] {
  const { random } = telling;
  const found = lying(scene, random);
  if (found === undefined || found.a.subject.kind === "unknown" || found.b.subject.kind === "unknown")
    return [];
  const { a, b, relation } = found;
  const yes = random.chance(0.5);
  const told = yes ? relation : OPPOSITE[relation];
  const asked = ask(
    "isRelation",
    telling,
    { R: random.pick(ASKED[told]), X: theOne(a.subject), Y: theOne(b.subject) },
    agreeing(a.subject),
  );
  const is = `${theOne(a.subject)} ${be(a.subject)} ${ASKED[relation][0]} ${theOne(b.subject)}`;
  const answer = withVerdict(yes, is, ASKED[told][0]);
  return [turnOf("presence", asked, answer, [yes ? "yes" : "no"])];
}

export type Side = "left" | "right" | "top" | "bottom";
export const SIDES: readonly Side[] = ["left", "right", "top", "bottom"];

/** "on the left", "at the top" */
export function atSide(side: Side): string {
  return `${side === "left" || side === "right" ? "on" : "at"} the ${side}`;
}

/** "on the left is a dog." */
export function sideAnswer(side: Side, { subject }: Thing): string {
  return `${atSide(side)} ${takesPlural(subject) ? "are" : "is"} ${named(subject)}.`;
}

/** "what is on the left?" */
export function sideTurn(scene: Scene, telling: Telling): AskedTurn[] {
  if (scene.lines.length > 0) return [];
  const { random } = telling;
  const side = random.pick(SIDES);
  const thing = farthest(scene, side);
  if (thing === undefined || groupsOf(scene).length < 2) return [];
  const K = thing.subject.kind === "concept" ? picturedKind(thing.subject.concept, telling.part) : undefined;
  const asked =
    K !== undefined && !K.startsWith("piece") && random.chance(0.2)
      ? ask("whatKindIsAt", telling, { K, S: atSide(side) })
      : ask("whatIsAt", telling, { S: atSide(side) });
  return [turnOf("relation", asked, sideAnswer(side, thing), [nameOf(thing.subject)])];
}
