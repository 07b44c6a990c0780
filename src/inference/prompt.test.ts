import { expect, test } from "vitest";
import { microConfig } from "../model/testing/micro.ts";
import { checkPrompt, type Prompt, placedMedia, positionKeys } from "./prompt.ts";

const picture = (key: string) => ({ key, pixels: new Float32Array(3 * 8 * 8) });
const image = (start: number, length = 4) => ({ kind: "image", start, length }) as const;
const pictures = [picture("a"), picture("b")];
const ids = [1, -1, -1, -1, -1, -1, -1, -1, -1, 5];

test("pictures lie where the spans say, or without spans where the negative ids are", () => {
  const spans = [image(1), image(5)];
  const placed = placedMedia({ ids, pictures, spans }, microConfig);
  expect(placed).toEqual([
    { ...spans[0], media: pictures[0] },
    { ...spans[1], media: pictures[1] },
  ]);
  expect(placedMedia({ ids, pictures }, microConfig)).toEqual(placed);
  expect(positionKeys(ids, placed)).toEqual([1, "a 0", "a 1", "a 2", "a 3", "b 0", "b 1", "b 2", "b 3", 5]);
});

test.each<[what: string, prompt: Prompt, message: RegExp]>([
  [
    "a span beside its picture's ids",
    { ids, pictures, spans: [image(0), image(5)] },
    /picture 1 .* id -1 at its positions, got 1, -1/,
  ],
  ["a span too few", { ids, pictures, spans: [image(1)] }, /2 pictures must have a span each, got 1/],
  [
    "positions that are not side by side",
    { ids: [1, -1, -1, 7, -1, -1, 5], pictures: [pictures[0]] },
    /picture 1 must have 4 positions side by side, got 2 at 1/,
  ],
  ["positions of one picture for two", { ids: ids.slice(4), pictures }, /2 pictures take 8 positions, got 5/],
])("%s is refused", (_, prompt, message) => {
  expect(() => checkPrompt(prompt, microConfig)).toThrow(message);
});
