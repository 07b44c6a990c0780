import { COLORS } from "../concepts/colors.ts";
import { article, indefinite, isPluralOnly } from "../concepts/nouns.ts";
import { relationOf, type Scene, type Subject, type Thing } from "../scenes/scene.ts";

export const NUMBERS =
  "zero one two three four five six seven eight nine ten eleven twelve thirteen fourteen fifteen sixteen seventeen eighteen nineteen".split(
    " ",
  );
const TENS = "twenty thirty forty fifty sixty seventy eighty ninety".split(" ");

/** A number up to 99 in words. */
export function inWords(number: number): string {
  if (!(number >= 0 && number < 100))
    throw new RangeError(`inWords: a number must be 0 to 99, got ${number}`);
  if (number < 20) return NUMBERS[number];
  const tens = TENS[Math.floor(number / 10) - 2];
  return number % 10 === 0 ? tens : `${tens} ${NUMBERS[number % 10]}`;
}

/** Things of one kind in a scene. */
export interface Group {
  readonly subject: Subject;
  readonly things: readonly Thing[];
}

/** Tells subjects apart. */
export function subjectKey(subject: Subject): string {
  if (subject.kind === "concept") return subject.concept.name;
  return subject.kind === "flag" ? `flag ${subject.country.name}` : "unknown";
}

/** The things by kind; the kind that is farthest left comes first, of two things above each other the upper one. */
export function groupsOf({ things }: Scene): Group[] {
  const groups = new Map<string, Thing[]>();
  const stacked = things.length === 2 && ["above", "below"].includes(relationOf(things[0], things[1]) ?? "");
  const ordered = [...things].sort((a, b) => (stacked ? a.y - b.y : a.x - b.x || a.y - b.y));
  for (const thing of ordered) {
    const key = subjectKey(thing.subject);
    groups.set(key, [...(groups.get(key) ?? []), thing]);
  }
  return [...groups.values()].map((members) => ({ subject: members[0].subject, things: members }));
}

/** "a dog", "the flag of japan", "something" */
export function oneOf(subject: Subject): string {
  if (subject.kind === "concept") return indefinite(subject.concept);
  return subject.kind === "flag" ? `the flag of ${subject.country.name}` : "something";
}

/** "the dog", "the flag of japan", "the thing" */
export function theOne(subject: Subject): string {
  if (subject.kind === "concept") return `the ${subject.concept.name}`;
  return subject.kind === "flag" ? oneOf(subject) : "the thing";
}

/** The words that name it: "dog", "japan", "something" */
export function nameOf(subject: Subject): string {
  if (subject.kind === "concept") return subject.concept.name;
  return subject.kind === "flag" ? subject.country.name : "something";
}

/** "dogs", "flags of japan", "things" */
export function severalOf(subject: Subject): string {
  if (subject.kind === "concept") return subject.concept.plural;
  return subject.kind === "flag" ? `flags of ${subject.country.name}` : "things";
}

/** "a dog", "three dogs" */
export function groupPhrase({ subject, things }: Group): string {
  return things.length === 1 ? oneOf(subject) : `${inWords(things.length)} ${severalOf(subject)}`;
}

/** "one dog", "three dogs", "no dogs" */
export function countPhrase(subject: Subject, count: number): string {
  if (count === 0) return `no ${severalOf(subject)}`;
  return count === 1 && !takesPlural(subject)
    ? `one ${theOne(subject).replace("the ", "")}`
    : `${inWords(count)} ${severalOf(subject)}`;
}

/** Whether verbs after one of it take the plural, as after "scissors". */
export function takesPlural(subject: Subject): boolean {
  return subject.kind === "concept" && isPluralOnly(subject.concept);
}

/** "is" or "are", after one of it. */
export function be(subject: Subject): string {
  return takesPlural(subject) ? "are" : "is";
}

/** "this is a dog.", "these are three dogs.", "this is the flag of japan." */
export function pointingAt(group: Group): string {
  const plural = group.things.length > 1 || takesPlural(group.subject);
  return `${plural ? "these are" : "this is"} ${groupPhrase(group)}.`;
}

/** "a", "a and b", "a, b and c" */
export function inARow(items: readonly string[]): string {
  return items.length < 2 ? items.join("") : `${items.slice(0, -1).join(", ")} and ${items.at(-1)}`;
}

/** "on a blue background" */
export function onBackground({ background }: Scene): string {
  return `on ${article(COLORS[background].name)} background`;
}

/** The background's color. */
export function backgroundName({ background }: Scene): string {
  return COLORS[background].name;
}

/** Two things of different kinds, the left or upper one first, and how they lie; undefined where that is not clear. */
export function pairOf(
  scene: Scene,
): { first: Thing; second: Thing; relation: "left" | "above" } | undefined {
  if (scene.things.length !== 2 || groupsOf(scene).length !== 2) return undefined;
  const [a, b] = scene.things;
  const relation = relationOf(a, b);
  if (relation === undefined) return undefined;
  const leads = relation === "left" || relation === "above";
  return {
    first: leads ? a : b,
    second: leads ? b : a,
    relation: relation === "left" || relation === "right" ? "left" : "above",
  };
}

/** How a wording changes where X stands for scissors and the like. */
export function agreeing(subject: Subject): (wording: string) => string {
  if (!takesPlural(subject)) return (wording) => wording;
  return (wording) =>
    wording
      .replace(/\bis (there|the|X)\b/g, "are $1")
      .replace(/\bis this X\b/g, "are these X")
      .replace(/\bthis is X\b/g, "these are X")
      .replace(/\bdoes (the|X)\b/g, "do $1")
      .replace(/\bX is\b/g, "X are");
}

/** The text of a sign or beside a thing, in one line. */
export function textOf({ lines }: Scene): string {
  return lines.map(({ text }) => text).join(" ");
}

/** Whether it is a sign: text alone. */
export function isSign({ things, lines, document }: Scene): boolean {
  return things.length === 0 && lines.length > 0 && document === undefined;
}

/** Kinds of scenes that are asked different questions. */
export type SceneKind =
  | "single"
  | "several"
  | "pair"
  | "mixed"
  | "flag"
  | "sign"
  | "labelled"
  | "document"
  | "unknown"
  | "empty";

/** Which kind of scene it is. */
export function sceneKind(scene: Scene): SceneKind {
  if (scene.document !== undefined) return "document";
  if (scene.lines.length > 0) return scene.things.length === 0 ? "sign" : "labelled";
  const groups = groupsOf(scene);
  if (groups.length === 0) return "empty";
  if (groups.length > 1) return scene.things.length === 2 ? "pair" : "mixed";
  const [{ subject, things }] = groups;
  if (subject.kind !== "concept") return subject.kind;
  return things.length === 1 ? "single" : "several";
}
