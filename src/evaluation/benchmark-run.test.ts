import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { afterAll, beforeAll, expect, test } from "vitest";
import { Owl } from "../owl/index.ts";
import { readBenchmarkResult } from "./benchmark-result.ts";
import { runBenchmark, runBenchmarkShard } from "./benchmark-run.ts";
import { benchmarks } from "./benchmarks/all.ts";
import { runPerplexity } from "./perplexity-run.ts";
import { type EvaluatedSystem, modelSystem } from "./system.ts";

const root = fileURLToPath(new URL("../..", import.meta.url));
const { questions } = benchmarks;

let owl: Owl;
let system: EvaluatedSystem;
let folder: string;
let data: string;
beforeAll(async () => {
  owl = await Owl.load(join(root, "models/owl-nano"), { threads: 1 });
  system = modelSystem(owl, "owl-nano", "0123", questions.settings);
  folder = mkdtempSync(join(tmpdir(), "owl-benchmark-run-"));
  data = join(folder, "questions.jsonl");
  const rows = [
    { image: ["owl.png"], question: "what is this?", answers: ["an owl", "this is an owl"], kind: "picture" },
    {
      image: ["penguin.png"],
      question: "what is this?",
      answers: ["a penguin", "this is a penguin"],
      kind: "picture",
    },
    { question: "what do cats eat?", answers: ["fish"], kind: "words" },
    { question: "where do fish live?", answers: ["in water", "in the water"], kind: "words" },
    { image: ["owl.png"], question: "what colour is behind it?", answers: ["blue"], kind: "picture" },
  ];
  for (const name of ["owl.png", "penguin.png"]) {
    writeFileSync(join(folder, name), readFileSync(join(root, "examples", name)));
  }
  writeFileSync(data, rows.map((row) => JSON.stringify(row)).join("\n"));
});
afterAll(async () => {
  await owl.close();
  rmSync(folder, { recursive: true });
});

test("a run that is stopped goes on where it was, and ends as one that was not", async () => {
  const items = await questions.read(data);
  const whole = await runBenchmark(system, questions, items, { data, out: join(folder, "whole.json") });

  const out = join(folder, "stopped.json");
  const stop = new AbortController();
  const seen: number[] = [];
  const onProgress = (done: number): void => {
    seen.push(done);
    if (done === 2) stop.abort(new Error("enough"));
  };
  const options = { data, out, batchSize: 2, onProgress };
  await expect(runBenchmark(system, questions, items, { ...options, signal: stop.signal })).rejects.toThrow(
    "enough",
  );
  const resumed = await runBenchmark(system, questions, items, options);
  expect(seen).toEqual([0, 2, 2, 4, 5]);
  expect(resumed.items).toEqual(whole.items);
  expect(resumed.figures).toEqual(whole.figures);
});

test("parts that end at the same moment are put together, by each or by the last", async () => {
  const items = await questions.read(data);
  const whole = await readBenchmarkResult(join(folder, "whole.json"));
  const options = { data, out: join(folder, "parts.json") };
  const end = (index: number) =>
    runBenchmarkShard(system, questions, items, { ...options, shard: { index, count: 4 } });
  for (let round = 0; round < 5; round++) {
    const ended = await Promise.all([1, 2, 3, 4].map(end));
    expect(ended.some((result) => result !== undefined)).toBe(true);
    expect((await readBenchmarkResult(options.out)).items).toEqual(whole.items);
  }
});

test("the result says what was asked, of whom, how, and what came of it", async () => {
  const items = await questions.read(data);
  const out = join(folder, "whole.json");
  const result = await runBenchmark(system, questions, items, { data, out });
  expect(await readBenchmarkResult(out)).toEqual(result);
  expect(result).toMatchObject({
    benchmark: "questions",
    system: "owl-nano",
    checkpoint: "0123",
    seed: null,
    itemsInSet: 5,
    version: JSON.parse(readFileSync(join(root, "package.json"), "utf8")).version,
    settings: { maxNewTokens: 32, doSample: false },
  });
  const right = result.items.map(({ answers, expected, score }) => {
    const said = answers[0].toLowerCase().replace(/[.!]/g, "");
    const plain = (text: string): string => text.replace(/\b(?:an?|the) /g, "");
    expect(score.value).toBe(Number(expected.split(" / ").some((one) => plain(one) === plain(said))));
    return score.value;
  });
  // The owl knows itself; the two questions about its picture are one group.
  expect(result.items[0].score.value).toBe(1);
  expect(result.figures["exact match"].estimate).toBeCloseTo(right.reduce((a, b) => a + b, 0) / 5, 12);
  expect(new Set(result.items.map(({ group }) => group)).size).toBe(4);
});

test("answers of another run are not mixed in", async () => {
  const items = await questions.read(data);
  const options = { data, out: join(folder, "whole.json") };
  const other = { ...system, checkpoint: "4567" };
  await expect(runBenchmark(other, questions, items, options)).rejects.toThrow(
    /same run.*checkpoint "0123" instead of "4567"/,
  );
  await expect(
    runBenchmark(system, questions, items, { ...options, instruction: "Be short." }),
  ).rejects.toThrow(/instruction "" instead of "Be short\."; item 1 asked in other words/);
});

test("a limit draws items, and a larger one the same and more", async () => {
  const items = await questions.read(data);
  const ask = async (limit: number) => {
    const options = { data, out: join(folder, "limited.json"), limit, drawSeed: 3 };
    return (await runBenchmark(system, questions, items, options)).items.map(({ id }) => id);
  };
  const two = await ask(2);
  const three = await ask(3);
  expect([two.length, three.length]).toEqual([2, 3]);
  expect(three).toEqual(expect.arrayContaining(two));
});

test("missing pictures are named before anything is asked", async () => {
  const path = join(folder, "gone.jsonl");
  const row = { image: ["gone.png"], question: "what is this?", answers: ["nothing"] };
  writeFileSync(path, JSON.stringify(row));
  const items = await questions.read(path);
  const run = runBenchmark(system, questions, items, { data: path, out: join(folder, "gone.json") });
  await expect(run).rejects.toThrow(/pictures in place.*gone\.png/s);
});

test("perplexity is that of the logits", async () => {
  const path = join(folder, "text.txt");
  const text = "cats eat fish. birds live in trees. a piano is for music.";
  writeFileSync(path, text);
  const result = await runPerplexity(owl, "owl-nano", "0123", {
    data: path,
    out: join(folder, "p.json"),
    window: 9,
  });
  // The same from the logits of each window, by the definition: softmax, logarithm, sum.
  const ids = owl.tokenizer.encode(text);
  let sum = 0;
  for (let start = 0; start < ids.length; start += 8) {
    const row = [...owl.tokenizer.start, ...ids.slice(start, start + 8)];
    const { logits } = await owl.forward({ ids: [row] });
    const vocabulary = logits.dims[2];
    for (let i = 1; i < row.length; i++) {
      const own = Array.from({ length: vocabulary }, (_, k) => Number(logits.data[(i - 1) * vocabulary + k]));
      sum -= Math.log(Math.exp(own[row[i]]) / own.reduce((total, value) => total + Math.exp(value), 0));
    }
  }
  expect(result.items).toHaveLength(Math.ceil(ids.length / 8));
  expect(result.figures.perplexity.estimate).toBeCloseTo(Math.exp(sum / ids.length), 3);
  expect(result.figures.perplexity.estimate).toBeLessThan(owl.config.language.vocabulary);
});
