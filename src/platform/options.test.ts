import { expect, test } from "vitest";
import { checkOptions, type OptionRules, option } from "./options.ts";
import { described, shortened } from "./text/shortened.ts";

interface Options {
  readonly threads?: number;
  readonly device?: string;
  readonly name: string;
  readonly onEvent?: () => void;
}
const rules: OptionRules<Options> = {
  threads: option.count,
  device: option.oneOf(["cpu", "cuda"]),
  name: option.text.unwrap().describe("a text"),
  onEvent: option.callback,
};
const check = (given: unknown): void => checkOptions("door", given as Options, rules);

test("options that are as they must be are let through, and undefined counts as absent", () => {
  expect(() => check({ name: "a" })).not.toThrow();
  expect(() => check({ name: "a", threads: undefined, device: "cpu", onEvent: () => {} })).not.toThrow();
});

test("every problem is told at once, and what was meant", () => {
  expect(() =>
    check({ thread: 2, DEVICE: "cpu", device: "gpu", threads: 1.5, onEvent: "log", zzz: 1 }),
  ).toThrow(
    "door: no option is called thread (did you mean threads?); no option is called DEVICE (did you mean device?); " +
      'device: must be one of "cpu", "cuda", got "gpu"; threads: must be a whole number of at least 1, got 1.5; ' +
      'onEvent: must be a function, got "log"; no option is called zzz (there are threads, device, name, onEvent); ' +
      "name: must be a text, got undefined",
  );
});

test.each([
  0,
  -1,
  1.5,
  "4",
  Number.NaN,
  Number.POSITIVE_INFINITY,
  null,
  [2],
  2n,
])("threads: %s is refused", (threads) => {
  expect(() => check({ name: "a", threads })).toThrow(
    /^door: threads: must be a whole number of at least 1, got /,
  );
});

test.each<[unknown, string]>([
  ["cpu", '"cpu"'],
  [null, "null"],
  [["a"], "a list of 1"],
])("options that are %s are refused", (given, got) => {
  expect(() => check(given)).toThrow(`door: options must be an object, got ${got}`);
});

test("names of every object's own are no options", () => {
  expect(() => check(JSON.parse('{"name":"a","__proto__":1,"toString":2}'))).toThrow(
    /no option is called toString/,
  );
});

test("what errors repeat is short", () => {
  expect(shortened("short")).toBe("short");
  expect(shortened("x".repeat(100_000))).toBe(`${"x".repeat(100)}… (100,000 characters)`);
  expect(() => check({ name: "a", ["k".repeat(100_000)]: 1, device: "d".repeat(100_000) })).toThrow(
    /^.{1,500}$/,
  );
});

test("any value is described in a few words", () => {
  const values = [
    undefined,
    3,
    "a",
    "",
    [],
    {},
    Object.create(null),
    () => 1,
    new ArrayBuffer(2),
    Symbol("s"),
  ];
  expect(values.map(described)).toEqual(
    [
      "undefined",
      "3",
      '"a"',
      "an empty text",
      "an empty list",
      "an object",
      "an object",
      "a function",
    ].concat(["an ArrayBuffer", "Symbol(s)"]),
  );
});
