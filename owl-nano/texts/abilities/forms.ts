import { COLORS } from "../../concepts/colors.ts";
import type { Concept } from "../../concepts/concepts.ts";
import { isHeldOutForm, isHeldOutWord } from "../../scenes/held-out.ts";
import type { Scene } from "../../scenes/scene.ts";
import {
  backgroundName,
  be,
  groupPhrase,
  groupsOf,
  inWords,
  isSign,
  nameOf,
  oneOf,
  pointingAt,
  severalOf,
  theOne,
} from "../scene-words.ts";
import { type Asked, type AskedTurn, type Telling, turnOf } from "../turns.ts";
import { ask, askable, askIn, fill, type WordingKind } from "../wordings.ts";
import { isCounted, thereAre } from "./counting.ts";
import { isColorTurn, singles } from "./looking.ts";
import { isThisTurn, presenceTurn } from "./presence.ts";

/** A question with its answer in every length, to be put in the form that is ordered. */
export interface Content {
  readonly asked: Asked;
  /** "dog" */
  readonly word: string;
  /** "a dog" */
  readonly phrase: string;
  /** "this is a dog" */
  readonly sentence: string;
  /** "three": answers that a digit can give. */
  readonly number?: number | undefined;
  /** The thing that it is about. */
  readonly concept?: Concept | undefined;
}

interface Form {
  readonly name: string;
  readonly kind: WordingKind;
  /** The answer without what decides being marked; undefined where the form does not suit the content. */
  write(content: Content): { readonly answer: string; readonly slot: readonly string[] } | undefined;
}

const isShort = (text: string, words: number): boolean => text.split(" ").length <= words;

/** How the content's answer is put in each form. */
const FORMS: readonly Form[] = [
  {
    name: "one word",
    kind: "formOneWord",
    write: ({ word }) => (isShort(word, 1) ? { answer: `${word}.`, slot: [word] } : undefined),
  },
  {
    name: "two words",
    kind: "formTwoWords",
    write: ({ phrase }) =>
      phrase.split(" ").length === 2 ? { answer: `${phrase}.`, slot: [phrase] } : undefined,
  },
  {
    name: "capitals",
    kind: "formCapitals",
    write: ({ phrase }) => {
      if (phrase.length > 16 || phrase.split(" ").some(isHeldOutWord)) return undefined;
      return { answer: `${phrase.toUpperCase()}.`, slot: [phrase.toUpperCase()] };
    },
  },
  {
    name: "digit",
    kind: "formDigit",
    write: ({ number }) => (number === undefined ? undefined : { answer: `${number}.`, slot: [`${number}`] }),
  },
  {
    name: "sentence",
    kind: "formSentence",
    write: ({ sentence, word }) => ({ answer: `${sentence}.`, slot: [word] }),
  },
  {
    name: "reverse",
    kind: "formReverse",
    write: ({ sentence }) => {
      const reversed = sentence.split(" ").reverse().join(" ");
      return isShort(sentence, 7) && /^[a-z' ]+$/.test(sentence)
        ? { answer: `${reversed}.`, slot: [reversed] }
        : undefined;
    },
  },
  {
    name: "sure",
    kind: "formSure",
    write: ({ sentence, word }) => ({ answer: `sure: ${sentence}.`, slot: ["sure:", word] }),
  },
  {
    name: "ok",
    kind: "formOk",
    write: ({ sentence, word }) => ({ answer: `${sentence}. ok.`, slot: [word, "ok."] }),
  },
  {
    name: "quotes",
    kind: "formQuotes",
    write: ({ phrase }) => ({ answer: `"${phrase}".`, slot: [`"${phrase}"`] }),
  },
  {
    name: "twice",
    kind: "formTwice",
    write: ({ phrase }) => ({ answer: `${phrase}. ${phrase}.`, slot: [phrase, phrase] }),
  },
  {
    name: "spell",
    kind: "formSpell",
    write: ({ word }) =>
      /^[a-z]{2,10}$/.test(word) ? { answer: `${letters(word)}.`, slot: [letters(word)] } : undefined,
  },
  {
    name: "first letter",
    kind: "formLetter",
    write: ({ word }) => (/^[a-z]+$/.test(word) ? { answer: `${word[0]}.`, slot: [word[0]] } : undefined),
  },
];

/** "d, o, g" */
export function letters(word: string): string {
  return [...word].join(", ");
}

/** A question that is not mistyped itself: the order around it may be. */
export function plainly(
  kind: WordingKind,
  telling: Telling,
  fills: Readonly<Record<string, string>> = {},
): Asked {
  const wording = telling.random.pick(askable(kind, telling));
  return { wordings: [wording], question: fill(wording, fills) };
}

function isWithheld(concept: Concept | undefined, form: string, telling: Telling): boolean {
  return concept !== undefined && telling.part !== "test" && isHeldOutForm(concept, form);
}

/** The content in one of the forms that suit it; with `form`, in that one. */
export function inForm(content: Content, telling: Telling, form?: string): AskedTurn[] {
  const suiting = FORMS.filter(
    ({ name, write }) =>
      (form === undefined || form === name) &&
      !isWithheld(content.concept, name, telling) &&
      write(content) !== undefined,
  );
  if (suiting.length === 0) return [];
  const digit = suiting.find(({ name }) => name === "digit");
  const chosen = digit !== undefined && telling.random.chance(0.3) ? digit : telling.random.pick(suiting);
  const { answer, slot } = chosen.write(content)!;
  return [{ ...turnOf("form", askIn(chosen.kind, content.asked, telling), answer, slot), form: chosen.name }];
}

/** Everything about a scene that can be asked in a form. */
function contentsOf(scene: Scene, telling: Telling): Content[] {
  if (scene.document !== undefined || isSign(scene)) return [];
  const contents: Content[] = [];
  const color = backgroundName(scene);
  const groups = groupsOf(scene);
  const concept =
    groups.length === 1 && groups[0].subject.kind === "concept" ? groups[0].subject.concept : undefined;
  contents.push({
    asked: plainly("background", telling),
    word: color,
    phrase: color,
    sentence: `the background is ${color}`,
    concept,
  });
  for (const { subject, color } of singles(scene)) {
    if (color === undefined || subject.kind !== "concept") continue;
    const name = COLORS[color].name;
    contents.push({
      asked: plainly("color", telling, { X: theOne(subject) }),
      word: name,
      phrase: name,
      sentence: `${theOne(subject)} ${be(subject)} ${name}`,
      concept: subject.concept,
    });
  }
  for (const { subject, things } of groups) {
    if (!isCounted(subject) || subject.kind !== "concept") continue;
    const number = things.length;
    contents.push({
      asked: plainly("count", telling, { X: subject.concept.plural }),
      word: inWords(number),
      phrase: number === 1 ? `one ${nameOf(subject)}` : `${inWords(number)} ${severalOf(subject)}`,
      sentence: thereAre(subject, number),
      number,
      concept: subject.concept,
    });
  }
  return contents;
}

/** What a lone thing is: asked most often. */
function nameContent(scene: Scene, telling: Telling): Content | undefined {
  const [group, ...rest] = groupsOf(scene);
  if (group === undefined || rest.length > 0 || scene.lines.length > 0) return undefined;
  const { subject } = group;
  if (subject.kind === "unknown" || (subject.kind === "flag" && group.things.length > 1)) return undefined;
  const several = group.things.length > 1;
  return {
    asked: plainly(subject.kind === "flag" ? "flag" : several ? "nameMany" : "nameOne", telling),
    word: several ? severalOf(subject) : nameOf(subject),
    phrase: subject.kind === "flag" ? subject.country.name : groupPhrase(group),
    sentence: pointingAt(group).replace(/\.$/, ""),
    concept: subject.kind === "concept" ? subject.concept : undefined,
  };
}

/** A question about the picture whose answer must have a form. */
export function formTurn(scene: Scene, telling: Telling): AskedTurn[] {
  const { random } = telling;
  const dice = random.next();
  if (dice < 0.14) return yesNoTurn(scene, telling);
  if (dice < 0.24) return listTurn(scene, telling);
  if (dice < 0.34) return jsonTurn(scene, telling);
  const name = nameContent(scene, telling);
  const others = contentsOf(scene, telling);
  const choices = name !== undefined && (random.chance(0.6) || others.length === 0) ? [name] : others;
  return choices.length === 0 ? [] : inForm(random.pick(choices), telling);
}

function conceptsOf(scene: Scene): Concept[] {
  return scene.things.flatMap(({ subject }) => (subject.kind === "concept" ? [subject.concept] : []));
}

/** "is there a cat? answer yes or no." */
function yesNoTurn(scene: Scene, telling: Telling): AskedTurn[] {
  if (conceptsOf(scene).some((concept) => isWithheld(concept, "yes or no", telling))) return [];
  const [turn] = telling.random.pick([presenceTurn, isThisTurn, isColorTurn])(scene, telling);
  if (turn === undefined) return [];
  const asked = askIn("formYesNo", turn, telling);
  return [{ ...turnOf("form", asked, `${turn.slot[0]}.`, [turn.slot[0]]), form: "yes or no" }];
}

/** "1. a dog 2. a tree" */
function listTurn(scene: Scene, telling: Telling): AskedTurn[] {
  const groups = groupsOf(scene);
  if (groups.length === 0 || scene.lines.length > 0) return [];
  if (groups.some(({ subject }) => subject.kind === "unknown")) return [];
  if (conceptsOf(scene).some((concept) => isWithheld(concept, "list", telling))) return [];
  const items = groups.map((group, i) => `${i + 1}. ${groupPhrase(group)}`);
  return [{ ...turnOf("form", ask("formList", telling), items.join(" "), items), form: "list" }];
}

/** {"thing": "dog", "color": "blue"} */
export function jsonOf(scene: Scene): string {
  const groups = groupsOf(scene);
  const color = `"color": "${backgroundName(scene)}"`;
  const names = groups.map(({ subject }) => (subject.kind === "flag" ? oneOf(subject) : nameOf(subject)));
  if (groups.length > 1) return `{"things": [${names.map((name) => `"${name}"`).join(", ")}], ${color}}`;
  const count = groups[0].things.length;
  return `{"thing": "${names[0]}", ${count > 1 ? `"count": ${count}, ` : ""}${color}}`;
}

function jsonTurn(scene: Scene, telling: Telling): AskedTurn[] {
  const groups = groupsOf(scene);
  if (groups.length === 0 || scene.lines.length > 0) return [];
  if (groups.some(({ subject }) => subject.kind === "unknown")) return [];
  if (conceptsOf(scene).some((concept) => isWithheld(concept, "json", telling))) return [];
  const answer = jsonOf(scene);
  return [{ ...turnOf("form", ask("formJson", telling), answer, [answer]), form: "json" }];
}
