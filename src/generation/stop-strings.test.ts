import fc from "fast-check";
import { expect, test } from "vitest";
import { StopStrings } from "./stop-strings.ts";

test("text that may begin a stop string waits for the next piece", () => {
  const stops = new StopStrings(["\nHuman:"]);
  expect(["Hi\n", "Hum", "ble", "\nHuman", ": more"].map((piece) => stops.push(piece))).toEqual([
    "Hi",
    "",
    "\nHumble",
    "",
    "",
  ]);
  expect(stops.found).toBe(true);
  expect(stops.end()).toBe("");
});

test("held text comes at the end when no stop string was completed", () => {
  const stops = new StopStrings(["END"]);
  expect(stops.push("the EN")).toBe("the ");
  expect(stops.end()).toBe("EN");
});

test("of two stop strings the one that is complete first cuts, in one piece or in several", () => {
  for (const pieces of [["bcb"], ["bc", "b"], ["b", "c", "b"]]) {
    const cutter = new StopStrings(["bcb", "c"]);
    expect(pieces.map((piece) => cutter.push(piece)).join("") + cutter.end()).toBe("b");
  }
});

/** The text before the stop string that is complete first, found letter by letter. */
function cutByLetters(text: string, stops: readonly string[]): string {
  for (let end = 1; end <= text.length; end++) {
    const lengths = stops.filter((stop) => text.slice(0, end).endsWith(stop)).map((stop) => stop.length);
    if (lengths.length > 0) return text.slice(0, end - Math.max(...lengths));
  }
  return text;
}

test("any cutting into pieces gives the text before the stop string that is complete first", () => {
  const letters = fc.string({ unit: fc.constantFrom("a", "b", "c"), maxLength: 24 });
  const stop = fc.string({ unit: fc.constantFrom("a", "b", "c"), minLength: 1, maxLength: 4 });
  fc.assert(
    fc.property(fc.array(letters, { maxLength: 8 }), fc.array(stop, { maxLength: 3 }), (pieces, stops) => {
      const cutter = new StopStrings(stops);
      const shown = pieces.map((piece) => cutter.push(piece)).join("") + cutter.end();
      expect(shown).toBe(cutByLetters(pieces.join(""), stops));
    }),
    { seed: 20230427, numRuns: 2000 },
  );
});
