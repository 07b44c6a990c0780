import { cp, mkdtemp, readdir, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import sharp from "sharp";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { owlFixture } from "../../tests/owl-fixture.ts";
import {
  type BenchmarkResult,
  benchmarks as evaluated,
  modelSystem,
  readBenchmarkResult,
  runBenchmark,
} from "../evaluation/index.ts";
import { Owl } from "../owl/index.ts";
import type { TrainingEvent } from "../training/index.ts";
import { readRecipeFile } from "./recipe-file.ts";
import { prepareRun } from "./run.ts";

type Samples = Extract<TrainingEvent, { kind: "samples" }>;

const device = { threads: 1 } as const;
const questions = ["which color?", "how are you?"];

describe("fixed questions", () => {
  let place: string;
  let owl: Awaited<ReturnType<typeof owlFixture>>;
  const at = (...names: string[]): string => join(place, ...names);
  const red = { create: { width: 40, height: 20, channels: 3, background: { r: 250, g: 0, b: 0 } } } as const;
  const samples =
    "samples: [{ image: rouge é.PNG, question: which color? }, { question: how are you? }]\nsampleEvery: 2";
  const quiz = [
    { image: ["rouge é.PNG"], question: "which color?", answers: ["red"] },
    { question: "how are you?", answers: ["fine"] },
    { question: "who are you?", answers: ["an owl"] },
  ];
  const benchmarks =
    "benchmarks: [{ benchmark: questions, data: quiz.jsonl, limit: 2, name: quiz }]\nbenchmarkEvery: 4";

  beforeAll(async () => {
    place = await mkdtemp(join(tmpdir(), "owl-samples-"));
    owl = await owlFixture();
    await sharp(red).png().toFile(at("red.PNG"));
    const row = { image: ["red.PNG"], text: "Human: <image>\nHuman: which color?\nAI: red" };
    await writeFile(at("rows.jsonl"), `${JSON.stringify(row)}\n${JSON.stringify(row)}`);
    // As macOS writes the name, which the recipe and the questions have as everyone else does.
    await cp(at("red.PNG"), at("rouge é.PNG".normalize("NFD")));
    await writeFile(at("quiz.jsonl"), quiz.map((one) => JSON.stringify(one)).join("\n"));
    await writeFile(at("text.txt"), "cats eat fish.");
    const numbers = "steps: 4\nbatch: 2\nwarmup: 1\nmaxTokens: 64\nlearningRate: 0.05\nsaveEvery: 2";
    const lora =
      "lora: { rank: 4, alpha: 8, targets: [q_proj, v_proj], useDora: true, modulesToSave: [lm_head] }";
    const recipe = `extends: stage-2\nmodel: ${owl.directory}\noutput: plain\ndata: [{ file: rows.jsonl }]\n${numbers}\n${lora}\n`;
    await writeFile(at("plain.yaml"), recipe);
    await writeFile(at("asked.yaml"), `extends: plain.yaml\noutput: asked\n${samples}\n${benchmarks}`);
  });
  afterAll(async () => {
    await rm(place, { recursive: true });
    owl.remove();
  });

  async function run(recipe: string, { resume = false, stopAt = Number.POSITIVE_INFINITY } = {}) {
    const stop = new AbortController();
    const told: Samples[] = [];
    const onEvent = (event: TrainingEvent): void => {
      if (event.kind === "samples") told.push(event);
      if (event.kind === "benchmark") scores.push(event);
      if (event.kind === "step" && event.step === stopAt) stop.abort();
    };
    const prepared = await prepareRun(at(recipe));
    await prepared.start({ device, onEvent, resume, signal: stop.signal });
    return told;
  }

  /** What a model directory answers to the questions. */
  async function answersOf(directory: string): Promise<string[]> {
    await using model = await Owl.load(directory, device);
    const asked = questions.map((text, i) => ({
      role: "user" as const,
      content: [
        ...(i === 0 ? [{ type: "image" as const, image: at("red.PNG") }] : []),
        { type: "text" as const, text },
      ],
    }));
    const answers = await model.chatAll(
      asked.map((message) => [message]),
      { doSample: false, maxNewTokens: 64 },
    );
    return answers.map(({ text }) => text);
  }
  const scores: Extract<TrainingEvent, { kind: "benchmark" }>[] = [];
  /** What `owl eval run` scores. */
  async function scoreOf(directory: string): Promise<BenchmarkResult> {
    await using model = await Owl.load(directory, device);
    const benchmark = evaluated.questions;
    const system = modelSystem(model, "model", "", { maxNewTokens: benchmark.settings.maxNewTokens! });
    const options = { data: at("quiz.jsonl"), limit: 2, out: at("scored.json") };
    return await runBenchmark(system, benchmark, await benchmark.read(options.data), options);
  }
  const texts = ({ answers }: Samples): string[] => answers.map(({ answer }) => answer);

  it("are answered by the base, by checkpoints and by the result, as these answer, and change nothing", async () => {
    await run("plain.yaml");
    const told = await run("asked.yaml", { stopAt: 2 });
    expect(told.map(({ step }) => step)).toEqual([0, 2]);
    expect(texts(told[1])).toEqual(await answersOf(at("asked")));
    await cp(owl.directory, at("base"), { recursive: true });
    await cp(at("asked", "start"), at("base"), { recursive: true });
    await rm(at("base", "run.json"));
    expect(texts(told[0])).toEqual(await answersOf(at("base")));

    const later = await run("asked.yaml", { resume: true });
    expect(later.map(({ step }) => step)).toEqual([4]);
    expect(texts(later[0])).toEqual(await answersOf(at("asked", "model")));
    expect(new Set([told[0], told[1], later[0]].map((event) => texts(event).join("\n"))).size).toBe(3);
    expect(scores.map(({ step, name, items }) => [step, name, items])).toEqual([
      [0, "quiz", 2],
      [4, "quiz", 2],
    ]);
    const scored = await scoreOf(at("asked", "model"));
    const { items, figures } = await readBenchmarkResult(at("asked", "benchmarks", "quiz", "step-4.json"));
    expect({ items, figures }).toEqual({ items: scored.items, figures: scored.figures });
    expect(Object.keys(scores[1].figures)).toEqual(["exact match", "ANLS"]);
    expect(await readdir(at("asked", "benchmarks", "quiz"))).toEqual(["step-0.json", "step-4.json"]);
    const weights = async (output: string) => readFile(at(output, "model/model.safetensors"));
    expect((await weights("asked")).equals(await weights("plain"))).toBe(true);

    const [{ question, pictures, attention, isCut }, without] = told[0].answers;
    expect({ question, isCut }).toEqual({ question: "which color?", isCut: expect.any(Boolean) });
    expect(pictures).toEqual([expect.stringMatching(/^samples\/[0-9a-f]{16}\.png$/)]);
    expect(await readFile(at("asked", pictures[0]))).toEqual(await readFile(at("red.PNG")));
    expect(await readdir(at("asked", "samples"))).toHaveLength(1);
    expect(attention[0].shares).toHaveLength(attention[0].rows * attention[0].columns);
    expect(Math.max(...attention[0].shares)).toBe(1);
    expect(without).toMatchObject({ pictures: [], attention: [] });
  });

  it("the document's recipe of benchmarks and its line of questions are a run that fits", async () => {
    const docs = await readFile(new URL("../../docs/training.md", import.meta.url), "utf8");
    const [section] = docs.split("### Benchmarks while it learns\n")[1].split("\n### ");
    const recipe = /^```yaml\n([\s\S]*?)^```/m.exec(section)![1];
    const [, line] = /^ {4}(\{.*\})$/m.exec(section)!;
    const place = await mkdtemp(join(tmpdir(), "owl-scored-"));
    await writeFile(join(place, "quiz.jsonl"), line.replace("held-out/0.svg", "red.PNG"));
    await cp(at("red.PNG"), join(place, "red.PNG"));
    await writeFile(join(place, "scored.yaml"), recipe.replace("signs.yaml", at("plain.yaml")));
    const { plan } = await prepareRun(join(place, "scored.yaml"));
    expect(plan.benchmarks).toEqual([
      { benchmark: "questions", data: join(place, "quiz.jsonl"), limit: 20, name: "signs" },
    ]);
    expect([plan.recipe.bestBy, plan.recipe.keep]).toEqual([{ benchmark: "signs" }, { best: true }]);
    await rm(place, { recursive: true });
  });

  it("are refused before a run where they cannot be asked", async () => {
    await writeFile(
      at("bad.yaml"),
      "extends: plain.yaml\nsamples:\n  - { image: none.png, question: what? }\n  - { picture: red.PNG, question: what? }\n",
    );
    const error = await readRecipeFile(at("bad.yaml")).catch(String);
    expect(error).toContain("samples.1.picture: no such key");
    await writeFile(
      at("absent.yaml"),
      "extends: plain.yaml\nsamples: [{ image: none.png, question: what? }]",
    );
    await expect(readRecipeFile(at("absent.yaml"))).rejects.toThrow("none.png: no such file");
    await writeFile(at("rhythm.yaml"), "extends: plain.yaml\nsampleEvery: 2");
    await expect(readRecipeFile(at("rhythm.yaml"))).rejects.toThrow("sampleEvery: is the rhythm of samples");
    await writeFile(
      at("unmeasured.yaml"),
      "extends: plain.yaml\nbenchmarks: [{ benchmark: pop, data: red.PNG }, { benchmark: perplexity, data: text.txt, name: a b }]\nbestBy: { benchmark: mme }",
    );
    const problems = await readRecipeFile(at("unmeasured.yaml")).catch(String);
    expect(problems).toContain("benchmarks.0.benchmark: ");
    expect(problems).toContain("benchmarks.1.name: letters");
    await writeFile(
      at("undecided.yaml"),
      "extends: plain.yaml\nbenchmarks: [{ benchmark: perplexity, data: coco }, { benchmark: perplexity, data: text.txt }]\nbestBy: { benchmark: perplexity }",
    );
    await expect(readRecipeFile(at("undecided.yaml"))).rejects.toThrow(
      /got perplexity twice[\s\S]*coco: no such file or directory[\s\S]*needs a score that is better where it is higher/,
    );
    await writeFile(at("lost.jsonl"), JSON.stringify({ ...quiz[0], image: ["gone.png"] }));
    await writeFile(
      at("lost.yaml"),
      "extends: plain.yaml\nbenchmarks: [{ benchmark: questions, data: lost.jsonl }, { benchmark: questions, data: quiz.jsonl, name: quiz }]\nbenchmarkEvery: 2\nbestBy: { benchmark: quiz, figure: F1 }",
    );
    await expect(prepareRun(at("lost.yaml"))).rejects.toThrow(
      /questions: .*lost.jsonl: must have its pictures in place .*gone.png[\s\S]*bestBy.figure: must be one of exact match, ANLS, got F1/,
    );
    await writeFile(at("torn.png"), (await readFile(at("red.PNG"))).subarray(0, 60));
    await writeFile(
      at("torn.yaml"),
      "extends: asked.yaml\noutput: torn\nsamples: [{ image: torn.png, question: what? }]",
    );
    await expect(prepareRun(at("torn.yaml"))).rejects.toThrow(
      /samples: .*torn.png: must be a whole PNG file/,
    );
  });
});
