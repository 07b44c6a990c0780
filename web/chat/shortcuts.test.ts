import { expect, test } from "vitest";
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
