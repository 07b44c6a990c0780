import type { Concept } from "../../concepts/concepts.ts";
import { article, indefinite } from "../../concepts/nouns.ts";
import type { Random } from "../../random.ts";
import type { Scene, Subject } from "../../scenes/scene.ts";
import { picturedKind } from "../kinds.ts";
import { contentOf, DOCUMENT_NAMES } from "../scene-captions.ts";
import { agreeing, groupsOf, isSign, oneOf, pointingAt, theOne } from "../scene-words.ts";
import { type AskedTurn, type Telling, turnOf, withVerdict } from "../turns.ts";
import { inOtherWords } from "../typed.ts";
import { ask } from "../wordings.ts";

/** Something that is not in the scene; in half of the cases of the subject's kind, so that it takes a look to tell. */
export function similarTo(
  subject: Subject | undefined,
  scene: Scene,
  concepts: readonly Concept[],
  random: Random,
): Concept {
  const present = new Set(
    scene.things.flatMap(({ subject }) => (subject.kind === "concept" ? [subject.concept.name] : [])),
  );
  const absent = concepts.filter(({ name }) => !present.has(name));
  if (subject?.kind !== "concept" || random.chance(0.5)) return random.pick(absent);
  const same = absent.filter(({ kind }) => kind === subject.concept.kind);
  return random.pick(same.length > 0 ? same : absent);
}

/** What is seen, before anything is said of what was asked: "i see a dog and a tree". */
export function seen(scene: Scene): string {
  if (scene.document !== undefined) return `this is a ${DOCUMENT_NAMES[scene.document.layout]}`;
  return isSign(scene) ? "this is a sign" : `i see ${contentOf(scene)}`;
}

/** "is there a cat?", "are there any cats?": yes in half of the cases. */
export function presenceTurn(scene: Scene, telling: Telling): AskedTurn[] {
  const { random, world } = telling;
  const groups = groupsOf(scene);
  // A thing without a name might be anything.
  if (groups.some(({ subject }) => subject.kind === "unknown")) return [];
  const named = groups.filter(({ subject }) => subject.kind === "concept");
  const yes = named.length > 0 && random.chance(0.56);
  // Of pictures without things, "no" is said seldom, so that both answers stay equally frequent.
  if (named.length === 0 && random.chance(0.7)) return [];
  const group = yes ? random.pick(named) : undefined;
  const concept =
    group?.subject.kind === "concept"
      ? group.subject.concept
      : similarTo(
          random.pick([...named.map(({ subject }) => subject), undefined]),
          scene,
          world.concepts,
          random,
        );
  const subject: Subject = { kind: "concept", concept };
  const several = group === undefined ? random.chance(0.2) : group.things.length > 1 && random.chance(0.7);
  const asked = several
    ? ask("areThere", telling, { X: concept.plural })
    : ask("isThere", telling, { X: indefinite(concept) }, agreeing(subject));
  const answer = withVerdict(yes, seen(scene), several ? concept.plural : indefinite(concept));
  return [turnOf("presence", inOtherWords(asked, random), answer, [yes ? "yes" : "no"])];
}

const ASKED_KINDS = ["animal", "animal", "vehicle", "instrument", "tool", "building"];

/** "is there an animal?": yes in half of the cases. */
export function kindPresenceTurn(scene: Scene, telling: Telling): AskedTurn[] {
  const { random, part } = telling;
  const groups = groupsOf(scene);
  const kinds = groups.map(({ subject }) =>
    subject.kind === "concept" ? picturedKind(subject.concept, part) : undefined,
  );
  if (groups.length === 0 || kinds.includes(undefined)) return [];
  const yes = random.chance(0.5);
  const told = random.pick(ASKED_KINDS);
  const at = kinds.indexOf(told);
  if (at >= 0 !== yes) return [];
  const asked = ask("isThere", telling, { X: article(told) });
  const answer = withVerdict(yes, seen(scene), article(told));
  return [turnOf("presence", asked, answer, [yes ? "yes" : "no"])];
}

/** "what color is the cat?", "where is the cat?" where there is none. */
export function absentTurn(scene: Scene, telling: Telling): AskedTurn[] {
  const { random, world } = telling;
  const groups = groupsOf(scene);
  if (groups.some(({ subject }) => subject.kind === "unknown")) return [];
  const concept = similarTo(groups[0]?.subject, scene, world.concepts, random);
  const subject: Subject = { kind: "concept", concept };
  const kind = random.pick(["color", "where", "whatIs"] as const);
  const R = random.pick(["to the left of", "to the right of", "above", "below"]);
  const asked = ask(
    kind,
    telling,
    { X: theOne(subject), R },
    kind === "whatIs" ? undefined : agreeing(subject),
  );
  const answer = `${seen(scene)}, but no ${concept.name}.`;
  return [turnOf("presence", asked, answer, [`no ${concept.name}`])];
}

/** "is this a cat?" of a thing alone: yes in half of the cases. */
export function isThisTurn(scene: Scene, telling: Telling): AskedTurn[] {
  const [thing, ...rest] = scene.things;
  if (thing === undefined || rest.length > 0 || scene.lines.length > 0) return [];
  const { random, world } = telling;
  if (thing.subject.kind === "unknown") return [];
  const yes = random.chance(0.5);
  const other = (): string =>
    thing.subject.kind === "flag"
      ? `the flag of ${random.pick(world.countries.filter((c) => c !== (thing.subject.kind === "flag" && thing.subject.country))).name}`
      : indefinite(similarTo(thing.subject, scene, world.concepts, random));
  const told = yes ? oneOf(thing.subject) : other();
  const pointing = pointingAt({ subject: thing.subject, things: [thing] });
  const asked = inOtherWords(ask("isThis", telling, { X: told }), random);
  const answer = withVerdict(yes, pointing.replace(/\.$/, ""), told);
  return [turnOf("presence", asked, answer, [yes ? "yes" : "no"])];
}
