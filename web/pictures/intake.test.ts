import { expect, test } from "vitest";
import { droppedFiles, megabytes, pastedFiles } from "./intake.ts";

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
});
