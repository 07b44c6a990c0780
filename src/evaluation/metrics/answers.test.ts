import { describe, expect, test } from "vitest";
import { editDistance } from "../../platform/index.ts";
import { anls } from "./anls.ts";
import { chosenOption } from "./chosen-option.ts";
import { exactMatch } from "./exact-match.ts";
import { perplexity } from "./perplexity.ts";
import { normalizedVqaAnswer, vqaAccuracy } from "./vqa-answers.ts";
import { mmeAnswer, popeAnswer, yesNoFigures } from "./yes-no.ts";

describe("VQA", () => {
  // The first two stand in the tests of Apple's axlearn, the next four in those of Facebook's MMF; the others follow
  // from the released rules by hand.
  test.each([
    ["n/a", "n"],
    ["no one", "no 1"],
    ["two", "2"],
    ["a building", "building"],
    ["snow, mountain", "snow mountain"],
    ["isnt", "isn't"],
    ["  The two\tmen\nrun ", "2 men run"],
    ["t-shirt", "t shirt"],
    ["left / right", "left right"],
    ["1,000 t-shirts", "1000 tshirts"],
    ["1.5 liters.", "1.5 liters"],
    ["St. Louis", "st louis"],
    ["None!", "0"],
    ["hed've and he'dve but hedve", "he'd've and he'd've but hedve"],
    ["yalld've y'alldve y'all'dve", "yalld've y'alldve y'all'd've"],
    ["'ows'at twas oclock", "'ow's'at 'twas o'clock"],
    ["somebody'd", "somebodyd"],
    ["shes hell well", "shes hell well"],
    ["The", ""],
  ])("%j is compared as %j", (answer, normalized) => {
    expect(normalizedVqaAnswer(answer)).toBe(normalized);
  });

  test("one to four of ten annotators are worth 0.3, 0.6, 0.9 and 1", () => {
    // With k equal answers: (k · min(1, (k − 1) / 3) + (10 − k) · min(1, k / 3)) / 10. k = 2: (2 · ⅓ + 8 · ⅔) / 10 = 0.6
    for (const [k, worth] of [0, 0.3, 0.6, 0.9, 1, 1].entries()) {
      const annotations = Array.from({ length: 10 }, (_, i) => (i < k ? "The Dog." : `other ${i}`));
      expect(vqaAccuracy("dog", annotations)).toBeCloseTo(worth, 12);
    }
    expect(vqaAccuracy("Yes.", new Array<string>(10).fill("yes"))).toBe(1);
    expect(() => vqaAccuracy("yes", ["yes"])).toThrow(/two annotations or more, got 1/);
  });
});

test("exact match passes over capitals, punctuation and articles", () => {
  expect(exactMatch("The  Eiffel-Tower!", ["Louvre", "eiffeltower"])).toBe(true);
  expect(exactMatch("the tower", ["Eiffel tower"])).toBe(false);
});

describe("ANLS", () => {
  test("edit distances known from textbooks", () => {
    const distance = (a: string, b: string): number => editDistance([...a], [...b]);
    expect(distance("kitten", "sitting")).toBe(3);
    expect(distance("saturday", "sunday")).toBe(3);
    expect(distance("", "abc")).toBe(3);
  });

  test("the share that is right of the closest reference, from one half on", () => {
    // One wrong of eight: 1 − 1/8. Two edits of five letters: 1 − 2/5. Two of four is one half, three of four less.
    expect(anls("12/15/89", ["12/15/88"])).toBeCloseTo(0.875, 12);
    expect(anls("HELLO", ["dog", "help"])).toBeCloseTo(0.6, 12);
    expect(anls("abcd", ["abxy"])).toBe(0.5);
    expect(anls("abcd", ["axyz"])).toBe(0);
    expect(anls(" Denver   Broncos", ["Denver R. Broncos", "denver broncos"])).toBe(1);
    expect(anls("", ["cat"])).toBe(0);
  });
});

describe("yes and no", () => {
  test.each([
    ["Yes, there is.", "yes"],
    ["No, there is no dog.", "no"],
    ["There is not a dog", "no"],
    ["There is a dog. It is not big.", "yes"],
    ["I cannot see", "yes"],
  ] as const)("POPE takes %j for %s", (answer, said) => expect(popeAnswer(answer)).toBe(said));

  test.each([
    ["Yes", "yes"],
    [" no.", "no"],
    ["Not at all", "no"],
    ["The answer is yes", "other"],
  ] as const)("MME takes %j for %s", (answer, said) => expect(mmeAnswer(answer)).toBe(said));

  test("figures of three hits, one false alarm, two misses and four rejections", () => {
    const times = (count: number, truth: "yes" | "no", said: "yes" | "no") =>
      Array.from({ length: count }, () => ({ truth, said }));
    const answers = [
      ...times(3, "yes", "yes"),
      ...times(1, "no", "yes"),
      ...times(2, "yes", "no"),
      ...times(4, "no", "no"),
    ];
    // 7/10 right, 3/4 precision, 3/5 recall, F1 2 · 0.75 · 0.6 / 1.35 = 2/3, yes in 4/10.
    const { accuracy, precision, recall, f1, yesRatio } = yesNoFigures(answers);
    expect([accuracy, precision, recall, yesRatio]).toEqual([0.7, 0.75, 0.6, 0.4]);
    expect(f1).toBeCloseTo(2 / 3, 12);
    expect(yesNoFigures(times(2, "yes", "no"))).toMatchObject({
      precision: 0,
      recall: 0,
      f1: 0,
      yesRatio: 0,
    });
  });
});

test.each([
  ["B", 1],
  ["(c)", 2],
  ["b.", 1],
  ["(C)", 2],
  ["B. a cat", 1],
  ["D) whatever", 3],
  ["The answer is B", 1],
  ["the correct option is (d).", 3],
  ["Answer: C, because it is red", 2],
  ["The answer is a big dog", 2],
  ["It is a cat.", 0],
  ["a cat", 0],
  ["It's a black cat", 1],
  ["Either a cat or a bird", undefined],
  ["I would say D", 3],
  ["A bird is C", 3],
  ["B or C", undefined],
  ["A black thing", undefined],
  ["", undefined],
])("of %j option %s is chosen", (answer, option) => {
  expect(chosenOption(answer, ["cat", "black cat", "big dog", "bird"])).toBe(option);
});

test("perplexity is e to the mean negative log-likelihood of a token", () => {
  // Four tokens at probability 1/2 and two at 1/8: (4 · ln 2 + 2 · ln 8) / 6 = 10/6 · ln 2, so 2^(10/6).
  const texts = [
    { negativeLogLikelihood: 4 * Math.log(2), tokens: 4 },
    { negativeLogLikelihood: 2 * Math.log(8), tokens: 2 },
  ];
  expect(perplexity(texts)).toBeCloseTo(2 ** (10 / 6), 12);
});
