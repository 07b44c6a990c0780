import { expect, test } from "vitest";
import { SentenceFeed } from "./sentences.ts";
import { commandOf, type KeyPress, shortcuts } from "./shortcuts.ts";

const press = (fields: Partial<KeyPress>): KeyPress => ({
  key: "",
  code: "",
  altKey: false,
  ctrlKey: false,
  metaKey: false,
  ...fields,
});

test("no two shortcuts share their keys", () => {
  expect(new Set(shortcuts.map(({ keys }) => keys)).size).toBe(shortcuts.length);
});

test("Alt and a letter is told by the key's place, whatever Alt makes of it", () => {
  expect(commandOf(press({ altKey: true, code: "KeyN", key: "˜" }), true)).toBe("new");
  expect(commandOf(press({ altKey: true, code: "BracketLeft", key: "“" }), false)).toBe("previous");
  expect(commandOf(press({ altKey: true, ctrlKey: true, code: "KeyN" }), false)).toBeUndefined();
});

test("keys that write a character do so in a field", () => {
  expect(commandOf(press({ key: "?" }), false)).toBe("help");
  expect(commandOf(press({ key: "?" }), true)).toBeUndefined();
  expect(commandOf(press({ key: "/" }), true)).toBeUndefined();
  expect(commandOf(press({ key: "Escape" }), true)).toBe("stop");
  expect(commandOf(press({ key: "n" }), false)).toBeUndefined();
});

test("a screen reader is told whole sentences, each once", () => {
  const feed = new SentenceFeed();
  const text = 'This is an owl. It has 2.5 eyes?" Yes:\n- one';
  const told = [...text].map((_, i) => feed.next(text.slice(0, i + 1), false)).filter(Boolean);
  expect(told).toEqual(["This is an owl.", 'It has 2.5 eyes?"', "Yes:"]);
  expect(feed.next(text, true)).toBe("- one");
  expect(feed.next(text, true)).toBe("");
});
