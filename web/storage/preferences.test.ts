import { expect, test } from "vitest";
import {
  controls,
  defaultPreferences,
  defaultSettings,
  parsePreferences,
  withNumber,
} from "./preferences.ts";

test("what was stored comes back", () => {
  const stored = {
    theme: "dark" as const,
    backend: "browser" as const,
    settings: { ...defaultSettings, model: "owl", sample: true, seed: 4, beams: 3, topP: 0.5 },
  };
  expect(parsePreferences(JSON.stringify(stored))).toEqual(stored);
});

test.each([
  null,
  "",
  "{",
  "[]",
  "null",
  "3",
  '{"settings":null}',
  '{"theme":"red","settings":{"beams":"2","seed":-1}}',
])("what is missing or wrong is as the defaults have it: %s", (text) =>
  expect(parsePreferences(text)).toEqual(defaultPreferences));

test("numbers keep within their range, and whole ones whole", () => {
  const [maxTokens] = controls;
  const temperature = controls.find(({ name }) => name === "temperature")!;
  expect(withNumber(defaultSettings, maxTokens, 1e9).maxTokens).toBe(4096);
  expect(withNumber(defaultSettings, maxTokens, 7.6).maxTokens).toBe(8);
  expect(withNumber(defaultSettings, maxTokens, Number.NaN)).toBe(defaultSettings);
  expect(withNumber(defaultSettings, temperature, -1).temperature).toBe(0.05);
});

test("every control has a default in its range", () => {
  for (const control of controls) {
    expect(withNumber(defaultSettings, control, defaultSettings[control.name])).toEqual(defaultSettings);
  }
});
