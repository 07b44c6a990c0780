import { beforeAll, describe, expect, it } from "vitest";
import { COLORS } from "./concepts/colors.ts";
import { factsOf } from "./concepts/facts.ts";
import { readSplits, sampleSplits } from "./drawings/splits.ts";
import { loadMaterial, type Material, readingSource, visionSource } from "./training/sources.ts";
import { captionSource, conversationSource, languageSource } from "./training/text-sources.ts";

let material: Material;
beforeAll(async () => {
  material = await loadMaterial();
}, 180_000);

describe("held-out pictures", () => {
  it("are the committed ones, drawn anew from the seed", () => {
    const committed = readSplits();
    expect(sampleSplits(material.atlas, committed.seed)).toEqual(committed);
  });

  it("leave every concept at least three families to learn from", () => {
    for (const concept of material.concepts) {
      const families = new Set(material.designs.get(concept.index)!.map((sprite) => sprite.family));
      expect(families.size, concept.name).toBeGreaterThanOrEqual(3);
    }
  });

  it("come out of no training generator", () => {
    const { S1, S2 } = readSplits().heldOut;
    const heldOut = new Set([...S1, ...S2]);
    const reachable = [...material.sprites.train, ...[...material.designs.values()].flat()];
    expect(reachable.filter((sprite) => heldOut.has(sprite.id) || sprite.vendor === "openmoji")).toEqual([]);
    // Nor under another name: no held-out drawing has the very pixels of a training drawing.
    const known = new Set(
      material.sprites.train.map((sprite) => Buffer.from(sprite.pixels).toString("base64")),
    );
    const twins = [...material.sprites.S1, ...material.sprites.S2].filter((sprite) =>
      known.has(Buffer.from(sprite.pixels).toString("base64")),
    );
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

describe("generators", () => {
  it("give the same example for the same seed and index, in any order", async () => {
    const makers = [
      () => languageSource(material, 5),
      () => captionSource(material, 5),
      () => conversationSource(material, 5),
      () => readingSource(material, 96, 5),
    ];
    for (const make of makers) {
      const forwards = make();
      const first = [await forwards.example(3), await forwards.example(4)];
      const backwards = make();
      const second = [await backwards.example(4), await backwards.example(3)];
      expect(second.reverse()).toEqual(first);
    }
    const scenes = visionSource(material, 64, 5);
    expect(await visionSource(material, 64, 5).example(7)).toEqual(await scenes.example(7));
  });

  it("label each patch with the thing on it or the color behind", async () => {
    const scenes = visionSource(material, 64, 1);
    for (let i = 0; i < 200; i++) {
      const { labels } = await scenes.example(i);
      expect(labels).toHaveLength(64);
      const colors = new Set(labels.filter((label) => label < COLORS.length));
      // A sign may lie on another color.
      expect(colors.size).toBeLessThanOrEqual(2);
      expect(Math.max(...labels)).toBeLessThan(scenes.classes);
    }
  });

  it("answer every fact of every concept in a sentence that holds its value", () => {
    for (const concept of material.concepts)
      for (const { relation, value } of factsOf(concept)) {
        expect(relation.answer(concept, value)).toContain(relation.slot(value));
        expect(relation.questions.length).toBeGreaterThanOrEqual(7);
      }
  });
});
