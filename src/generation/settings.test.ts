import { expect, test } from "vitest";
import {
  completeSettings,
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
