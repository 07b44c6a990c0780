import type { Scene, Subject } from "../../scenes/scene.ts";
import { picturedKind } from "../kinds.ts";
import { captionOf, DOCUMENT_NAMES, documentLines, listOf } from "../scene-captions.ts";
import {
  backgroundName,
  type Group,
  groupsOf,
  inWords,
  isSign,
  nameOf,
  onBackground,
  pairOf,
  pointingAt,
  severalOf,
  textOf,
} from "../scene-words.ts";
import { type Ability, type AskedTurn, type Telling, turnOf } from "../turns.ts";
import { ask, type WordingKind } from "../wordings.ts";

/** The words that tell a group: "dog", or "three" and "dogs". */
export function groupSlot({ subject, things }: Group): string[] {
  return things.length === 1 ? [nameOf(subject)] : [inWords(things.length), severalOf(subject)];
}

/** What a caption is about, and the words of it that decide. */
function captionSlot(scene: Scene): { readonly ability: Ability; readonly slot: readonly string[] } {
  if (scene.document !== undefined) return { ability: "document", slot: documentLines(scene.document) };
  if (scene.lines.length > 0)
    return {
      ability: "scene text",
      slot: [...scene.things.map(({ subject }) => nameOf(subject)), textOf(scene)],
    };
  const pair = pairOf(scene);
  if (pair !== undefined) {
    const { first, second, relation } = pair;
    return { ability: "caption pair", slot: [nameOf(first.subject), relation, nameOf(second.subject)] };
  }
  if (scene.things.length === 1) return { ability: "caption one", slot: [nameOf(scene.things[0].subject)] };
  if (scene.things.length === 0) return { ability: "caption", slot: ["nothing", backgroundName(scene)] };
  return { ability: "caption", slot: groupsOf(scene).flatMap(groupSlot) };
}

/** "describe the picture." */
export function describeTurn(scene: Scene, telling: Telling): AskedTurn[] {
  const { ability, slot } = captionSlot(scene);
  return [turnOf(ability, ask("describe", telling), captionOf(scene), slot)];
}

/** What it is when asked by name; "i am not sure" for what has none. */
export function namingAnswer(scene: Scene): { readonly answer: string; readonly slot: readonly string[] } {
  if (scene.document !== undefined) {
    const name = DOCUMENT_NAMES[scene.document.layout];
    return { answer: `this is a ${name}.`, slot: [name] };
  }
  if (isSign(scene))
    return { answer: `this is a sign that says "${textOf(scene)}".`, slot: ["sign", textOf(scene)] };
  const groups = groupsOf(scene);
  if (groups.length === 0) return { answer: `there is nothing ${onBackground(scene)}.`, slot: ["nothing"] };
  if (groups.length > 1 || scene.lines.length > 0) {
    const slot = [...groups.flatMap(groupSlot), ...(scene.lines.length > 0 ? [textOf(scene)] : [])];
    return { answer: `${listOf(scene)}.`, slot };
  }
  const [group] = groups;
  if (group.subject.kind !== "unknown") return { answer: pointingAt(group), slot: groupSlot(group) };
  return group.things.length === 1
    ? { answer: "i am not sure what this is.", slot: ["not sure"] }
    : { answer: "i am not sure what these are.", slot: ["not sure"] };
}

function namingKinds(scene: Scene): WordingKind[] {
  const { things, lines, document } = scene;
  if (document !== undefined) return ["documentKind"];
  if (things.length === 1 && lines.length === 0)
    return things[0].subject.kind === "flag" ? ["flag", "nameOne"] : ["nameOne", "see"];
  if (isSign(scene)) return ["nameOne", "see"];
  return things.length === 0 || lines.length > 0 ? ["see"] : ["see", "nameMany"];
}

/** "what is this?" */
export function nameTurn(scene: Scene, telling: Telling): AskedTurn[] {
  const { answer, slot } = namingAnswer(scene);
  const ability = answer.startsWith("i am not sure")
    ? "unsure"
    : scene.document === undefined
      ? "name"
      : "document";
  return [turnOf(ability, ask(namingKinds(scene), telling), answer, slot)];
}

/** "what animal is this?" */
export function nameOfKindTurn(scene: Scene, telling: Telling): AskedTurn[] {
  const [group, ...rest] = groupsOf(scene);
  if (group?.subject.kind !== "concept" || rest.length > 0 || scene.lines.length > 0) return [];
  const K = picturedKind(group.subject.concept, telling.part);
  if (K === undefined || group.things.length > 1 || K.startsWith("piece")) return [];
  return [turnOf("name", ask("nameOfKind", telling, { K }), pointingAt(group), groupSlot(group))];
}

/** Whether the thing was named in what was said before. */
export function isNamed(subject: Subject, earlier: readonly AskedTurn[]): boolean {
  const name = new RegExp(`\\b(${nameOf(subject)}|${severalOf(subject)})\\b`);
  return earlier.some(({ answer }) => name.test(answer));
}
