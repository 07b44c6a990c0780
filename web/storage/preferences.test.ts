import { expect, test } from "vitest";
import {
  controls,
  defaultPreferences,
  defaultSettings,
  parsePreferences,
  withSetting,
} from "./preferences.ts";

test("what was stored comes back", () => {
  const stored = {
    theme: "dark" as const,
    backend: "browser" as const,
    settings: { ...defaultSettings, model: "owl", doSample: true, seed: 4, numBeams: 3, topP: 0.5 },
  };
  expect(parsePreferences(JSON.stringify(stored))).toEqual(stored);
});

test("what was stored under former names comes back, too", () => {
  const stored = { model: "owl", maxTokens: 9, sample: true, beams: 3, noRepeatNgram: 2 };
  expect(parsePreferences(JSON.stringify({ settings: stored })).settings).toEqual({
    ...defaultSettings,
    model: "owl",
    maxNewTokens: 9,
    doSample: true,
    numBeams: 3,
    noRepeatNgramSize: 2,
  });
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
  const [maxNewTokens] = controls;
  const temperature = controls.find(({ name }) => name === "temperature")!;
  expect(withSetting(defaultSettings, maxNewTokens, 1e9).maxNewTokens).toBe(4096);
  expect(withSetting(defaultSettings, maxNewTokens, 7.6).maxNewTokens).toBe(8);
  expect(withSetting(defaultSettings, maxNewTokens, Number.NaN)).toBe(defaultSettings);
  expect(withSetting(defaultSettings, temperature, -1).temperature).toBe(0.05);
});

test("every control has a default in its range", () => {
  for (const control of controls) {
    expect(withSetting(defaultSettings, control, defaultSettings[control.name])).toEqual(defaultSettings);
  }
});
