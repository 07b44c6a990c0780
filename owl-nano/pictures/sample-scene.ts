import { COLORS } from "../concepts/colors.ts";
import type { Concept } from "../concepts/concepts.ts";
import type { Random } from "../random.ts";
import { isHeldOutBackground, isHeldOutCount, isHeldOutPair, isHeldOutWord } from "../scenes/held-out.ts";
import type { SmallDocument, Subject } from "../scenes/scene.ts";
import {
  anyBackground,
  documentScene,
  emptyScene,
  labelledThingScene,
  lettersScene,
  type Studio,
  signScene,
  thingsScene,
} from "./compose.ts";
import type { DrawnScene } from "./drawn-scene.ts";
import type { TextRow } from "./text-layout.ts";

/** Sampling weights of the kinds of scenes. */
export interface SceneMix {
  /** One thing. */
  readonly single: number;
  /** Two different things. */
  readonly pair: number;
  /** Two to six of one kind. */
  readonly several: number;
  /** Three or four things of two or three kinds. */
  readonly mixed: number;
  readonly flag: number;
  /** One or two words. */
  readonly sign: number;
  /** A thing with a word. */
  readonly labelled: number;
  /** Lines of text: documents where there is a sampler for them, else any words and numbers. */
  readonly lines: number;
  /** Something that is none of the concepts. */
  readonly unknown: number;
  /** Nothing. */
  readonly empty: number;
  /** One to four characters, each by itself, as a first reader's book has them; none if absent. */
  readonly letters?: number | undefined;
}

/** What scenes are sampled from, besides drawings. */
export interface SceneSource {
  readonly mix: SceneMix;
  /** Words that may be written in pictures, lower-case. */
  readonly words: readonly string[];
  /** How often a thing among several is none of the concepts. */
  readonly furtherShare: number;
  readonly document?: ((random: Random) => SmallDocument) | undefined;
}

const KINDS = [
  "single",
  "pair",
  "several",
  "mixed",
  "flag",
  "sign",
  "labelled",
  "lines",
  "unknown",
  "empty",
  "letters",
] as const satisfies readonly (keyof SceneMix)[];

/** A random scene that holds nothing that is held out. */
export function sampleScene(studio: Studio, source: SceneSource): DrawnScene {
  const { random } = studio;
  const total = KINDS.reduce((sum, kind) => sum + (source.mix[kind] ?? 0), 0);
  for (;;) {
    let dice = random.next() * total;
    const kind = KINDS.find((one) => {
      dice -= source.mix[one] ?? 0;
      return dice < 0;
    });
    const scene = SAMPLERS[kind ?? "single"](studio, source);
    // A text that is too long for every face.
    if (scene !== undefined) return scene;
  }
}

/** A second picture beside a first: now and then it shows what the first shows, or something of its kind. */
export function sampleSecondScene(studio: Studio, source: SceneSource, first: DrawnScene): DrawnScene {
  const { supply, random } = studio;
  const known = first.things.flatMap(({ subject }) => (subject.kind === "concept" ? [subject.concept] : []));
  const dice = random.next();
  if (known.length === 0 || dice < 0.3) return sampleScene(studio, source);
  const one = random.pick(known);
  const next = dice < 0.7 ? one : random.pick(supply.concepts.filter(({ kind }) => kind === one.kind));
  return thingsScene(studio, [concept(next)], backgroundFor(next, random));
}

const concept = (one: Concept): Subject => ({ kind: "concept", concept: one });

const SAMPLERS: Readonly<
  Record<keyof SceneMix, (studio: Studio, source: SceneSource) => DrawnScene | undefined>
> = {
  single: (studio) => {
    const { supply, random } = studio;
    const one = random.pick(supply.concepts);
    return thingsScene(studio, [concept(one)], backgroundFor(one, random));
  },
  pair: (studio, source) => {
    const kinds = sampleKinds(studio, 2);
    return thingsScene(
      studio,
      withStrangers(kinds.map(concept), studio, source),
      anyBackground(studio.random),
    );
  },
  several: (studio) => {
    const { supply, random } = studio;
    const one = random.pick(supply.concepts);
    const counts = [2, 3, 4, 5, 6].filter((count) => !isHeldOutCount(one, count));
    if (counts.length === 0) return undefined;
    const count = random.pick(counts);
    return thingsScene(studio, new Array<Subject>(count).fill(concept(one)), anyBackground(random));
  },
  mixed: (studio, source) => {
    const { random } = studio;
    const kinds = sampleKinds(studio, random.chance(0.5) ? 2 : 3);
    const all = [...kinds];
    const count = random.chance(0.5) ? 3 : 4;
    while (all.length < count) all.push(random.pick(kinds));
    if (hasHeldOutCount(all)) return undefined;
    const subjects = withStrangers(random.shuffle(all).map(concept), studio, source);
    // With a stranger in the place of one there are fewer.
    if (hasHeldOutCount(subjects.flatMap((subject) => (subject.kind === "concept" ? subject.concept : []))))
      return undefined;
    return thingsScene(studio, subjects, anyBackground(random));
  },
  flag: (studio) => {
    const { supply, random } = studio;
    if (supply.flags.size === 0) return undefined;
    const subject: Subject = { kind: "flag", country: random.pick(supply.countries) };
    return thingsScene(studio, [subject], anyBackground(random));
  },
  sign: (studio, { words }) => {
    const { random } = studio;
    const row = random.chance(0.65)
      ? oneWord(words, random)
      : `${oneWord(words, random)} ${oneWord(words, random)}`;
    const rows: TextRow[] =
      row.includes(" ") && random.chance(0.6) ? row.split(" ").map((label) => ({ label })) : [{ label: row }];
    return signScene(studio, rows, random.integer(COLORS.length));
  },
  labelled: (studio, { words }) => {
    const { supply, random } = studio;
    const one = random.pick(supply.concepts);
    return labelledThingScene(studio, one, oneWord(words, random), backgroundFor(one, random));
  },
  lines: (studio, source) => {
    const { random } = studio;
    if (source.document !== undefined) return documentScene(studio, source.document(random));
    const rows = Array.from({ length: 2 + random.integer(4) }, () => anyRow(source.words, random));
    return documentScene(studio, { layout: "list", rows });
  },
  unknown: (studio) => {
    if (studio.supply.further.length === 0) return undefined;
    return thingsScene(studio, [{ kind: "unknown" }], anyBackground(studio.random));
  },
  empty: (studio) => emptyScene(studio, studio.random.integer(COLORS.length)),
  letters: (studio) => {
    const { random } = studio;
    const count = random.chance(0.5) ? 1 : 2 + random.integer(3);
    const characters = Array.from({ length: count }, () => random.pick([...LETTERS, ...DIGITS]));
    return lettersScene(studio, characters, random.integer(COLORS.length));
  },
};

/** Different concepts of which no two are a held-out pair. */
function sampleKinds({ supply, random }: Studio, count: number): Concept[] {
  const kinds: Concept[] = [];
  while (kinds.length < count) {
    const one = random.pick(supply.concepts);
    if (kinds.some((other) => other === one || isHeldOutPair(one, other))) continue;
    kinds.push(one);
  }
  return kinds;
}

/** Whether one of the things is there as often as training never shows it. */
function hasHeldOutCount(things: readonly Concept[]): boolean {
  return things.some((one) => isHeldOutCount(one, things.filter((other) => other === one).length));
}

/** Now and then one of several things is a stranger. */
function withStrangers(
  subjects: Subject[],
  { supply, random }: Studio,
  { furtherShare }: SceneSource,
): Subject[] {
  if (supply.further.length === 0) return subjects;
  return subjects.map((subject) => (random.chance(furtherShare) ? { kind: "unknown" } : subject));
}

function backgroundFor(one: Concept, random: Random): number {
  for (;;) {
    const color = anyBackground(random);
    if (!isHeldOutBackground(one, color)) return color;
  }
}

const LETTERS = "ABCDEFGHIJKLMNOPQRSTUVWXYZ";
const DIGITS = "0123456789";

function anyNumber(random: Random): string {
  const digits = (count: number): string => Array.from({ length: count }, () => random.integer(10)).join("");
  const dice = random.next();
  if (dice < 0.6) return String(1 + random.integer(99));
  if (dice < 0.7) return String(random.integer(1000));
  if (dice < 0.8) return `${random.integer(20)}.${digits(2)}`;
  if (dice < 0.9) return `${random.integer(24)}:${digits(2)}`;
  return `$${random.integer(100)}`;
}

/** A word of the list, random letters or a number, in capitals. */
export function oneWord(words: readonly string[], random: Random): string {
  const dice = random.next();
  if (dice < 0.62)
    return random.pick(words).toUpperCase() + (random.chance(0.05) ? random.pick(["!", "?"]) : "");
  if (dice < 0.88) {
    const letters = Array.from({ length: 2 + random.integer(5) }, () => random.pick([...LETTERS])).join("");
    return isHeldOutWord(letters) ? oneWord(words, random) : letters;
  }
  return anyNumber(random);
}

function anyRow(words: readonly string[], random: Random): { label: string; value: string } {
  const label = oneWord(words, random);
  return { label, value: random.chance(0.65) ? anyNumber(random) : "" };
}
