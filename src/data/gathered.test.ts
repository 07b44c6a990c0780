import { expect, it } from "vitest";
import { LengthCounts } from "./length-counts.ts";
import { NameSet } from "./name-set.ts";
import { RowProblems } from "./row-problems.ts";

it("lengths have their median and a histogram of round widths", () => {
  const lengths = new LengthCounts();
  for (const length of [12, 12, 13, 40, 99, 100]) lengths.add(length);
  const { count, total, least, median, most } = lengths;
  expect({ count, total, least, median, most }).toEqual({
    count: 6,
    total: 276,
    least: 12,
    median: 13,
    most: 100,
  });
  const bins = lengths.histogram();
  expect(bins).toHaveLength(10);
  expect(bins[0]).toEqual({ from: 10, to: 19, count: 3 });
  expect(bins.at(-1)).toEqual({ from: 100, to: 109, count: 1 });
  expect(new LengthCounts().histogram()).toEqual([]);
});

it("names are known again, and no other ones", () => {
  const names = new NameSet();
  const name = (i: number): string => `false /data/pictures/${Math.floor(i / 100)}/${i}.jpg`;
  for (let i = 0; i < 20_000; i++) names.add(name(i));
  for (let i = 0; i < 20_000; i += 7) names.add(name(i));
  expect(names.size).toBe(20_000);
  const wrong = Array.from({ length: 40_000 }, (_, i) => i).filter((i) => names.has(name(i)) !== i < 20_000);
  expect(wrong).toEqual([]);
});

it("of many problems the first rows' are kept, in their order, whenever they come", () => {
  const problems = new RowProblems("rows.jsonl", "line", 3);
  for (const line of [2, 5, 9, 9, 40_000]) problems.add({ line, problem: `text ${line}` });
  for (const line of [1, 9, 12]) problems.add({ line, problem: `picture ${line}` });
  expect([problems.count, problems.rows]).toEqual([8, 6]);
  expect([1, 2, 3, 12, 39_999, 40_000, 99_999].map((line) => problems.isBad(line))).toEqual([
    true,
    true,
    false,
    true,
    false,
    true,
    false,
  ]);
  expect(problems.listed()).toEqual(["line 1: picture 1", "line 2: text 2", "line 5: text 5", "and 5 more"]);
  expect(() => problems.require()).toThrow(
    /rows.jsonl: must hold one training row a line, got 8 problems:\n {2}line 1/,
  );
  new RowProblems("rows.jsonl", "line").require();
});
