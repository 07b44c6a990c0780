import { isCountable } from "../../concepts/nouns.ts";
import type { Scene, Subject } from "../../scenes/scene.ts";
import { picturedKind, severalOfKind } from "../kinds.ts";
import { countPhrase, type Group, groupsOf, inWords, takesPlural } from "../scene-words.ts";
import { type AskedTurn, type Telling, turnOf, withVerdict } from "../turns.ts";
import { inOtherWords } from "../typed.ts";
import { ask } from "../wordings.ts";
import { similarTo } from "./presence.ts";

/** How many of it there can be said to be. */
export function isCounted(subject: Subject): boolean {
  return subject.kind === "concept" && isCountable(subject.concept);
}

/** "there are three dogs", "there is one dog" */
export function thereAre(subject: Subject, count: number): string {
  const plural = count > 1 || takesPlural(subject);
  return `there ${plural || count === 0 ? "are" : "is"} ${countPhrase(subject, count)}`;
}

function pluralOf(subject: Subject): string {
  return subject.kind === "concept" ? subject.concept.plural : "things";
}

/** "how many dogs are there?"; now and then of what there is none. */
export function countTurn(scene: Scene, telling: Telling): AskedTurn[] {
  const { random, world } = telling;
  const groups = groupsOf(scene).filter(({ subject }) => isCounted(subject));
  if (groups.length === 0 || groups.length !== groupsOf(scene).length) return [];
  const group = random.pick(groups);
  if (random.chance(0.1)) {
    const other = similarTo(group.subject, scene, world.concepts, random);
    return isCountable(other) ? [countOf({ kind: "concept", concept: other }, 0, telling)] : [];
  }
  return [countOf(group.subject, group.things.length, telling)];
}

function countOf(subject: Subject, count: number, telling: Telling): AskedTurn {
  const asked = inOtherWords(ask("count", telling, { X: pluralOf(subject) }), telling.random);
  const slot = [count === 0 ? "no" : inWords(count)];
  return turnOf("counting", asked, `${thereAre(subject, count)}.`, slot);
}

/** "how many animals are there?" */
export function countKindTurn(scene: Scene, telling: Telling): AskedTurn[] {
  if (scene.things.length < 2 || scene.lines.length > 0) return [];
  const kinds = scene.things.map(({ subject }) =>
    subject.kind === "concept" ? picturedKind(subject.concept, telling.part) : undefined,
  );
  if (kinds.some((kind) => kind === undefined) || kinds.includes("food")) return [];
  const kind = telling.random.pick(kinds)!;
  const count = inWords(kinds.filter((one) => one === kind).length);
  const asked = ask("count", telling, { X: severalOfKind(kind) });
  const answer = count === "one" ? `there is one ${kind}.` : `there are ${count} ${severalOfKind(kind)}.`;
  return [turnOf("counting", asked, answer, [count])];
}

/** "how many things are there?" */
export function countAllTurn(scene: Scene, telling: Telling): AskedTurn[] {
  const count = scene.things.length;
  if (scene.lines.length > 0) return [];
  const answer = `${thereAre({ kind: "unknown" }, count)}.`;
  return [turnOf("counting", ask("countAll", telling), answer, [count === 0 ? "no" : inWords(count)])];
}

/** "are there three dogs?": yes in half of the cases. */
export function isCountTurn(scene: Scene, telling: Telling): AskedTurn[] {
  const { random } = telling;
  const groups = groupsOf(scene).filter(({ subject, things }) => isCounted(subject) && things.length > 1);
  if (groups.length === 0) return [];
  const { subject, things }: Group = random.pick(groups);
  const yes = random.chance(0.5);
  const near = [things.length - 1, things.length + 1].filter((count) => count > 1 && count < 8);
  const told = yes ? things.length : random.pick(near);
  const asked = ask("areThereNumber", telling, { N: inWords(told), X: pluralOf(subject) });
  const answer = withVerdict(yes, thereAre(subject, things.length), inWords(told));
  return [turnOf("presence", asked, answer, [yes ? "yes" : "no", inWords(things.length)])];
}
