import { cp, mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { shared, sharedAvailable } from "../../tests/shared.ts";
import { Owl } from "../owl/index.ts";
import { convertCheckpoint } from "../quantization/index.ts";
import type { TrainingEvent } from "../training/index.ts";
import { checkData, readingOfRecipe } from "./check-data.ts";
import { prepareRun } from "./run.ts";
import { type ShownRow, shownRows } from "./show-rows.ts";

const bird = shared("owleval/cases/9.jpg");
const rows = [
  {
    messages: [
      { role: "user", content: "<image>\nHow many birds are there?" },
      { role: "assistant", content: "Three birds." },
    ],
    images: ["9.jpg"],
  },
  {
    messages: [
      { role: "user", content: "<image>\nWhat is in this picture?" },
      { role: "assistant", content: "A red bus." },
      { role: "user", content: "<image>\nAnd in this one?" },
      { role: "assistant", content: "A green tree!" },
    ],
    images: ["48.jpg", "12.jpg"],
  },
  { text: "Human: What colour is the house?\nAI: The house is white." },
];

/** mPLUG-Owl3 from rows to an answer. The three versions are told apart by `src/recipes/owl3-gradients.test.ts`. */
describe.skipIf(!sharedAvailable)("runs of a tiny mPLUG-Owl3", () => {
  let work: string;
  beforeAll(async () => {
    work = await mkdtemp(join(tmpdir(), "owl3-run-"));
    for (const version of ["240728", "241014", "241101"])
      await cp(shared(`golden/tiny-owl3/${version}`), join(work, version), { recursive: true });
    for (const name of ["9.jpg", "48.jpg", "12.jpg"])
      await cp(shared(`owleval/cases/${name}`), join(work, name));
    const [first, second, third] = rows.map((row) => JSON.stringify(row));
    await writeFile(join(work, "rows.jsonl"), `${first}\n${second}\n`);
    await writeFile(join(work, "texts.jsonl"), `${third}\n`);
  });
  afterAll(() => rm(work, { recursive: true }));

  /** @param more its keys go before those that all have */
  async function recipe(name: string, more: string, base = "241101"): Promise<string> {
    const path = join(work, `${name}.yaml`);
    const own = `model: ./${base}\noutput: ${name}\ndata: [{ file: rows.jsonl }, { file: texts.jsonl, weight: 0.5 }]\n`;
    await writeFile(path, `${more}\n${own}batch: 3\nmicroBatch: 3\nwarmup: 0\nmaxTokens: 256\n`);
    return path;
  }

  async function trained(
    path: string,
    options: { readonly resume?: boolean; readonly stopAt?: number } = {},
  ): Promise<{ readonly losses: number[]; readonly answers: string[] }> {
    const { resume = false, stopAt } = options;
    const [losses, answers]: [number[], string[]] = [[], []];
    const stop = new AbortController();
    const run = await prepareRun(path);
    const onEvent = (event: TrainingEvent): void => {
      if (event.kind === "samples") answers.push(...event.answers.map(({ answer }) => answer));
      if (event.kind !== "step") return;
      losses.push(event.loss);
      if (event.step === stopAt) stop.abort();
    };
    await run.start({ onEvent, resume, signal: stop.signal, device: { threads: 1 } });
    return { losses, answers };
  }

  const about = (text: string) =>
    [
      {
        role: "user",
        content: [
          { type: "image", image: bird },
          { type: "text", text },
        ],
      },
    ] as const;

  async function answerOf(model: string, adapter?: string): Promise<string> {
    const owl = await Owl.load(model, { threads: 1, ...(adapter !== undefined && { adapter }) });
    const answer = await owl.chat(about("How many birds are there?"), { maxNewTokens: 64 }).text();
    await owl.close();
    return answer;
  }

  const asking = "samples: [{ image: 9.jpg, question: How many birds are there? }]\nsampleEvery: 100";

  test("owl3-finetune: it learns, and its model answers what was taught", async () => {
    const numbers = "learningRate: 0.01\nsteps: 14";
    const { losses, answers } = await trained(
      await recipe("full", `extends: owl3-finetune\n${numbers}\n${asking}`),
    );
    expect(losses[13]).toBeLessThan(losses[0] / 4);
    expect(answers.at(-1)).toBe("Three birds.");
    expect(await answerOf(join(work, "full/model"))).toBe("Three birds.");
  });

  test("rows that were checked are not checked again, although config.json alone tells how they are written", async () => {
    const path = await recipe("checked", "extends: owl3-finetune\nsteps: 1");
    await checkData(await readingOfRecipe(path, {}), { decode: true, problemsKept: 5 });
    expect((await prepareRun(path)).checkedBefore).toEqual([true, true]);
  });

  test("a run that is stopped goes on to the same bytes", async () => {
    const numbers = "extends: owl3-finetune\nlearningRate: 0.01\nsteps: 4\nsaveEvery: 2";
    await trained(await recipe("whole", numbers));
    const again = await recipe("again", numbers);
    await trained(again, { stopAt: 2 });
    await trained(again, { resume: true });
    const bytes = (at: string): Promise<Buffer> => readFile(join(work, at, "model/model.safetensors"));
    expect((await bytes("again")).equals(await bytes("whole"))).toBe(true);
  });

  test.each([
    "240728",
    "241014",
  ])("owl3-lora of %s: beside its base and merged it answers alike", async (version) => {
    const name = `lora-${version}`;
    const numbers = "learningRate: 0.02\nsteps: 12";
    const path = await recipe(name, `extends: owl3-lora\n${numbers}\n${asking}`, version);
    const { losses, answers } = await trained(path);
    expect(losses[11]).toBeLessThan(losses[0] / 2);
    const out = join(work, name);
    const { target_modules } = JSON.parse(await readFile(join(out, "adapter/adapter_config.json"), "utf8"));
    expect(target_modules.join()).toContain("v_kv_proj");
    expect(await answerOf(join(out, "model"))).toBe(answers.at(-1));
    expect(await answerOf(join(work, version), join(out, "adapter"))).toBe(answers.at(-1));
  });

  test("a LoRA beside four bits, the projector with it, and pairs of answers", async () => {
    await convertCheckpoint(join(work, "241101"), join(work, "q4"), { quantize: "q4", blockSize: 32 });
    const lora = 'extends: owl3-lora\nstage: "2"\nlearningRate: 0.02\nsteps: 6';
    const beside = await trained(await recipe("beside", `${lora}\n${asking}`, "q4"));
    expect(beside.losses[5]).toBeLessThan(beside.losses[0]);
    expect(await answerOf(join(work, "beside"))).toBe(beside.answers.at(-1));
    const pair = { images: ["9.jpg"], prompt: "How many birds?", chosen: "Three.", rejected: "Two." };
    await writeFile(join(work, "pairs.jsonl"), `${JSON.stringify(pair)}\n`);
    const dpo = await recipe("dpo", `${lora}\ndpo: { beta: 0.1 }`);
    await writeFile(dpo, (await readFile(dpo, "utf8")).replace(/data: .*/, "data: [{ file: pairs.jsonl }]"));
    const { losses } = await trained(dpo);
    expect(losses[0]).toBeCloseTo(Math.log(2), 5);
    expect(losses[5]).toBeLessThan(losses[0]);
  });

  test("a row is shown as the model sees it: several pictures cut, or whole in the first version", async () => {
    for (const [version, pictures] of [
      ["241101", 14],
      ["240728", 2],
    ] as const) {
      const reading = await readingOfRecipe(
        await recipe(`shown-${version}`, "extends: owl3-lora\nsteps: 1", version),
        {},
      );
      const shown: ShownRow[] = [];
      for await (const row of shownRows(reading, 2)) shown.push(row);
      const { parts } = shown[1];
      expect(parts.filter(({ kind }) => kind === "image")).toHaveLength(pictures);
      const learned = parts.flatMap(({ isLearned, text }) => (isLearned ? [text] : []));
      expect(learned).toEqual(["A red bus.<|im_end|><|endoftext|>", "A green tree!<|im_end|><|endoftext|>"]);
    }
  });

  test("captions are learned as answers to the question of their file", async () => {
    const path = await recipe("captions", "extends: owl3-finetune\nlearningRate: 0.01\nsteps: 2");
    await writeFile(join(work, "captions.json"), JSON.stringify([{ image: "9.jpg", text: "Three birds." }]));
    const data = 'data: [{ file: captions.json, question: "What is this?" }]';
    await writeFile(path, (await readFile(path, "utf8")).replace(/data: .*/, data));
    const shown: ShownRow[] = [];
    for await (const row of shownRows(await readingOfRecipe(path, {}), 1)) shown.push(row);
    const texts = shown[0].parts.map(({ text }) => text).join("");
    expect(texts).toContain("<|end_cut|>\nWhat is this?<|im_end|>");
    const learned = shown[0].parts.flatMap(({ isLearned, text }) => (isLearned ? [text] : []));
    expect(learned).toEqual(["Three birds.<|im_end|><|endoftext|>"]);
    const { losses } = await trained(path);
    expect(losses[1]).toBeLessThan(losses[0]);
  });

  test("what is not known of it is refused before anything is read", async () => {
    await expect(prepareRun(await recipe("one", "extends: stage-1\nsteps: 1"))).rejects.toThrow(
      /augment: must be false[\s\S]*data: must be conversations.*give their file the question/,
    );
  });
});
