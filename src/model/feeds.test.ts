import { expect, test } from "vitest";
import { lossFeeds, tokenFeeds } from "./feeds.ts";

test("picture positions are taken in reading order, side by side or not", () => {
  const feeds = tokenFeeds(
    [
      [1, -1, -1, -1, -1, 5],
      [1, 7, -1, -1, 8, 0],
    ],
    6,
  );
  expect([...feeds.input_ids.data].map(Number)).toEqual([1, 0, 0, 0, 0, 5, 1, 7, 0, 0, 8, 0]);
  expect([...feeds.visual_positions.data].map(Number)).toEqual([0, 1, 0, 2, 0, 3, 0, 4, 1, 2, 1, 3]);
  expect(feeds.visual_positions.dims).toEqual([6, 2]);
});

test("positions that do not match the pictures, and rows of unequal length, are errors", () => {
  expect(() => tokenFeeds([[1, -1, 2]], 2)).toThrow("the pictures take 2 positions, got 1 negative ids");
  expect(() => tokenFeeds([[1, 2], [1]], 0)).toThrow("every row must have 2 ids, got 1 in row 1");
});

const rows = [
  [1, 4, 5, 6],
  [1, 7, 8, 9],
];

test("the row before a counted token predicts it", () => {
  const { feeds, labelCount, rowsWithoutLabels } = lossFeeds(
    rows,
    [
      [1, 0, 1, 1],
      [0, 0, 0, 0],
    ],
    3,
  );
  expect([...feeds.loss_rows!.data].map(Number)).toEqual([1, 2, 0]);
  expect([...feeds.labels.data].map(Number)).toEqual([5, 6, 0]);
  expect([...feeds.loss_weights.data]).toEqual([0.5, 0.5, 0]);
  expect(labelCount).toBe(2);
  expect(rowsWithoutLabels).toEqual([1]);
});

test("a graph that computes all rows gets labels in their places", () => {
  const counts = [
    [0, 0, 0, 0],
    [0, 1, 0, 0],
  ];
  const { feeds } = lossFeeds(rows, counts);
  expect(feeds.loss_rows).toBeUndefined();
  expect([...feeds.labels.data].map(Number)).toEqual([0, 0, 0, 0, 7, 0, 0, 0]);
  expect([...feeds.loss_weights.data]).toEqual([0, 0, 0, 0, 1, 0, 0, 0]);
});

test("nothing to predict gives weights of zero and names the rows", () => {
  const none = [
    [0, 0, 0, 0],
    [0, 0, 0, 0],
  ];
  const { feeds, labelCount, rowsWithoutLabels } = lossFeeds(rows, none, 2);
  expect([...feeds.loss_weights.data]).toEqual([0, 0]);
  expect(labelCount).toBe(0);
  expect(rowsWithoutLabels).toEqual([0, 1]);
});

test("more tokens than the graph has rows is an error", () => {
  const all = [
    [1, 1, 1, 1],
    [1, 1, 1, 1],
  ];
  expect(() => lossFeeds(rows, all, 5)).toThrow("at most 5 tokens may count, got 6");
});
