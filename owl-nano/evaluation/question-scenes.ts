import { COLORS, WHITE } from "../concepts/colors.ts";
import type { Concept } from "../concepts/concepts.ts";
import { isCountable } from "../concepts/nouns.ts";
import {
  anyBackground,
  documentScene,
  labelledThingScene,
  type Studio,
  signScene,
  thingsScene,
} from "../pictures/compose.ts";
import type { DrawnScene } from "../pictures/drawn-scene.ts";
import { isForValidation, isHeldOutBackground, isHeldOutCount, isHeldOutPair } from "../scenes/held-out.ts";
import { type DocumentLayout, PICTURE_SIZE, type Scene, type Subject } from "../scenes/scene.ts";
import { sampleSignWords } from "../texts/scene-text.ts";
import { sampleDocument } from "../texts/small-documents.ts";

/** Side of the pictures, pixels: owl-nano sees them at half the size, as it sees people's pictures shrunk. */
export const QUESTION_PICTURE_SIZE = 192;

/** What pictures of questions are composed with. */
export interface QuestionStudio extends Studio {
  readonly isValidation: boolean;
  /** Words that may stand on signs, lower-case. */
  readonly words: readonly string[];
}

const concept = (one: Concept): Subject => ({ kind: "concept", concept: one });

/** A scene as the texts speak of it: as large as owl-nano sees it. */
export function seenScene(scene: DrawnScene): Scene {
  const scale = PICTURE_SIZE / scene.size;
  const { background, things, lines, document } = scene;
  return {
    background,
    things: things.map((thing) => ({
      ...thing,
      x: thing.x * scale,
      y: thing.y * scale,
      size: thing.size * scale,
    })),
    lines: lines.map(({ text, centers, y }) => ({
      text,
      y: y * scale,
      centers: centers.map((x) => x * scale),
    })),
    ...(document === undefined ? {} : { document }),
  };
}

/** Whether something that is held out may be asked here. */
function isOwn({ isValidation }: QuestionStudio, key: string): boolean {
  return isForValidation(key) === isValidation;
}

/** The first of the kinds of a test in turn: every thing is asked as often as the others. */
function inTurn(studio: QuestionStudio, index: number): Concept {
  const { concepts } = studio.supply;
  return concepts[(index * 83) % concepts.length];
}

/** One thing, each in turn. */
export function oneThing(studio: QuestionStudio, index: number): DrawnScene {
  return thingsScene(studio, [concept(inTurn(studio, index))], anyBackground(studio.random));
}

/** One thing on a color that training never shows behind it. */
export function oneOnHeldOutColor(studio: QuestionStudio, index: number): DrawnScene | undefined {
  const one = inTurn(studio, index);
  const colors = COLORS.map((_, color) => color).filter(
    (color) => isHeldOutBackground(one, color) && isOwn(studio, `color ${one.name} ${color}`),
  );
  return colors.length === 0 ? undefined : thingsScene(studio, [concept(one)], studio.random.pick(colors));
}

/** Two things that training never shows together. */
export function heldOutPair(studio: QuestionStudio, index: number): DrawnScene | undefined {
  const { supply, random } = studio;
  const first = inTurn(studio, index);
  const partners = supply.concepts.filter(
    (other) =>
      isHeldOutPair(first, other) && isOwn(studio, `pair ${[first.name, other.name].sort().join(" ")}`),
  );
  if (partners.length === 0) return undefined;
  const both = random.shuffle([first, random.pick(partners)]);
  return thingsScene(studio, both.map(concept), anyBackground(random));
}

/** Several of one thing, as many as training never shows of it. */
export function heldOutCount(studio: QuestionStudio, index: number): DrawnScene | undefined {
  const { random } = studio;
  const one = inTurn(studio, index);
  if (!isCountable(one)) return undefined;
  const counts = [1, 2, 3, 4, 5, 6].filter(
    (count) => count === 1 || (isHeldOutCount(one, count) && isOwn(studio, `count ${one.name} ${count}`)),
  );
  // One is never held out, and shall be asked as often as each other number.
  const several = counts.filter((count) => count > 1);
  const count = random.chance(1 / 6) ? 1 : several.length === 0 ? undefined : random.pick(several);
  if (count === undefined) return undefined;
  return thingsScene(studio, new Array<Subject>(count).fill(concept(one)), anyBackground(random));
}

/** Three or four things of two kinds, or of three: for questions that need a step of thought. */
export function severalKinds(studio: QuestionStudio, kinds: 2 | 3): DrawnScene {
  const { supply, random } = studio;
  const some = random.shuffle(supply.concepts.filter(isCountable)).slice(0, kinds);
  const all = [...some];
  while (kinds === 2 && all.length < 3 + random.integer(3)) all.push(random.pick(some));
  return thingsScene(studio, random.shuffle(all).map(concept), anyBackground(random));
}

/** Three things of which one is of another kind than the others. */
export function oddOneOut(
  studio: QuestionStudio,
  kindOf: (one: Concept) => string | undefined,
): DrawnScene | undefined {
  const { supply, random } = studio;
  const [first, ...rest] = random.shuffle(supply.concepts);
  const like = rest.find((other) => kindOf(first) !== undefined && kindOf(other) === kindOf(first));
  const unlike = rest.find((other) => kindOf(other) !== kindOf(first));
  if (like === undefined || unlike === undefined) return undefined;
  return thingsScene(studio, random.shuffle([first, like, unlike]).map(concept), anyBackground(random));
}

/** A country's flag, each in turn. */
export function flag(studio: QuestionStudio, index: number): DrawnScene {
  const { countries, flags } = studio.supply;
  const drawn = countries.filter((country) => flags.has(country.index));
  const country = drawn[(index * 29) % drawn.length];
  return thingsScene(studio, [{ kind: "flag", country }], anyBackground(studio.random));
}

/** Something that is none of the things it knows. */
export function stranger(studio: QuestionStudio): DrawnScene {
  return thingsScene(studio, [{ kind: "unknown" }], anyBackground(studio.random));
}

/** Letters drawn at random that people would read as an insult. */
const INSULTS = /^(?:NIG|FAG|KKK|NAZI|CUNT|KIKE|SPIC|COON|FUCK|SHIT|RAPE)$/;

/** One or two words on a sign. */
export function sign(studio: QuestionStudio): DrawnScene | undefined {
  const { random, words } = studio;
  const said = sampleSignWords(random, words);
  if (said.some((word) => INSULTS.test(word))) return undefined;
  const rows = random.chance(0.6) ? said.map((label) => ({ label })) : [{ label: said.join(" ") }];
  return signScene(studio, rows, random.chance(0.3) ? WHITE : random.integer(COLORS.length));
}

/** A thing with a word. */
export function labelled(studio: QuestionStudio, index: number): DrawnScene | undefined {
  const word = studio.random.pick(studio.words).toUpperCase();
  return labelledThingScene(studio, inTurn(studio, index), word, anyBackground(studio.random));
}

/** A small document of one of these layouts with fresh values. */
export function smallDocument(
  studio: QuestionStudio,
  layouts: readonly DocumentLayout[],
): DrawnScene | undefined {
  return documentScene(studio, sampleDocument(studio.random, studio.random.pick(layouts)));
}

/** Two pictures for questions about both: now and then of the same kind of thing. */
export function twoPictures(studio: QuestionStudio, index: number): [DrawnScene, DrawnScene] {
  const { random, supply } = studio;
  const one = inTurn(studio, index);
  const other = random.chance(0.4) ? one : random.pick(supply.concepts);
  const scene = (kind: Concept): DrawnScene => {
    const count = isCountable(kind) && random.chance(0.25) ? 2 + random.integer(3) : 1;
    return thingsScene(studio, new Array<Subject>(count).fill(concept(kind)), anyBackground(random));
  };
  return [scene(one), scene(other)];
}
