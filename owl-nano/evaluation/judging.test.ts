import { describe, expect, test } from "vitest";
import { type Judged, judge } from "./judging.ts";

type Case = readonly [answer: string, right: boolean];

function check(turn: Omit<Judged, "ability"> & { readonly ability?: string }, cases: readonly Case[]): void {
  const judged = cases.map(([answer]) => [answer, judge({ ability: "name", ...turn }, answer).right]);
  expect(judged).toEqual(cases);
}

describe("an answer is right where it says what decides and nothing else of its kind", () => {
  test("a name among all names, in the singular or plural", () =>
    check({ question: "what is this?", answer: "this is a dog.", slot: ["dog"] }, [
      ["this is a dog.", true],
      ["A Dog", true],
      ["these are dogs.", true],
      ["this is a dog on an orange background.", true],
      ["this is a cat.", false],
      ["this is a dog and a cat.", false],
      ["i am not sure what this is.", false],
      ["this is a hotdog.", false],
      ["no, this is a dog.", false],
      ["yes, there is a dog.", false],
    ]));

  test("a pair with its relation, from either side", () =>
    check(
      {
        question: "describe the picture.",
        answer: "a dog to the left of a tree on a blue background.",
        slot: ["dog", "left", "tree"],
      },
      [
        ["a dog to the left of a tree on a red background.", true],
        ["a tree to the right of a dog.", true],
        ["a tree to the left of a dog.", false],
        ["a dog above a tree.", false],
        ["a dog and a tree.", false],
      ],
    ));

  test("a number in words or digits", () =>
    check(
      {
        question: "how many dogs are there?",
        answer: "there are three dogs.",
        slot: ["three"],
        ability: "counting",
      },
      [
        ["there are three dogs.", true],
        ["3", true],
        ["there are four dogs.", false],
        ["there are three or four dogs.", false],
        ["there are three cats.", false],
      ],
    ));

  test("scene text to the letter", () =>
    check({ question: "what does it say?", answer: 'the sign says "BUS 24".', slot: ["BUS 24"] }, [
      ['the sign says "BUS 24".', true],
      ['it says "BUS" "24".', true],
      ["BUS 24", true],
      ['the sign says "BUS 25".', false],
      ['the sign says "bus 24".', false],
      ['the sign says "THE BUS 24".', false],
    ]));

  test("a value of a document", () =>
    check(
      { question: "how much is the tea?", answer: '"TEA" costs 12.', slot: ["12"], ability: "document" },
      [
        ['"TEA" costs 12.', true],
        ['"TEA" costs 3.', false],
        ["it costs twelve.", true],
      ],
    ));

  test("the last sentence where thinking aloud is asked for", () =>
    check(
      {
        question: "how many legs are there in all?",
        answer: "there are two dogs. a dog has four legs. two times four is eight.",
        slot: ["eight"],
        ability: "reasoning",
      },
      [
        ["there are two dogs. a dog has four legs. two times four is eight.", true],
        ["eight.", true],
        ["a dog has eight legs. two times eight is sixteen.", false],
        ["two times four is six.", false],
      ],
    ));
});

test("a fact of another thing is not the fact that is asked", () =>
  check(
    {
      question: "what does it eat?",
      answer: "this is a panda. pandas eat bamboo.",
      slot: ["bamboo"],
      ability: "knowledge",
    },
    [
      ["this is a panda. pandas eat bamboo.", true],
      ["bamboo", true],
      ["bears eat bamboo.", false],
      ["pandas eat bamboo and fish.", false],
    ],
  ));

describe("yes and no", () => {
  const isThis = {
    question: "is this a cat?",
    answer: "no, this is a dog.",
    slot: ["no"],
    ability: "presence",
  };
  test("must not be taken back", () => {
    check(isThis, [
      ["no.", true],
      ["no, this is a dog.", true],
      ["no, this is a wolf.", true],
      ["no, this is a cat.", false],
      ["yes, this is a cat.", false],
      ["this is a dog.", false],
    ]);
    check({ question: "is there a cat?", answer: "no, there is no cat. it is a dog.", slot: ["no"] }, [
      ["no, there is no cat.", true],
      ["no, there is a cat.", false],
    ]);
    check({ question: "is it red?", answer: "yes, the car is red.", slot: ["yes"] }, [
      ["yes, the car is red.", true],
      ["yes, the car is blue.", false],
      ["yes", true],
    ]);
    check(
      {
        question: "is the dog to the right of the tree?",
        answer: "no, the dog is to the left of the tree.",
        slot: ["no"],
      },
      [
        ["no, the dog is to the left of the tree.", true],
        ["no, the dog is to the right of the tree.", false],
      ],
    );
  });
});

test("not being sure is right only where it is true", () => {
  check({ question: "what is this?", answer: "i am not sure what this is.", slot: ["not sure"] }, [
    ["i am not sure.", true],
    ["this is a dog.", false],
    ["i am not sure. this is a dog.", false],
  ]);
  expect(
    judge({ question: "q", answer: "a dog.", ability: "name", slot: ["dog"] }, "i see no picture.").declined,
  ).toBe(true);
});

describe("forms need the form and the content", () => {
  const turn = (form: string, answer: string, slot: string[]): Judged => ({
    question: "what is this?",
    ability: "form",
    form,
    answer,
    slot,
  });
  test.each<[Judged, string, boolean, boolean]>([
    [turn("one word", "dog.", ["dog"]), "dog", true, true],
    [turn("one word", "dog.", ["dog"]), "cat.", true, false],
    [turn("one word", "dog.", ["dog"]), "this is a dog.", false, false],
    [turn("capitals", '"A DOG".', ["A DOG"]), '"A DOG".', true, true],
    [turn("capitals", '"A DOG".', ["A DOG"]), "a dog", false, false],
    [turn("reverse", "dog a is this.", ["dog a is this"]), "dog a is this", true, true],
    [turn("reverse", "dog a is this.", ["dog a is this"]), "this is a dog.", false, false],
    [turn("sure", "sure: this is a dog.", ["sure:", "dog"]), "sure: it is a dog.", true, true],
    [turn("sure", "sure: this is a dog.", ["sure:", "dog"]), "sure: this is a cat.", true, false],
    [turn("ok", "this is a dog. ok.", ["dog", "ok."]), "this is a dog. ok.", true, true],
    [turn("twice", "a dog. a dog.", ["a dog", "a dog"]), "a dog. a dog.", true, true],
    [turn("twice", "a dog. a dog.", ["a dog", "a dog"]), "a dog.", false, false],
    [turn("spell", "c, a, t.", ["c, a, t"]), "c, a, t", true, true],
    [turn("spell", "c, a, t.", ["c, a, t"]), "c, t", true, false],
    [turn("list", "1. a dog 2. a tree", ["1. a dog", "2. a tree"]), "1. a tree 2. a dog", true, true],
    [turn("json", '{"thing": "dog", "color": "red"}', []), '{"color": "red", "thing": "dog"}', true, true],
    [turn("json", '{"thing": "dog", "color": "red"}', []), '{"thing": "dog"', false, false],
    [turn("yes or no", "no.", ["no"]), "no, this is a dog.", false, false],
  ])("%j: %s", (judged, answer, inForm, right) => {
    const { inForm: has, right: is } = judge(judged, answer);
    expect([has, is]).toEqual([inForm, right]);
  });
});
