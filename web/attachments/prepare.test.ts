import { expect, test } from "vitest";
import { droppedFiles, megabytes, pastedFiles, preparationNote } from "../attachments/prepare.ts";

const owl = new File(["x"], "owl.png", { type: "image/png" });

test("a pasted picture is a file; formatted text that brings a picture of itself is text", () => {
  expect(pastedFiles({ types: ["text/html", "Files"], files: [owl] })).toEqual([owl]);
  expect(pastedFiles({ types: ["text/plain", "Files"], files: [owl] })).toEqual([owl]);
  expect(pastedFiles({ types: ["text/plain", "text/html", "Files"], files: [owl] })).toEqual([]);
  expect(pastedFiles(null)).toEqual([]);
});

test("a picture that is dragged from another page has words beside it and is a file", () => {
  expect(droppedFiles({ types: ["text/plain", "text/html", "Files"], files: [owl] })).toEqual([owl]);
});

test("sizes in words", () => {
  expect(megabytes(1.44 * 2 ** 20)).toBe("1.4 MB");
  expect(megabytes(16 * 2 ** 20)).toBe("16 MB");
  expect(megabytes(5000)).toBe("5 kB");
});

test("what was done to a picture is said as it was", () => {
  const png = { size: 4e6, type: "image/png" };
  const jpeg = { size: 1e6, type: "image/jpeg" };
  const note = (width: number, height: number, final: number, to = jpeg): string =>
    preparationNote({ width, height, final, from: png, to });
  expect(note(4000, 3000, 0.5)).toBe("made smaller to be sent: 4000 × 3000 → 2000 × 1500");
  expect(note(32, 32, 1)).toBe("compressed to be sent: 3.8 MB → 1.0 MB");
  expect(note(32, 32, 1, { size: 5e6, type: "image/png" })).toBe("rewritten in a format that can be sent");
});
