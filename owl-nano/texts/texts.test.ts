import { describe, expect, it } from "vitest";
import { COLORS } from "../concepts/colors.ts";
import { readConcepts } from "../concepts/concepts.ts";
import { readCountries } from "../concepts/countries.ts";
import { countryFactsOf } from "../concepts/country-facts.ts";
import { factsOf } from "../concepts/facts.ts";
import { isCountable } from "../concepts/nouns.ts";
import { readWords } from "../concepts/words.ts";
import { type Random, randomFor } from "../random.ts";
import { isHeldOutFact, isHeldOutForm, isHeldOutLayout, splitWords } from "../scenes/held-out.ts";
import { DOCUMENT_LAYOUTS, type Scene, type Subject, type Thing } from "../scenes/scene.ts";
import { conversation } from "./conversation.ts";
import { pictureConversation, twoPictureConversation } from "./picture-conversation.ts";
import { captionOf, documentLines } from "./scene-captions.ts";
import { inventoryOf } from "./scene-inventory.ts";
import { sampleSignWords } from "./scene-text.ts";
import { inWords, subjectKey } from "./scene-words.ts";
import { sampleDocument } from "./small-documents.ts";
import { factParagraph, textConversation } from "./text-conversation.ts";
import type { AskedTurn, Part, World } from "./turns.ts";
import { LATER_FACT_WORDINGS } from "./wordings/later-words.ts";
import { MORE_WORDINGS } from "./wordings/more.ts";
import { heldOut, LATER_WORDINGS, split, WORDINGS, wordingsOf } from "./wordings.ts";

const concepts = readConcepts();
const countries = readCountries();
const { train: words, test: testWords } = splitWords(readWords());
const world: World = { concepts, countries, words };

function line(text: string, y: number): Scene["lines"][number] {
  return { text, y, centers: Array.from({ length: text.length }, (_, i) => 8 + i * 7) };
}

function thing(subject: Subject, random: Random, others: readonly Thing[]): Thing {
  let [x, y] = [0, 0];
  do [x, y] = [14 + random.integer(68), 14 + random.integer(68)];
  while (others.some((other) => Math.hypot(other.x - x, other.y - y) < 20));
  const color = random.chance(0.5) ? random.integer(COLORS.length) : undefined;
  return { subject, x, y, size: 24, color };
}

function sampleTestScene(random: Random): Scene {
  const background = random.integer(COLORS.length);
  const empty = { background, things: [] as Thing[], lines: [] as Scene["lines"][number][] };
  const dice = random.next();
  const concept = (): Subject => ({ kind: "concept", concept: random.pick(concepts) });
  const place = (subjects: readonly Subject[]): Thing[] => {
    const placed: Thing[] = [];
    for (const subject of subjects) placed.push(thing(subject, random, placed));
    return placed;
  };
  if (dice < 0.25) return { ...empty, things: place([concept()]) };
  if (dice < 0.45) return { ...empty, things: place([concept(), concept()]) };
  if (dice < 0.55) {
    const one: Subject = { kind: "concept", concept: random.pick(concepts.filter(isCountable)) };
    return { ...empty, things: place(Array<Subject>(2 + random.integer(5)).fill(one)) };
  }
  if (dice < 0.65) {
    const [a, b] = [concept(), concept()];
    return { ...empty, things: place([a, a, b, ...(random.chance(0.5) ? [concept()] : [])]) };
  }
  if (dice < 0.72) return { ...empty, things: place([{ kind: "flag", country: random.pick(countries) }]) };
  if (dice < 0.75)
    return { ...empty, things: place([{ kind: "unknown" }, ...(random.chance(0.3) ? [concept()] : [])]) };
  if (dice < 0.77) return empty;
  const texts = sampleSignWords(random, words);
  if (dice < 0.87) return { ...empty, lines: [line(texts.join(" "), 48)] };
  if (dice < 0.9) return { ...empty, things: place([concept()]), lines: [line(texts[0], 84)] };
  const document = sampleDocument(
    random,
    random.pick(DOCUMENT_LAYOUTS.filter((layout) => !isHeldOutLayout(layout))),
  );
  return { ...empty, document, lines: documentLines(document).map((text, i) => line(text, 10 + 16 * i)) };
}

function pictureTurns(part: Part, count: number): { scene: Scene; turns: AskedTurn[] }[] {
  return Array.from({ length: count }, (_, i) => {
    const scene = sampleTestScene(randomFor(3, "test scenes", i));
    return { scene, turns: pictureConversation(scene, { world, random: randomFor(4, part, i), part }) };
  });
}

const pictures = pictureTurns("train", 2000);
const texts = Array.from({ length: 2000 }, (_, i) =>
  textConversation({ world, random: randomFor(5, "text", i), part: "train" }),
);
const pairs = Array.from({ length: 500 }, (_, i) => {
  const first = sampleTestScene(randomFor(6, "first", i));
  const second = i % 4 === 0 ? { ...first, background: 3 } : sampleTestScene(randomFor(6, "second", i));
  return {
    scenes: [first, second] as const,
    turns: twoPictureConversation([first, second], { world, random: randomFor(7, "pair", i), part: "train" }),
  };
});
const everyTurn = [...pictures, ...pairs].flatMap(({ turns }) => turns).concat(texts.flat());

describe("wordings", () => {
  const lists = [
    ...Object.entries(WORDINGS),
    ...[...new Set(concepts.flatMap(factsOf).map(({ relation }) => relation))].map(
      ({ name, questions }) => [`fact ${name}`, questions] as const,
    ),
    ...countryFactsOf(countries[0]).flatMap(({ relation }) => [
      [relation.name, relation.questions] as const,
      [`its ${relation.name}`, relation.followUps] as const,
    ]),
  ];

  it("are divided: a quarter for the test, an eighth for validation, each once", () => {
    for (const [name, list] of lists) {
      expect(new Set(list).size, name).toBe(list.length);
      const parts = split(list);
      expect([...parts.train, ...parts.validation, ...parts.test].sort()).toEqual([...list].sort());
      expect(parts.test.length / list.length, name).toBeGreaterThan(0.12);
      expect(parts.test.length / list.length, name).toBeLessThan(0.31);
      expect(parts.validation.length, name).toBeGreaterThanOrEqual(1);
    }
  });

  it("stand in one list only, so that none is held out here and trained there", () => {
    const seen = new Map<string, string>();
    const twice: string[] = [];
    for (const [name, list] of lists)
      for (const wording of list) {
        const bare = wording.replace(/[?.!]$/, "");
        if (seen.has(bare)) twice.push(`${wording}: ${seen.get(bare)}, ${name}`);
        seen.set(bare, name);
      }
    expect(twice).toEqual([]);
  });

  it("of training alone are none that is held out", () => {
    const bare = (wording: string): string => wording.replace(/[?.!]$/, "").toLowerCase();
    const known = new Set(lists.flatMap(([, list]) => list.map(bare)));
    const more = Object.values(MORE_WORDINGS).flat();
    expect(more.filter((wording) => known.has(bare(wording)))).toEqual([]);
    const further = [...Object.entries(MORE_WORDINGS), ...Object.entries(LATER_WORDINGS)];
    const all = further.flatMap(([, some]) => some).map(bare);
    expect(all.length).toBeGreaterThan(3000);
    expect(new Set(all).size).toBe(all.length);
    const taught = new Set([...all, ...Object.values(LATER_FACT_WORDINGS).flat().map(bare)]);
    for (const part of ["test", "validation"] as const) {
      const asked = lists.flatMap(([, list]) => heldOut(list, part));
      expect(asked.length).toBeGreaterThan(250);
      expect(asked.filter((wording) => taught.has(bare(wording)))).toEqual([]);
    }
    for (const [kind, some] of further) {
      const capitals = (wording: string): string => (wording.match(/\b[A-Z]\b/g) ?? []).sort().join("");
      const own = WORDINGS[kind as keyof typeof WORDINGS];
      const allowed = new Set(own.map(capitals));
      expect(some.filter((wording) => !allowed.has(capitals(wording)))).toEqual([]);
    }
  });

  it("of the test come out of no training text", () => {
    const apart = new Set(
      lists.flatMap(([, list]) => [...wordingsOf(list, "test"), ...wordingsOf(list, "validation")]),
    );
    expect(everyTurn.flatMap(({ wordings }) => wordings).filter((wording) => apart.has(wording))).toEqual([]);
    const tested = pictureTurns("test", 100).flatMap(({ turns }) =>
      turns.flatMap(({ wordings }) => wordings),
    );
    expect(tested.filter((wording) => !apart.has(wording))).toEqual([]);
  });
});

describe("held out", () => {
  it("facts are never asked beside their picture", () => {
    const asked = pictures.flatMap(({ turns }) => turns.flatMap(({ fact }) => fact ?? []));
    expect(asked.length).toBeGreaterThan(200);
    expect(asked.filter(({ name, relation }) => isHeldOutFact(name, relation))).toEqual([]);
    const leaks = pictures.flatMap(({ scene, turns }) =>
      scene.things.flatMap(({ subject }) =>
        subject.kind !== "concept"
          ? []
          : factsOf(subject.concept)
              .filter(({ relation }) => isHeldOutFact(subject.concept.name, relation.name))
              .flatMap(({ relation, value }) =>
                turns.filter(({ answer }) => answer.includes(relation.answer(subject.concept, value))),
              ),
      ),
    );
    expect(leaks).toEqual([]);
  });

  it("forms are never ordered of their things", () => {
    const wrong = pictures.filter(({ scene, turns }) =>
      turns.some(
        ({ form }) =>
          form !== undefined &&
          scene.things.length === 1 &&
          scene.things[0].subject.kind === "concept" &&
          isHeldOutForm(scene.things[0].subject.concept, form),
      ),
    );
    expect(wrong).toEqual([]);
  });

  it("words stand in no text", () => {
    const quoted = new Set(
      everyTurn.flatMap(({ question, answer }) => `${question} ${answer}`.match(/[A-Z]{3,}/g) ?? []),
    );

    expect(testWords.filter((word) => quoted.has(word.toUpperCase()))).toEqual([]);
  });
});

describe("answers", () => {
  it("say what the scene shows", () => {
    for (const { scene, turns } of pictures) {
      const names = new Set(scene.things.map(({ subject }) => subjectKey(subject)));
      for (const { question, answer, ability, slot } of turns) {
        const where = `${question} ${answer} (${[...names]})`;
        if (ability === "name" && scene.lines.length === 0 && names.size > 0)
          for (const { subject } of scene.things)
            expect(answer, where).toContain(
              subject.kind === "concept"
                ? subject.concept.name.slice(0, 3)
                : subjectKey(subject).replace("flag ", "").replace("unknown", "something"),
            );
        if (ability === "color" && /background is|sign is/.test(answer))
          expect(slot[0], where).toBe(COLORS[scene.background].name);
        const [, count] = /^there (?:is|are) (\w+) things?\.$/.exec(answer) ?? [];
        if (count !== undefined)
          expect(count.replace("no", "zero"), where).toBe(inWords(scene.things.length));
        const [, absent] = /, but no ([a-z ]+)\./.exec(answer) ?? [];
        if (absent !== undefined) expect(names.has(absent), where).toBe(false);
        const [, text] = /^(?:the sign|it) says "(.+)"\.$/.exec(answer) ?? [];
        if (text !== undefined) expect(scene.lines.map((line) => line.text).join(" "), where).toBe(text);
        if (ability === "document" && /^the total is/.test(answer))
          expect(answer, where).toBe(`the total is ${scene.document!.rows.at(-1)!.value}.`);
      }
    }
  });

  it("hold their slots, in order", () => {
    for (const { answer, slot, anyOf } of everyTurn) {
      expect(anyOf === undefined || anyOf.some((words) => answer.includes(words)), answer).toBe(true);
      let at = 0;
      // A verdict may stand behind what it rests on.
      const verdict = /^(yes|no)$/.test(slot[0] ?? "") ? slot[0] : undefined;
      if (verdict !== undefined) expect(answer, answer).toMatch(new RegExp(`\\b${verdict}\\b`));
      for (const words of slot.slice(verdict === undefined ? 0 : 1)) {
        at = answer.indexOf(words, at);
        expect(at, `${answer} | ${slot.join(" | ")}`).toBeGreaterThanOrEqual(0);
        at += words.length;
      }
    }
  });

  it("say yes and no behind what they rest on", () => {
    const verdicts = everyTurn.filter(
      ({ ability, form, slot }) => ability === "presence" && form === undefined && /^(yes|no)$/.test(slot[0]),
    );
    expect(verdicts.length).toBeGreaterThan(500);
    for (const { answer, slot } of verdicts) expect(answer).toMatch(new RegExp(`, so ${slot[0]}\\.$`));
  });

  it("say yes as often as no", () => {
    const answers = everyTurn.filter(
      ({ ability, slot }) => ability === "presence" || /^(yes|no)$/.test(slot[0] ?? ""),
    );
    const yes = answers.filter(({ slot }) => slot[0] === "yes").length;
    expect(yes / answers.length).toBeGreaterThan(0.42);
    expect(yes / answers.length).toBeLessThan(0.58);
  });

  it("are lower-case but for quoted capitals, in one short line, with a known name for each ability", () => {
    const spoken = everyTurn.flatMap(({ question, answer, form }) =>
      form === "capitals" ? [question] : [question, answer],
    );
    for (const text of [...spoken, ...pictures.map(({ scene }) => captionOf(scene))]) {
      expect(text).not.toMatch(/\n|undefined|NaN|\[object| {2}/);
      expect(text.replace(/"[A-Z0-9 :]+"/g, "").toLowerCase(), text).toBe(text.replace(/"[A-Z0-9 :]+"/g, ""));
      expect(text.length, text).toBeLessThanOrEqual(160);
    }
  });
});

it("few words are needed", () => {
  const counts = new Map<string, number>();
  const facts = Array.from({ length: 3000 }, (_, i) => factParagraph(world, randomFor(8, "facts", i)));
  const all = [
    ...pictures.map(({ turns }) => conversation(turns)),
    ...texts.map((turns) => conversation(turns)),
    ...pairs.map(({ turns }) => conversation(turns)),
    ...facts,
  ];
  for (const text of all)
    for (const word of text.replace(/"[^"]*"/g, "").match(/[a-z]+/g) ?? [])
      counts.set(word, (counts.get(word) ?? 0) + 1);
  const frequent = [...counts].filter(([, count]) => count >= 5).length;
  console.log(`words met five times: ${frequent}, of all: ${counts.size}`);
  expect(frequent).toBeLessThan(1600);
});

it("the same stream gives the same conversation, of at most twenty turns", () => {
  const again = pictureTurns("train", 20);
  expect(again.map(({ turns }) => turns)).toEqual(pictures.slice(0, 20).map(({ turns }) => turns));
  const lengths = pictures.map(({ turns }) => turns.length);
  expect(Math.max(...lengths)).toBeLessThanOrEqual(20);
  const mean = lengths.reduce((sum, length) => sum + length, 0) / lengths.length;
  expect(mean).toBeGreaterThan(3);
  expect(mean).toBeLessThan(5.5);
});

describe("an inventory", () => {
  const concept = (name: string): Subject => ({
    kind: "concept",
    concept: concepts.find((one) => one.name === name)!,
  });

  it("names each thing and its place in reading order, behind the caption", () => {
    const scene: Scene = {
      background: COLORS.findIndex(({ name }) => name === "blue"),
      lines: [],
      things: [
        { subject: concept("dog"), x: 80, y: 50, size: 20 },
        {
          subject: concept("car"),
          x: 90,
          y: 10,
          size: 20,
          color: COLORS.findIndex(({ name }) => name === "red"),
        },
        { subject: concept("dog"), x: 10, y: 12, size: 20 },
        { subject: { kind: "unknown" }, x: 48, y: 48, size: 20 },
      ],
    };
    expect(inventoryOf(scene)).toBe(
      "two dogs, something and a car on a blue background. top left: a dog. top right: a car, red. middle: something. right: a dog.",
    );
  });

  it("is the caption where there are no things", () => {
    const scene: Scene = { background: 0, lines: [line("STOP", 40)], things: [] };
    expect(inventoryOf(scene)).toBe(captionOf(scene));
  });
});
