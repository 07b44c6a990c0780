import { expect, test } from "vitest";
import {
  completeSettings,
  generationWarning,
  plainSettings,
  SettingsError,
  settingsFromGenerationConfig,
  settingsFromJson,
} from "./settings.ts";

test("nothing given means greedy decoding", () => {
  expect(completeSettings({})).toEqual(plainSettings);
  expect(completeSettings({ seed: undefined, topK: 3 }).topK).toBe(3);
});

test("all problems are told at once", () => {
  const wrong = { temperature: 0, topP: 1.5, numBeams: 2.5, maxTokens: 3, stop: [""] };
  expect(() => completeSettings(wrong)).toThrow(SettingsError);
  for (const part of [
    /temperature: .*set doSample to false/,
    /topP/,
    /numBeams/,
    /no setting is called maxTokens/,
    /stop\.0/,
  ]) {
    expect(() => completeSettings(wrong)).toThrow(part);
  }
});

test("Hugging Face's spelling is understood", () => {
  expect(
    settingsFromJson({
      max_new_tokens: 24,
      num_beams: 3,
      no_repeat_ngram_size: 2,
      eos: [3, 4],
      pad: 0,
      seed: null,
    }),
  ).toEqual({ maxNewTokens: 24, numBeams: 3, noRepeatNgramSize: 2, eosTokenIds: [3, 4], padTokenId: 0 });
  expect(settingsFromJson({ max_length: 12, eos_token_id: 2 })).toEqual({
    maxNewTokens: 11,
    eosTokenIds: [2],
  });
  expect(() => completeSettings(settingsFromJson({ max_tokens: 5 }))).toThrow(
    /no setting is called max_tokens/,
  );
});

test("a model's generation_config.json gives the defaults", () => {
  const published = {
    _from_model_config: true,
    bos_token_id: 1,
    do_sample: true,
    eos_token_id: 2,
    max_length: 512,
    pad_token_id: 0,
    top_k: 3,
    transformers_version: "4.28.1",
  };
  expect(settingsFromGenerationConfig(published)).toEqual({
    ...plainSettings,
    maxNewTokens: 511,
    doSample: true,
    topK: 3,
  });
  expect(() => settingsFromGenerationConfig({ top_p: 7 })).toThrow(/topP/);
});

test("what a greedy generation_config.json says of sampling does no harm", () => {
  const greedy = { do_sample: false, temperature: 0.0, top_p: 0, top_k: -1, max_new_tokens: 9 };
  expect(settingsFromGenerationConfig(greedy)).toEqual({ ...plainSettings, maxNewTokens: 9 });
  expect(settingsFromGenerationConfig({ temperature: 0 })).toEqual(plainSettings);
  // What can be used is kept for whoever asks for sampling.
  const usable = { do_sample: false, temperature: 0.7, top_p: 0.9, top_k: 0 };
  expect(settingsFromGenerationConfig(usable)).toMatchObject({ temperature: 0.7, topP: 0.9, topK: 0 });
  const beams = { num_beams: 1, early_stopping: "never", length_penalty: "none" };
  expect(settingsFromGenerationConfig(beams)).toEqual(plainSettings);
});

test("null and ids below zero say that there is none", () => {
  const ids = { pad_token_id: -1, bos_token_id: -1, eos_token_id: -1 };
  expect(settingsFromGenerationConfig(ids)).toEqual(plainSettings);
  expect(settingsFromGenerationConfig({ eos_token_id: [5, -1, 7] }).eosTokenIds).toEqual([5, 7]);
  const nulls = { temperature: null, top_p: null, max_length: null, eos_token_id: null, do_sample: null };
  expect(settingsFromGenerationConfig(nulls)).toEqual(plainSettings);
});

test("max_new_tokens counts before max_length, and stop strings are known", () => {
  const lengths = { max_length: 20, max_new_tokens: 7, stop_strings: "END" };
  expect(settingsFromGenerationConfig(lengths)).toMatchObject({ maxNewTokens: 7, stop: ["END"] });
});

test("what is wrong where it is used names the file and its own keys", () => {
  const wrong = { do_sample: true, temperature: 0, top_k: -1, max_length: 1, num_beams: 0 };
  const read = (): unknown => settingsFromGenerationConfig(wrong, "a/generation_config.json");
  for (const part of [
    /^a\/generation_config\.json: /,
    /temperature: .*doSample to false/,
    /top_k \(topK\): /,
    /max_length \(maxNewTokens\): /,
    /num_beams \(numBeams\): /,
  ]) {
    expect(read).toThrow(part);
  }
  expect(() => settingsFromGenerationConfig({ num_beams: 4, early_stopping: "never" })).toThrow(
    "early_stopping",
  );
  expect(() => settingsFromGenerationConfig([])).toThrow("must be a JSON object");
});

test("min_p of a generation_config.json is used, and is no more told as not computed", () => {
  const sampled = { do_sample: true, min_p: 0.1 };
  expect(settingsFromGenerationConfig(sampled)).toEqual({ ...plainSettings, doSample: true, minP: 0.1 });
  expect(generationWarning(sampled)).toBeUndefined();
  expect(() => settingsFromGenerationConfig({ do_sample: true, min_p: 1.5 })).toThrow("min_p (minP)");
});

test("what would change answers and is not computed is told", () => {
  expect(
    generationWarning({ typical_p: 0.9, suppress_tokens: [3], do_sample: true, top_p: 0.5 }, "f.json"),
  ).toBe(
    "f.json: asks for what is not computed here: typical_p 0.9, suppress_tokens [3]; answers may differ from transformers'",
  );
  const neutral = {
    typical_p: 1,
    suppress_tokens: null,
    bad_words_ids: [],
    guidance_scale: 1,
    use_cache: true,
  };
  expect(generationWarning({ ...neutral, do_sample: true, transformers_version: "4" })).toBeUndefined();
  expect(generationWarning({ do_sample: false, epsilon_cutoff: 0.1, typical_p: 0.5 })).toBeUndefined();
});
