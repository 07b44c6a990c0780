import { describe, expect, test } from "vitest";
import { judge } from "./judging.ts";
import { type Case, check } from "./testing/check-judged.ts";

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

describe("a verdict at the end", () => {
  const presence = (question: string, answer: string, slot: string[], cases: readonly Case[]): void =>
    check({ question, answer, slot, ability: "presence" }, cases);
  test("must follow from what is seen", () => {
    presence(
      "is this a cat?",
      "a cat? this is a dog, so no.",
      ["no"],
      [
        ["a cat? this is a dog, so no.", true],
        ["a cat? this is a wolf, so no.", true],
        ["no.", true],
        ["a cat? this is a cat, so no.", false],
        ["a cat? this is a cat, so yes.", false],
      ],
    );
    presence(
      "do you see a cactus?",
      "a cactus? i see a bear above a dog, so no.",
      ["no"],
      [
        ["a cactus? i see a cactus above a dog, so no.", false],
        ["cactuses? i see a tree, so no.", true],
      ],
    );
    presence(
      "is the radio black?",
      "black? the radio is red, so no.",
      ["no"],
      [
        ["black? the radio is blue, so no.", true],
        ["black? the radio is black, so no.", false],
      ],
    );
    presence(
      "is there a cat?",
      "a cat? i see a cat above a tree, so yes.",
      ["yes"],
      [
        ["a cat? i see a cat above a cactus, so yes.", true],
        ["a cat? i see a cat, so yes.", true],
        ["a cat? i see a tree, so yes.", false],
        ["yes.", true],
      ],
    );
    presence(
      "are there more than two dogs?",
      "more than two dogs? there are five dogs, so yes.",
      ["yes"],
      [
        ["more than two dogs? there are five dogs, so yes.", true],
        ["more than two dogs? there are one dogs, so yes.", false],
      ],
    );
  });
  test("of a relation, from either side", () =>
    presence(
      "is the dog left of the tree?",
      "left? the dog is to the left of the tree, so yes.",
      ["yes"],
      [
        ["the dog is to the left of the tree, so yes.", true],
        ["the tree is to the right of the dog, so yes.", true],
        ["the tree is to the left of the dog, so yes.", false],
        ["the dog is to the right of the tree, so yes.", false],
      ],
    ));
  test("of two pictures: alike where they are alike", () => {
    const ability = "two pictures binary";
    check(
      {
        question: "the same thing?",
        answer: "the first picture shows a cat and the second picture shows a tree, so no.",
        slot: ["no"],
        ability,
      },
      [
        ["the first picture shows a cat and the second picture shows a tree, so no.", true],
        ["the first picture shows a dog and the second picture shows a tree, so no.", true],
        ["the first picture shows a cat and the second picture shows a cat, so no.", false],
      ],
    );
    check(
      {
        question: "is it the same thing twice?",
        answer: "the first picture shows a pear and the second picture shows four pears, so yes.",
        slot: ["yes"],
        ability,
      },
      [
        ["the first picture shows a lemon and the second picture shows lemons, so yes.", true],
        ["the first picture shows a pear and the second picture shows a lemon, so yes.", false],
      ],
    );
    check(
      {
        question: "same background?",
        answer: "the first is red and the second is red, so yes.",
        slot: ["yes"],
        ability,
      },
      [["the first is red and the second is blue, so yes.", false]],
    );
  });
});

test("none of something", () =>
  check(
    { question: "how many dogs are there?", answer: "there are no dogs.", slot: ["no"], ability: "counting" },
    [
      ["there are no dogs.", true],
      ["zero", true],
      ["none.", true],
      ["there are two dogs.", false],
      ["there are no cats.", false],
    ],
  ));

describe("what is read", () => {
  const reads = (
    question: string,
    answer: string,
    slot: string[],
    cases: readonly Case[],
    ability = "document",
  ) => check({ question, answer, slot, ability }, cases);
  test("is read once, and all of it", () => {
    reads(
      "what does it say?",
      'the sign says "WEST EXPLAIN".',
      ["WEST EXPLAIN"],
      [
        ['the sign says "WEST EXPLAIN".', true],
        ['the sign says "WEST EXPLAIN", "WEST".', false],
        ['the sign says "EXPLAIN WEST".', false],
      ],
      "scene text",
    );
    reads("read it.", 'it says "DOOR".', ["DOOR"], [['it says "DOOR DOOR".', false]], "scene text");
    reads(
      "read the list.",
      '"HONEY" costs 11. "BOOK" costs 18.',
      ["HONEY", "11", "BOOK", "18"],
      [
        ['"HONEY" costs 11. "BOOK" costs 18.', true],
        ['"HONEY" costs 11. "HONEY" costs 18.', false],
      ],
    );
  });
  test("is said of the right thing", () => {
    reads(
      "which costs 13?",
      '"SHOE" costs 13.',
      ["SHOE"],
      [
        ['"SHOE" costs 13.', true],
        ['"SHOE"', true],
        ['"SHOE" costs 21.', false],
      ],
    );
    reads(
      "how many points has tom?",
      '"TOM" has 6 points.',
      ["6"],
      [
        ["6", true],
        ['"TOM" has 6 points.', true],
        ['"LEO" has 6 points.', false],
      ],
    );
    reads(
      "what costs least?",
      'the cheapest is "APPLE".',
      ["APPLE"],
      [
        ['the cheapest is "APPLE".', true],
        ['the most expensive is "APPLE".', false],
      ],
    );
    reads(
      "the first letter?",
      'the first letter is "B".',
      ["B"],
      [['the last letter is "B".', false]],
      "scene text",
    );
  });
});

test("other ways to say what is right", () => {
  check(
    {
      question: "describe it.",
      answer: "a trophy and a frog on a white background.",
      slot: ["trophy", "frog"],
      ability: "caption",
    },
    [["a frog and a trophy.", true]],
  );
  check(
    {
      question: "what is in the two pictures?",
      answer: "the first picture shows a frog and the second picture shows a trophy.",
      slot: ["frog", "trophy"],
      ability: "two pictures naming",
    },
    [["the first picture shows a trophy and the second picture shows a frog.", false]],
  );
  check(
    {
      question: "where is the dog?",
      answer: "the dog is to the left of the potato.",
      slot: ["left", "potato"],
      ability: "relation",
    },
    [
      ["the potato is to the right of the dog.", true],
      ["the potato is to the left of the dog.", false],
    ],
  );
  check({ question: "how much is 1 + 16?", answer: "1 + 16 = 17.", slot: ["= 17"], ability: "skill" }, [
    ["17", true],
    ["seventeen.", true],
    ["1 + 16 = 17.", true],
    ["1 + 17 = 18.", false],
  ]);
  check(
    {
      question: "what is in the second picture?",
      answer: "the second picture shows a dog.",
      slot: ["dog"],
      ability: "two pictures naming",
    },
    [["the first picture shows a dog.", false]],
  );
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
