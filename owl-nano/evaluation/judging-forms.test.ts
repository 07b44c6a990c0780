import { describe, expect, test } from "vitest";
import { type Judged, judge } from "./judging.ts";

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
    [turn("json", '["syringe", "sun"]', []), '["sun","syringe"]', true, true],
    [turn("yes or no", "no.", ["no"]), "no, this is a dog.", false, false],
  ])("%j: %s", (judged, answer, inForm, right) => {
    const { inForm: has, right: is } = judge(judged, answer);
    expect([has, is]).toEqual([inForm, right]);
  });
});
