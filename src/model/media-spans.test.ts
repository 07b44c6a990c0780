import { expect, test } from "vitest";
import { placeholderIds, positionCount, sliceSpans, spansOfPlaceholders } from "./media-spans.ts";

const image = (start: number, length: number) => ({ kind: "image", start, length }) as const;
const video = (start: number, length: number) => ({ kind: "video", start, length }) as const;

test("placeholders side by side are as many images and videos as their length says", () => {
  const ids = [1, -1, -1, -1, -1, 5, -2, -2, -1, -1, 6];
  expect(spansOfPlaceholders(ids, 2)).toEqual([image(1, 2), image(3, 2), video(6, 2), image(8, 2)]);
  expect(spansOfPlaceholders(ids)).toEqual([image(1, 4), video(6, 2), image(8, 2)]);
  expect(spansOfPlaceholders([1, 2])).toEqual([]);
});

test("what is written for a span is found again", () => {
  for (const span of [image(1, 3), video(1, 2)]) {
    expect(spansOfPlaceholders([7, ...placeholderIds(span), 8])).toEqual([span]);
  }
});

test("a slice keeps what lies in it, and cuts spans at its ends", () => {
  const spans = [image(1, 4), video(6, 2)];
  expect(sliceSpans(spans, 0)).toEqual(spans);
  expect(sliceSpans(spans, 3, 7)).toEqual([image(0, 2), video(3, 1)]);
  expect(sliceSpans(spans, 5, 6)).toEqual([]);
  expect(positionCount(sliceSpans(spans, 3, 7))).toBe(3);
});
