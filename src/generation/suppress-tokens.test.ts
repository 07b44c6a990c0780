import { copyFileSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { Owl } from "../owl/index.ts";
import { completeSettings, type GenerationSettings } from "./settings.ts";
import { idsWithoutToken, suppressTokens } from "./suppress-tokens.ts";
import { run } from "./testing/collect-answer.ts";

const shipped = fileURLToPath(new URL("../../models/owl-nano", import.meta.url));
const directory = mkdtempSync(join(tmpdir(), "owl-tokenless-"));
const questions = ["hello", "what do cats eat?", "where do fish live?"].map(
  (content) => [{ role: "user", content }] as const,
);
/** The tokenizer ends here; the model has 1,536 ids. */
const size = 1500;

let holes: Set<number>;
let owl: Owl;

interface BytePairs {
  vocab: Record<string, number>;
  merges: string[];
}

/** The shipped owl with a tokenizer that lacks its end and the words that the owl likes best. */
beforeAll(async () => {
  for (const name of readdirSync(shipped)) copyFileSync(join(shipped, name), join(directory, name));
  const json = JSON.parse(readFileSync(join(shipped, "tokenizer.json"), "utf8")) as { model: BytePairs };
  const { vocab, merges } = json.model;
  const whole = await Owl.load(shipped, { threads: 1 });
  const answers = await whole.chatAll(questions);
  const { eosId } = whole.tokenizer;
  await whole.close();
  const liked = new Set(answers.flatMap(({ ids }) => ids.slice(0, 3)));
  const gone = Object.entries(vocab).filter(([token, id]) => {
    const isWord = [...token].length > 1 && !/^<.*>$/.test(token);
    return id >= size || (liked.has(id) && isWord && id !== eosId);
  });
  holes = new Set(gone.map(([, id]) => id));
  const words = new Set(gone.map(([token]) => token));
  json.model = {
    ...json.model,
    vocab: Object.fromEntries(Object.entries(vocab).filter(([token]) => !words.has(token))),
    merges: merges.filter(
      (pair) => ![...pair.split(" "), pair.replace(" ", "")].some((one) => words.has(one)),
    ),
  };
  writeFileSync(join(directory, "tokenizer.json"), JSON.stringify(json));
  owl = await Owl.load(directory, { threads: 1 });
});
afterAll(async () => {
  await owl.close();
  rmSync(directory, { recursive: true });
});

const chosen = (ids: readonly number[]): number[] => ids.filter((id) => holes.has(id));

describe("ids without a token", () => {
  it("are those behind the tokenizer's end and in its holes", () => {
    expect(owl.tokenizer.vocabularySize).toBe(size);
    expect(holes.size).toBeGreaterThan(40);
    expect(idsWithoutToken(owl.tokenizer, owl.config.language.vocabulary)).toEqual(
      [...holes].sort((a, b) => a - b),
    );
  });

  it.each<[says: string, settings: Partial<GenerationSettings>]>([
    ["greedy", {}],
    ["sampled very hot", { doSample: true, temperature: 50, seed: 3 }],
    ["sampled among a few", { doSample: true, topK: 4, temperature: 2, seed: 4 }],
    ["sampled by their probability", { doSample: true, topP: 0.9, temperature: 3, seed: 5 }],
    ["by beams", { numBeams: 4 }],
    ["by beams that are drawn", { numBeams: 4, doSample: true, temperature: 20, seed: 6 }],
    ["with penalties", { noRepeatNgramSize: 1, repetitionPenalty: 1.5, frequencyPenalty: -2 }],
  ])("are never chosen: %s", async (_, settings) => {
    const asked = { maxNewTokens: 24, ...settings };
    for (const answer of await owl.chatAll(questions, asked)) {
      expect(chosen(answer.ids)).toEqual([]);
      expect(answer.text).toBe(owl.tokenizer.decode(answer.ids, { skipSpecialTokens: true }));
    }
    const one = await owl.chat(questions[1], asked).answer();
    expect(chosen(one.ids)).toEqual([]);
  });

  it("are never chosen where JSON is asked for, however hot", async () => {
    const settings = { json: true, doSample: true, temperature: 50, seed: 1, maxNewTokens: 40 };
    const { ids, text } = await owl.chat(questions[1], settings).answer();
    expect(chosen(ids)).toEqual([]);
    expect(typeof JSON.parse(text)).toBe("object");
  });

  it("are in no report of the engine", async () => {
    const engine = owl.engine();
    for (const given of [{}, { doSample: true, temperature: 50, seed: 2 }]) {
      const settings = completeSettings({ maxNewTokens: 12, ...given }, owl.defaults);
      const prompt = await owl.prompt(questions[0]);
      const { ids, tokens } = await run(engine, { prompt, settings, topLogprobs: 20 });
      expect(chosen(ids)).toEqual([]);
      expect(chosen(tokens.flatMap(({ top }) => top.map(({ id }) => id)))).toEqual([]);
      expect(tokens.every(({ logprob }) => Number.isFinite(logprob))).toBe(true);
    }
    const beams = completeSettings({ maxNewTokens: 12, numBeams: 3 }, owl.defaults);
    const request = { prompt: await owl.prompt(questions[0]), settings: beams };
    const pieces = engine.generate(request);
    let end = await pieces.next();
    while (!end.done) end = await pieces.next();
    expect(chosen(end.value.ids)).toEqual([]);
    await engine.close();
  });

  it("may still end an answer", () => {
    const logits = Float32Array.of(1, 2, 3, 4);
    suppressTokens(logits, [1, 3], [3]);
    expect([...logits]).toEqual([1, -Infinity, 3, 4]);
  });
});
