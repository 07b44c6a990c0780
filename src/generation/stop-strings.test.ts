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

test("any cutting into pieces gives the text before the earliest stop string", () => {
  const letters = fc.string({ unit: fc.constantFrom("a", "b", "c"), maxLength: 24 });
  const stop = fc.string({ unit: fc.constantFrom("a", "b", "c"), minLength: 1, maxLength: 4 });
  fc.assert(
    fc.property(fc.array(letters, { maxLength: 8 }), fc.array(stop, { maxLength: 3 }), (pieces, stops) => {
      const cutter = new StopStrings(stops);
      const shown = pieces.map((piece) => cutter.push(piece)).join("") + cutter.end();
      const text = pieces.join("");
      const places = stops.map((one) => text.indexOf(one)).filter((place) => place >= 0);
      expect(shown).toBe(places.length > 0 ? text.slice(0, Math.min(...places)) : text);
    }),
  );
});
