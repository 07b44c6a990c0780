import { article } from "../concepts/nouns.ts";
import type { DocumentLayout, Scene, SmallDocument } from "../scenes/scene.ts";
import {
  backgroundName,
  groupPhrase,
  groupsOf,
  inARow,
  isSign,
  onBackground,
  oneOf,
  pairOf,
  textOf,
} from "./scene-words.ts";

/** What kinds of documents are called. */
export const DOCUMENT_NAMES: Readonly<Record<DocumentLayout, string>> = {
  receipt: "receipt",
  prices: "price list",
  scores: "score table",
  card: "card",
  list: "list",
  ticket: "ticket",
  timetable: "timetable",
};

/** The lines of a document as they stand below each other. */
export function documentLines({ title, rows }: SmallDocument): string[] {
  return [
    ...(title === undefined ? [] : [title]),
    ...rows.map(({ label, value }) => `${label} ${value}`.trim()),
  ];
}

/** `"MILK 3", "SUM 3"` */
export function quotedLines(document: SmallDocument): string {
  return documentLines(document)
    .map((line) => `"${line}"`)
    .join(", ");
}

/** What there is, one after another: "a dog and a tree". */
export function listOf(scene: Scene): string {
  return withText(scene, inARow(groupsOf(scene).map(groupPhrase)));
}

/** What there is to see, without the background: "a dog to the left of a tree". */
export function contentOf(scene: Scene): string {
  const pair = pairOf(scene);
  if (pair === undefined) return listOf(scene);
  const { first, second, relation } = pair;
  return withText(
    scene,
    `${oneOf(first.subject)} ${relation === "left" ? "to the left of" : "above"} ${oneOf(second.subject)}`,
  );
}

function withText(scene: Scene, things: string): string {
  if (scene.lines.length === 0) return things === "" ? "nothing" : things;
  const text = textOf(scene);
  return `${things} and the ${text.includes(" ") ? "words" : "word"} "${text}"`;
}

/** The caption of a scene, the same words for the same scene: stage 1's text and the answer to "describe the picture." */
export function captionOf(scene: Scene): string {
  if (scene.document !== undefined)
    return `${article(DOCUMENT_NAMES[scene.document.layout])} that says ${quotedLines(scene.document)}.`;
  if (isSign(scene)) return `${article(backgroundName(scene))} sign that says "${textOf(scene)}".`;
  const [only, ...rest] = scene.things;
  if (only?.subject.kind === "flag" && rest.length === 0 && scene.lines.length === 0)
    return `${oneOf(only.subject)}.`;
  return `${contentOf(scene)} ${onBackground(scene)}.`;
}
