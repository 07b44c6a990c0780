import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { afterAll, describe, expect, test } from "vitest";
import { benchmarks } from "./all.ts";
import type { Benchmark, BenchmarkItem } from "./benchmark.ts";

const root = mkdtempSync(join(tmpdir(), "owl-benchmarks-"));
afterAll(() => rmSync(root, { recursive: true }));

type Content = string | object;

/** A new directory with these files; what is no text is written as JSON. */
function directoryWith(files: Readonly<Record<string, Content>>): string {
  const directory = mkdtempSync(join(root, "data-"));
  for (const [name, content] of Object.entries(files)) {
    mkdirSync(dirname(join(directory, name)), { recursive: true });
    writeFileSync(join(directory, name), typeof content === "string" ? content : JSON.stringify(content));
  }
  return directory;
}

const lines = (...rows: readonly object[]): string => rows.map((row) => JSON.stringify(row)).join("\n");

/** The figures for answers by item, one for each question. */
function figuresFor(
  benchmark: Benchmark,
  items: readonly BenchmarkItem[],
  answers: Readonly<Record<string, readonly string[]>>,
) {
  expect(Object.keys(answers).toSorted()).toEqual(items.map(({ id }) => id).toSorted());
  return benchmark.figures(
    benchmark.score(
      items,
      items.map(({ id }) => answers[id]),
    ),
  );
}

const question = (benchmark: Benchmark, item: BenchmarkItem): string =>
  benchmark.questions(item, benchmark.instruction)[0];

test("VQA v2", async () => {
  const { vqav2 } = benchmarks;
  const annotation = (question_id: number, answer_type: string, answers: readonly string[]) => ({
    question_id,
    image_id: 42,
    question_type: "what",
    answer_type,
    multiple_choice_answer: answers[0],
    answers: answers.map((answer, i) => ({ answer, answer_confidence: "yes", answer_id: i + 1 })),
  });
  const ten = (answer: string, count: number): string[] =>
    Array.from({ length: 10 }, (_, i) => (i < count ? answer : `x${i}`));
  const questions = {
    data_type: "mscoco",
    data_subtype: "val2014",
    questions: [
      { image_id: 42, question: "Is it red?", question_id: 42000 },
      { image_id: 42, question: "How many?", question_id: 42001 },
      { image_id: 42, question: "What is it?", question_id: 42002 },
    ],
  };
  const annotations = {
    annotations: [
      annotation(42002, "other", ten("t-shirt", 2)),
      annotation(42000, "yes/no", ten("yes", 10)),
      annotation(42001, "number", ten("2", 3)),
    ],
  };
  const data = directoryWith({
    "v2_OpenEnded_mscoco_val2014_questions.json": questions,
    "v2_mscoco_val2014_annotations.json": annotations,
    "v2_mscoco_train2014_annotations.json": { annotations: [] },
    "val2014/COCO_val2014_000000000042.jpg": "",
  });
  const items = await vqav2.read(data);
  expect(items.map(({ group }) => group)).toEqual(["42", "42", "42"]);
  expect(vqav2.pictures(items[0])).toEqual([join(data, "val2014/COCO_val2014_000000000042.jpg")]);
  expect(question(vqav2, items[0])).toBe("Is it red?\nAnswer the question using a single word or phrase.");
  // Ten of ten: 1; three: 0.9; two: 0.6 (see the test of the metric). Their mean is 2.5 / 3.
  const figures = figuresFor(vqav2, items, { 42000: ["Yes."], 42001: ["two"], 42002: ["A T-shirt"] });
  expect(figures.accuracy).toBeCloseTo(2.5 / 3, 12);
  expect(figures["accuracy: yes/no"]).toBe(1);
  expect(figures["accuracy: number"]).toBeCloseTo(0.9, 12);
  expect(figures["accuracy: other"]).toBeCloseTo(0.6, 12);

  annotations.annotations.pop();
  writeFileSync(join(data, "v2_mscoco_val2014_annotations.json"), JSON.stringify(annotations));
  await expect(vqav2.read(data)).rejects.toThrow(/an annotation for every question.*none for 42001/);
});

test("TextVQA", async () => {
  const { textvqa } = benchmarks;
  const row = (question_id: number, answers: readonly string[]) => ({
    question: "what does it say?",
    image_id: "0054c91397f2fe05",
    image_classes: ["Sign"],
    answers,
    question_id,
    set_name: "val",
  });
  const data = directoryWith({
    "TextVQA_0.5.1_val.json": {
      dataset_name: "textvqa",
      data: [row(1, new Array(10).fill("nokia")), row(2, new Array(10).fill("12:15 pm"))],
    },
    "train_images/0054c91397f2fe05.jpg": "",
  });
  const items = await textvqa.read(data);
  expect(textvqa.pictures(items[1])).toEqual([join(data, "train_images/0054c91397f2fe05.jpg")]);
  // "Nokia" is right for all; "12:18 pm" is one letter of eight off: no match, but 7/8 for ANLS.
  const figures = figuresFor(textvqa, items, { 1: ["Nokia"], 2: ["12:18 pm"] });
  expect(figures).toEqual({
    "VQA accuracy": 0.5,
    ANLS: (1 + 7 / 8) / 2,
    "exact match with any annotator": 0.5,
  });
});

describe("captions", () => {
  // The case and the figures of the test of the metrics, from Maluuba/nlg-eval.
  const captions = {
    images: [
      { id: 1, file_name: "COCO_val2014_000000000001.jpg", height: 1, width: 1 },
      { id: 2, file_name: "COCO_val2014_000000000002.jpg", height: 1, width: 1 },
    ],
    annotations: [
      {
        image_id: 2,
        id: 1,
        caption: "This is a reference sentence for sentence2 which was generated by your model.",
      },
      { image_id: 1, id: 2, caption: "this is one reference sentence for sentence1" },
      { image_id: 1, id: 3, caption: "this is one more reference sentence for sentence1" },
      { image_id: 2, id: 4, caption: "this is the second reference sentence for sentence2" },
    ],
  };
  const answers = {
    1: ["This is the model generated sentence1, which seems good enough."],
    2: ["This is sentence2 which has been generated by your model"],
  };

  test("COCO", async () => {
    const benchmark = benchmarks["coco-captions"];
    const data = directoryWith({
      "captions_val2014.json": captions,
      "val2014/COCO_val2014_000000000001.jpg": "",
    });
    const items = await benchmark.read(data);
    expect(benchmark.pictures(items[1])).toEqual([join(data, "val2014/COCO_val2014_000000000002.jpg")]);
    const figures = figuresFor(benchmark, items, answers);
    const known = { "CIDEr-D": 1.242192, "BLEU-1": 0.55, "BLEU-4": 0.201143, "ROUGE-L": 0.522104 };
    for (const [name, value] of Object.entries(known)) expect(figures[name]).toBeCloseTo(value, 5);
    expect(Object.keys(figures)).not.toContain("CIDEr-D: ");
  });

  test("NoCaps, by domain", async () => {
    const { nocaps } = benchmarks;
    const domains = ["in-domain", "out-domain"];
    const images = captions.images.map((image, i) => ({ ...image, domain: domains[i] }));
    const data = directoryWith({ "nocaps_val_4500_captions.json": { ...captions, images } });
    const items = await nocaps.read(data);
    const figures = figuresFor(nocaps, items, answers);
    expect(figures["CIDEr-D"]).toBeCloseTo(1.242192, 5);
    expect((figures["CIDEr-D: in-domain"] + figures["CIDEr-D: out-domain"]) / 2).toBeCloseTo(1.242192, 5);
  });

  test("a picture without captions is named", async () => {
    const data = directoryWith({
      "captions_val2014.json": { ...captions, annotations: captions.annotations.slice(1, 3) },
    });
    await expect(benchmarks["coco-captions"].read(data)).rejects.toThrow(
      /captions of every picture, got none of 2/,
    );
  });
});

test("POPE, in several settings", async () => {
  const { pope } = benchmarks;
  const row = (question_id: number, label: string) => ({
    question_id,
    image: "COCO_val2014_000000000042.jpg",
    text: `Is there a thing ${question_id} in the image?`,
    label,
  });
  const data = directoryWith({
    "coco_pope_random.json": lines(row(1, "yes"), row(2, "no")),
    "coco_pope_adversarial.json": lines(row(1, "yes"), row(2, "no")),
  });
  const items = await pope.read(data);
  expect(question(pope, items[0])).toBe("Is there a thing 1 in the image?");
  // Random: both right. Adversarial: a miss and a false alarm. Together 1 hit of 2, 1 false alarm of 2.
  const figures = figuresFor(pope, items, {
    "random:1": ["Yes, there is."],
    "random:2": ["No."],
    "adversarial:1": ["There is no such thing"],
    "adversarial:2": ["yes"],
  });
  expect(figures).toMatchObject({
    F1: 0.5,
    accuracy: 0.5,
    precision: 0.5,
    recall: 0.5,
    "answered with yes": 0.5,
  });
  expect(figures).toMatchObject({ "F1: random": 1, "F1: adversarial": 0, "accuracy: adversarial": 0 });
  const file = join(data, "coco_pope_random.json");
  expect((await pope.read(file)).map(({ id }) => id)).toEqual(["random:1", "random:2"]);
});

test("MME", async () => {
  const { mme } = benchmarks;
  const asked = "Is it so? Please answer yes or no.\tYes\nIs it otherwise? Please answer yes or no.\tNo\n";
  const data = directoryWith({
    "existence/000000001.txt": asked,
    "existence/000000001.jpg": "",
    "existence/000000002.txt": asked,
    "existence/000000002.jpg": "",
    "artwork/questions_answers_YN/10.txt": asked,
    "artwork/images/10.png": "",
    "code_reasoning/0001.txt": asked,
    "code_reasoning/0001.png": "",
    "eval_tool/readme.txt": "",
  });
  const items = await mme.read(data);
  const artwork = items.find(({ id }) => id === "artwork/10")!;
  expect(mme.pictures(artwork)).toEqual([join(data, "artwork/images/10.png")]);
  expect(mme.questions(artwork, "")).toEqual([
    "Is it so? Please answer yes or no.",
    "Is it otherwise? Please answer yes or no.",
  ]);
  const figures = figuresFor(mme, items, {
    "existence/000000001": ["Yes", "No"],
    "existence/000000002": ["Yes", "Yes"],
    "artwork/10": ["Maybe", "No, it is not"],
    "code_reasoning/0001": ["yes.", "no."],
  });
  expect(figures["answers that are neither yes nor no"]).toBe(1 / 8);
  // existence: 3 of 4 right, 1 of 2 pictures: 75 + 50. artwork: 50 + 0. code reasoning: 100 + 100.
  expect(figures).toMatchObject({
    perception: 175,
    cognition: 200,
    "score: existence": 125,
    "score: artwork": 50,
  });
  expect(figures).toMatchObject({ "accuracy: existence": 0.75, "accuracy+: existence": 0.5 });

  writeFileSync(join(data, "existence/000000002.txt"), "Is it so?\tperhaps\nIs it otherwise?\tNo");
  rmSync(join(data, "existence/000000001.jpg"));
  await expect(mme.read(data)).rejects.toThrow(/no picture for 000000001\.txt; 000000002\.txt: a line/);
});

test("MMBench, right only in every order of the options", async () => {
  const { mmbench } = benchmarks;
  const picture = Buffer.from("picture").toString("base64");
  const header =
    "index\tquestion\thint\tA\tB\tC\tD\tanswer\tcategory\timage\tsource\tl2-category\tcomment\tsplit";
  const rows = [
    `7\tWhat is it?\tIt is ""small"".\tcat\tdog\tbird\t\tB\tidentity\t${picture}\tx\tcoarse\t\tdev`,
    `8\tHow many?\tnan\tone\ttwo\t\t\tA\tcounting\t7\tx\tfine\t\tdev`,
    `1000007\tWhat is it?\t\tdog\tbird\tcat\t\tA\tidentity\t7\tx\tcoarse\t\tdev`,
  ];
  rows[0] = rows[0].replace('It is ""small"".', '"It is ""small"".\nLook."');
  const data = directoryWith({ "mmbench_dev_en_20231003.tsv": [header, ...rows].join("\n") });
  const items = await mmbench.read(data);
  expect(items.map(({ id, group, expected }) => [id, group, expected])).toEqual([
    ["7", "7", "dog"],
    ["8", "7", "one"],
  ]);
  expect(mmbench.pictures(items[1])).toEqual([new TextEncoder().encode("picture")]);
  expect(mmbench.questions(items[0], "Answer.")).toEqual([
    'It is "small".\nLook.\nWhat is it?\nThere are several options:\nA. cat\nB. dog\nC. bird\nAnswer.',
    'It is "small".\nLook.\nWhat is it?\nThere are several options:\nA. dog\nB. bird\nC. cat\nAnswer.',
    'It is "small".\nLook.\nWhat is it?\nThere are several options:\nA. bird\nB. cat\nC. dog\nAnswer.',
  ]);
  // The first is right in every order; whoever always says A has the second right once and not at all.
  const figures = figuresFor(mmbench, items, { 7: ["B", "A. dog", "(C)"], 8: ["A", "A"] });
  expect(figures).toMatchObject({ accuracy: 0.5, "accuracy in the published order alone": 1 });
  expect(figures["answers without a clear option"]).toBe(0);
  expect(figures).toMatchObject({ "accuracy: coarse": 1, "accuracy: fine": 0, "accuracy: counting": 0 });

  const bad = directoryWith({
    "mmbench_test_en.tsv": [header, rows[1].replace("\tA\t", "\tD\t").replace("\t7\t", "\t\t")].join("\n"),
  });
  await expect(mmbench.read(bad)).rejects.toThrow(/8: answer "D" among 2 options/);
});

test("ScienceQA", async () => {
  const { scienceqa } = benchmarks;
  const problem = (fields: object) => ({
    question: "Which is it?",
    choices: ["iron", "wood"],
    answer: 1,
    hint: "",
    image: null,
    task: "closed choice",
    grade: "grade2",
    subject: "natural science",
    lecture: "",
    solution: "",
    split: "test",
    ...fields,
  });
  const problems = {
    1: problem({ split: "train" }),
    2: problem({ image: "image.png", hint: "It floats." }),
    3: problem({ grade: "grade8", subject: "social science", hint: "It sinks.", answer: 0 }),
    4: problem({ grade: "grade12" }),
  };
  const data = directoryWith({
    "problems.json": problems,
    "pid_splits.json": { train: ["1"], test: ["2", "3", "4"] },
    "images/test/2/image.png": "",
  });
  const items = await scienceqa.read(data);
  expect(items.map((item) => scienceqa.pictures(item))).toEqual([
    [join(data, "images/test/2/image.png")],
    [],
    [],
  ]);
  expect(question(scienceqa, items[0])).toBe(
    "Question: Which is it?\nContext: It floats.\nOptions: (A) iron (B) wood\nAnswer with the option's letter from the given choices directly.",
  );
  const figures = figuresFor(scienceqa, items, { 2: ["The answer is B."], 3: ["wood"], 4: ["It is wood."] });
  expect(figures.accuracy).toBeCloseTo(2 / 3, 12);
  expect(figures).toMatchObject({
    "accuracy: natural science": 1,
    "accuracy: social science": 0,
    "accuracy: with a text": 0.5,
    "accuracy: with a picture": 1,
    "accuracy: without either": 1,
    "accuracy: grades 1–6": 1,
    "accuracy: grades 7–12": 0.5,
    "answers without a clear option": 0,
  });
  writeFileSync(join(data, "pid_splits.json"), JSON.stringify({ test: ["2", "9"] }));
  await expect(scienceqa.read(data)).rejects.toThrow(/every problem of the split test, got no 9/);
});

test("questions of one's own", async () => {
  const { questions } = benchmarks;
  const data = directoryWith({
    "mine.jsonl": lines(
      { image: ["a.png"], question: "what is this?", answers: ["owl", "an owl"], kind: "name" },
      { question: "what do cats eat?", answers: ["fish"] },
    ),
  });
  const items = await questions.read(data);
  expect(items.map((item) => questions.pictures(item))).toEqual([[join(data, "a.png")], []]);
  // ANLS keeps the full stop, one of seven letters; "fist" is one of four letters off.
  expect(figuresFor(questions, items, { 1: ["An owl."], 2: ["fist"] })).toEqual({
    "exact match": 0.5,
    "exact match: name": 1,
    ANLS: (6 / 7 + 3 / 4) / 2,
  });
});

test("what is not there is said, and results that lie there are passed over", async () => {
  const results = ["pope", "textvqa", "coco-captions", "nocaps"].map(
    (name) => [`owl_${name}.json`, {}] as const,
  );
  const data = directoryWith({ "notes.md": "", "owl.answers.jsonl": "", ...Object.fromEntries(results) });
  for (const [name, benchmark] of Object.entries(benchmarks)) {
    await expect(benchmark.read(data), name).rejects.toThrow(/must hold .*, got/);
    await expect(benchmark.read(join(data, "nowhere")), name).rejects.toThrow(/nowhere/);
  }
  writeFileSync(join(data, "a_pope_b.json"), '{"question_id": "x"}\n{');
  await expect(benchmarks.pope.read(data)).rejects.toThrow(/line 1: .*question_id: expected/);
});
