import { expect, test } from "vitest";
import { PromptLookup } from "./prompt-lookup.ts";

function lookupOf(ids: readonly number[], most = 7): PromptLookup {
  const lookup = new PromptLookup(most);
  lookup.push(ids);
  return lookup;
}

test("drafts what followed the same three tokens, of several the longest or the latest run", () => {
  expect(lookupOf([5, 6, 7, 8, 9, 10, 11, 5, 6, 7]).draft(7)).toEqual([8, 9, 10]);
  expect(lookupOf([5, 6, 7, 8, 5, 6, 7, 9, 1, 2, 5, 6, 7]).draft(2)).toEqual([9, 1]);
  expect(lookupOf([9, 5, 6, 7, 8, 1, 5, 6, 7, 2, 9, 5, 6, 7]).draft(2)).toEqual([8, 1]);
  const inPieces = lookupOf([5, 6, 7, 8]);
  for (const id of [9, 5, 6, 7]) inPieces.push([id]);
  expect(inPieces.draft(7)).toEqual([8, 9, 5]);
});

test("goes on with its own draft where a run overlaps its repetition", () => {
  expect(lookupOf([4, 4, 4, 4]).draft(7)).toEqual([4, 4, 4]);
  expect(lookupOf([1, 2, 1, 2, 1]).draft(7)).toEqual([2, 1, 2]);
});

test("drafts nothing where nothing came alike, and nothing across a picture", () => {
  expect(lookupOf([]).draft(7)).toEqual([]);
  expect(lookupOf([1, 2, 3, 4, 9, 2, 3]).draft(7)).toEqual([]);
  expect(lookupOf([-1, -1, -1, -1, -1]).draft(7)).toEqual([]);
  expect(lookupOf([1, 2, 3, 4, -1, -1, 1, 2, 3]).draft(7)).toEqual([4]);
  expect(lookupOf([1, 2, 3, 4, 1, 2, 3]).draft(0)).toEqual([]);
});

test("drafts grow while they come true, up to the most", () => {
  const lookup = lookupOf(new Array(60).fill(4), 9);
  const lengths = [];
  for (let i = 0; i < 4; i++) {
    const { length } = lookup.draft(100);
    lengths.push(length);
    lookup.score(length, length);
  }
  expect(lengths).toEqual([3, 7, 9, 9]);
  lookup.score(9, 5);
  expect(lookup.draft(100)).toHaveLength(3);
});

test("after a miss a longer run must have come alike; after a hit three tokens are enough again", () => {
  const run = [1, 2, 3, 4, 5, 6, 7, 8];
  const lookup = lookupOf([...run, 9, 9, 10, 6, 7, 8]);
  expect(lookup.draft(3)).toEqual([9, 9, 10]);
  lookup.score(3, 0);
  expect(lookup.draft(3)).toEqual([]);
  lookup.push([20, ...run]);
  expect(lookup.draft(3)).toEqual([9, 9, 10]);
  lookup.score(3, 1);
  lookup.push([21, 6, 7, 8]);
  expect(lookup.draft(3)).toEqual([21, 6, 7]);
});
