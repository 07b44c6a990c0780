import { beforeAll, describe, expect, it } from "vitest";
import { CHARACTERS } from "./concepts/characters.ts";
import { COLORS } from "./concepts/colors.ts";
import type { Concept } from "./concepts/concepts.ts";
import { countryFactsOf } from "./concepts/country-facts.ts";
import { factsOf } from "./concepts/facts.ts";
import { TEST_FONTS } from "./drawings/glyphs.ts";
import { readSplits, sampleSplits } from "./drawings/splits.ts";
import { classTable, type DrawnScene, PATCH_SIZE, renderLabelled } from "./pictures/drawn-scene.ts";
import { trainingSupply } from "./pictures/supplies.ts";
import { curriculumScene } from "./pictures/vision-scenes.ts";
import { RECIPES, SEED, type StageName, VISION_SIZE } from "./recipes.ts";
import {
  isHeldOutBackground,
  isHeldOutCount,
  isHeldOutFact,
  isHeldOutForm,
  isHeldOutLayout,
  isHeldOutPair,
  isHeldOutWord,
} from "./scenes/held-out.ts";
import { PICTURE_SIZE, type Scene } from "./scenes/scene.ts";
import { heldOut, WORDINGS } from "./texts/wordings.ts";
import type { TextStage } from "./training/lessons.ts";
import type { Notes } from "./training/note-tokens.ts";
import { loadMaterial, type Material, readingSource, stageScenes, visionSource } from "./training/sources.ts";
import {
  captionSource,
  conversationSource,
  languageSource,
  type NotedStage,
  stageTexts,
  type WrittenText,
} from "./training/text-sources.ts";

let material: Material;
/** What each stage is shown and told: the first examples of its source, and some from the middle of its curriculum. */
let shown: Readonly<Record<StageName, readonly DrawnScene[]>>;
let told: readonly WrittenText[];

const COUNT = 1200;
const INDICES = Array.from({ length: COUNT }, (_, i) => [0, 180_000, 250_000][i % 3] + i);

beforeAll(async () => {
  material = await loadMaterial();
  const labelled = (stage: "vision" | "layout" | "reading", size: number): DrawnScene[] => {
    const scenes = stageScenes(material, { stage, size, seed: SEED });
    return INDICES.map((index) => curriculumScene(scenes, index).scene);
  };
  const texts = (stage: TextStage): WrittenText[] => INDICES.map(stageTexts(material, stage, SEED));
  const [language, comparing, answers] = [texts("language"), texts("comparing"), texts("answers")];
  const [phrasing, documents, counting] = [texts("phrasing"), texts("documents"), texts("counting")];
  const [align, instruct] = [texts("align"), texts("instruct")];
  const scenesOf = (some: readonly WrittenText[]): DrawnScene[] => some.flatMap(({ scenes }) => scenes);
  told = [
    ...language,
    ...comparing,
    ...answers,
    ...phrasing,
    ...documents,
    ...counting,
    ...align,
    ...instruct,
  ];
  shown = {
    vision: labelled("vision", VISION_SIZE),
    layout: labelled("layout", PICTURE_SIZE),
    reading: labelled("reading", PICTURE_SIZE),
    language: scenesOf(language),
    comparing: scenesOf(comparing),
    answers: scenesOf(answers),
    phrasing: scenesOf(phrasing),
    documents: scenesOf(documents),
    counting: scenesOf(counting),
    align: scenesOf(align),
    instruct: scenesOf(instruct),
  };
}, 180_000);

describe("held-out pictures", () => {
  it("are the committed ones, drawn anew from the seed", () => {
    const committed = readSplits();
    expect(sampleSplits(material.atlas, committed.seed)).toEqual(committed);
  });

  it("leave every concept at least three families to learn from", () => {
    const { designs } = trainingSupply(material.drawings);
    for (const concept of material.concepts) {
      const families = new Set(designs.get(concept.index)!.map((sprite) => sprite.family));
      expect(families.size, concept.name).toBeGreaterThanOrEqual(3);
    }
  });

  it("are under no other name among those of training: no two have the same pixels", () => {
    const { train, S1, S2 } = material.sprites;
    const known = new Set(train.map((sprite) => Buffer.from(sprite.pixels).toString("base64")));
    const twins = [...S1, ...S2].filter((sprite) => known.has(Buffer.from(sprite.pixels).toString("base64")));
    expect(twins.map((sprite) => sprite.id)).toEqual([]);
  });

  it("hold out whole families, so that no twin by the same hand is learnt", () => {
    const { S1 } = readSplits();
    const byName = new Map(material.concepts.map((concept) => [concept.index, concept.name]));
    for (const sprite of material.sprites.train) {
      const name = byName.get(sprite.label);
      if (name !== undefined) expect(sprite.family, sprite.id).not.toBe(S1[name]);
    }
  });
});

const STAGES = Object.keys(RECIPES) as StageName[];

/** How often each concept is shown. */
function countsOf({ things }: Scene): Map<Concept, number> {
  const counts = new Map<Concept, number>();
  for (const { subject } of things)
    if (subject.kind === "concept") counts.set(subject.concept, (counts.get(subject.concept) ?? 0) + 1);
  return counts;
}

describe.each(STAGES)("the stage %s shows", (stage) => {
  it("no held-out drawing, flag or stranger", () => {
    const { S1, S2, S9, unknown } = material.sprites;
    const heldOut = new Set([...S1, ...S2, ...S9, ...unknown].map(({ id }) => id));
    const drawings = shown[stage].flatMap(({ placements }) => placements.map(({ sprite }) => sprite));
    expect(new Set(drawings.map(({ id }) => id)).size).toBeGreaterThan(600);
    const leaks = drawings.filter(({ id, vendor }) => heldOut.has(id) || /openmoji|circle/.test(vendor));
    expect(leaks.map(({ id }) => id)).toEqual([]);
  });

  it("no held-out font, word or layout", () => {
    const faces = new Set(shown[stage].flatMap(({ letterings }) => letterings.map(({ face }) => face.font)));
    expect(faces.size).toBeGreaterThan(10);
    expect(TEST_FONTS.filter((font) => faces.has(font))).toEqual([]);
    const words = shown[stage].flatMap(({ lines }) => lines.flatMap(({ text }) => text.split(" ")));
    expect(words.length).toBeGreaterThan(200);
    expect(words.filter(isHeldOutWord)).toEqual([]);
    const layouts = shown[stage].flatMap(({ document }) => document?.layout ?? []);
    expect(layouts.filter(isHeldOutLayout)).toEqual([]);
  });

  it("no held-out pair, count or background", () => {
    const leaks = shown[stage].flatMap((scene) => {
      const counts = [...countsOf(scene)];
      const pairs = counts.flatMap(([a], i) =>
        counts.slice(i + 1).flatMap(([b]) => (isHeldOutPair(a, b) ? [`${a.name}, ${b.name}`] : [])),
      );
      const several = counts.flatMap(([one, count]) =>
        isHeldOutCount(one, count) ? [`${count} ${one.plural}`] : [],
      );
      const [[only] = []] = counts;
      const alone = only !== undefined && scene.things.length === 1;
      const behind =
        alone && isHeldOutBackground(only, scene.background)
          ? [`${only.name} on ${COLORS[scene.background].name}`]
          : [];
      return [...pairs, ...several, ...behind];
    });
    expect(leaks).toEqual([]);
  });
});

describe("texts", () => {
  const relations = new Map<string, string>();
  beforeAll(() => {
    for (const concept of material.concepts)
      for (const { relation, value } of factsOf(concept))
        relations.set(relation.answer(concept, value), `${concept.name} ${relation.name}`);
    for (const country of material.drawings.countries)
      for (const { relation, value } of countryFactsOf(country))
        relations.set(relation.answer(country, value), `${country.name} ${relation.name}`);
  });

  it("ask in no held-out wording", () => {
    const lists: (readonly string[])[] = [
      ...Object.values(WORDINGS),
      ...material.concepts.flatMap((concept) => factsOf(concept).map(({ relation }) => relation.questions)),
      ...material.drawings.countries.flatMap((country) =>
        countryFactsOf(country).flatMap(({ relation }) => [relation.questions, relation.followUps]),
      ),
    ];
    const apart = new Set(
      lists.flatMap((list) => [...heldOut(list, "test"), ...heldOut(list, "validation")]),
    );
    const asked = told.flatMap(({ turns }) => turns.flatMap(({ wordings }) => wordings));
    expect(new Set(asked).size).toBeGreaterThan(1000);
    expect(asked.filter((wording) => apart.has(wording))).toEqual([]);
  });

  it("ask no held-out fact or form beside a picture or its notes", () => {
    const beside = told.filter(({ scenes }) => scenes.length > 0);
    const facts = beside.flatMap(({ turns }) => turns.flatMap(({ fact }) => fact ?? []));
    expect(facts.length).toBeGreaterThan(300);
    expect(facts.filter(({ name, relation }) => isHeldOutFact(name, relation))).toEqual([]);
    const said = beside.flatMap(({ text }) =>
      [...relations].filter(([sentence]) => text.includes(sentence)).map(([, fact]) => fact),
    );
    expect(said.length).toBeGreaterThan(300);
    expect(
      said.filter((fact) => {
        const [, name, relation] = /^(.*) (\S+)$/.exec(fact)!;
        return isHeldOutFact(name, relation);
      }),
    ).toEqual([]);
    const forms = beside.flatMap(({ scenes, turns }) =>
      scenes.flatMap((scene) => {
        const [[only] = []] = [...countsOf(scene)];
        if (only === undefined || scene.things.length !== 1) return [];
        return turns.flatMap(({ form }) => (form !== undefined && isHeldOutForm(only, form) ? form : []));
      }),
    );
    expect(forms).toEqual([]);
  });
});

it("no note says how many there are where the language model learns to count", async () => {
  const counts = (notes: Notes): number =>
    notes.flatMap(({ relations }) => relations).filter(({ word }) => word.startsWith("among")).length;
  const said = async (stage: NotedStage): Promise<number> => {
    const source = languageSource(material, stage, SEED);
    const texts = await Promise.all(Array.from({ length: 40 }, (_, i) => source.example(12_000 + i)));
    return texts.reduce((sum, { notes }) => sum + counts(notes.flat()), 0);
  };
  expect(await said("documents")).toBeGreaterThan(20);
  expect(await said("counting")).toBe(0);
});

describe("generators", () => {
  it("give the same example for the same seed and index, in any order", async () => {
    const makers = [
      () => languageSource(material, "language", 5),
      () => languageSource(material, "comparing", 5),
      () => captionSource(material, 5),
      () => conversationSource(material, 5),
      () => visionSource(material, VISION_SIZE, 5),
      () => readingSource(material, { stage: "layout", size: PICTURE_SIZE, seed: 5 }),
    ];
    for (const make of makers) {
      // Its random stream, which some examples carry on, is no part of what an example shows.
      const exampleOf = async (source: ReturnType<typeof make>, index: number): Promise<object> => ({
        ...(await source.example(index)),
        random: undefined,
      });
      const forwards = make();
      const first = [await exampleOf(forwards, 3), await exampleOf(forwards, 4)];
      const backwards = make();
      const second = [await exampleOf(backwards, 4), await exampleOf(backwards, 3)];
      expect(second.reverse()).toEqual(first);
    }
  });

  it.each([
    ["vision", VISION_SIZE],
    ["layout", PICTURE_SIZE],
  ] as const)("label what lies on each patch of the stage %s", (stage, size) => {
    const classes = classTable(material.atlas.labels.length);
    const scenes = stageScenes(material, { stage, size, seed: 1 });
    const across = size / PATCH_SIZE;
    const hits = { thing: 0, things: 0, character: 0, characters: 0 };
    for (let i = 0; i < 300; i++) {
      // Where things and text are mixed.
      const { scene, random } = curriculumScene(scenes, 180_000 + i);
      const { labels } = renderLabelled(scene, classes, random);
      expect(labels).toHaveLength(across ** 2);
      expect(Math.max(...labels)).toBeLessThan(classes.count);
      const colors = [...labels].filter((label) => label < COLORS.length);
      expect(colors.filter((color) => color !== scene.background && color !== scene.backdrop)).toEqual([]);
      const labelAt = (x: number, y: number): number | undefined =>
        labels[Math.floor(y / PATCH_SIZE) * across + Math.floor(x / PATCH_SIZE)];
      for (const { x, y, sprite } of scene.placements) {
        hits.things++;
        if (labelAt(x, y) === classes.sprites + sprite.label) hits.thing++;
      }
      for (const { text, centers, y } of scene.lines)
        for (const [at, character] of [...text].entries()) {
          if (!/[A-Z0-9]/.test(character)) continue;
          hits.characters++;
          if (labelAt(centers[at], y) === classes.characters + CHARACTERS.indexOf(character))
            hits.character++;
        }
    }
    expect(hits.thing / hits.things).toBeGreaterThan(0.8);
    expect(hits.character / hits.characters).toBeGreaterThan(0.8);
  });

  it("answer every fact of every concept in a sentence that holds its value", () => {
    for (const concept of material.concepts)
      for (const { relation, value } of factsOf(concept)) {
        expect(relation.answer(concept, value)).toContain(relation.slot(value));
        expect(relation.questions.length).toBeGreaterThanOrEqual(7);
      }
  });
});
