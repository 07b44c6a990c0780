import { expect, test } from "vitest";
import { SentenceFeed } from "./sentences.ts";

test("a screen reader is told whole sentences, each once", () => {
  const feed = new SentenceFeed();
  const text = 'This is an owl. It has 2.5 eyes?" Yes:\n- one';
  const told = [...text].map((_, i) => feed.next(text.slice(0, i + 1), false)).filter(Boolean);
  expect(told).toEqual(["This is an owl.", 'It has 2.5 eyes?"', "Yes:"]);
  expect(feed.next(text, true)).toBe("- one");
  expect(feed.next(text, true)).toBe("");
});
