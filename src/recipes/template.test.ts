import { mkdtempSync, rmSync } from "node:fs";
import { copyFile, mkdir, readFile, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { owlFixture } from "../../tests/owl-fixture.ts";
import { mergeCheckpoint } from "../assembly/index.ts";
import { Owl } from "../owl/index.ts";
import { encodeTrainingSample, promptTemplate } from "../prompt/index.ts";
import { loadTokenizer } from "../tokenizer/index.ts";
import { prepareRun } from "./index.ts";

const sentence = "a talk about pictures.";
const turns = (answer = "hello") => `Human: hi\nAI: ${answer}`;

let directory: string;
let owl: Awaited<ReturnType<typeof owlFixture>>;
beforeAll(async () => {
  directory = mkdtempSync(join(tmpdir(), "owl-template-"));
  owl = await owlFixture();
});
afterAll(() => {
  rmSync(directory, { recursive: true });
  owl.remove();
});

/** A recipe of one step beside its rows. */
async function recipe(
  name: string,
  rows: readonly string[],
  more = `model: ${owl.directory}`,
): Promise<string> {
  const folder = join(directory, name);
  await mkdir(folder);
  await writeFile(join(folder, "rows.jsonl"), rows.map((text) => JSON.stringify({ text })).join("\n"));
  const numbers = "steps: 1\nwarmup: 0\nbatch: 2\nmicroBatch: 2\nmaxTokens: 64";
  const text = `extends: stage-2\noutput: run\ndata: [{ file: rows.jsonl }]\n${numbers}\n${more}\n`;
  await writeFile(join(folder, "recipe.yaml"), text);
  return join(folder, "recipe.yaml");
}

/** The ids that a model is asked with, and those that the row began with as it was learned. */
async function askedAndLearned(asking: Owl, row: string): Promise<[number[], number[]]> {
  const { ids } = await asking.prompt([{ role: "user", content: "hi" }]);
  const options = { maxLength: 64, tokensPerImage: 1, template: promptTemplate(asking.tokenizer) };
  const learned = encodeTrainingSample(row, asking.tokenizer, options);
  return [[...ids], learned.ids.slice(0, learned.lossMask.indexOf(true))];
}

describe("the template of a run", () => {
  for (const [name, head] of [
    ["with", `${sentence}\n`],
    ["without", ""],
    ["several lines", `${sentence}\nbe kind.\n`],
  ]) {
    it(`is its rows': ${name} first words, for the model, its adapter, and what both are merged to`, async () => {
      const row = head + turns();
      const path = await recipe(`rows ${name}`, [row, head + turns("good day")]);
      const run = await prepareRun(path);
      const system = head.trim();
      expect(run.promptTemplate.template).toEqual({
        system,
        user: "Human: ",
        assistant: "AI: ",
        cut: "turns",
      });
      expect(run.promptTemplate.baseTemplate?.system).toBe(head === "" ? undefined : "");
      await run.start({ device: { threads: 1 } });
      const { output } = run.plan;
      await mergeCheckpoint(owl.directory, join(output, "merged"), { adapter: join(output, "adapter") });
      for (const [model, adapter] of [
        [`${output}/model`],
        [owl.directory, `${output}/adapter`],
        [`${output}/merged`],
      ]) {
        const asking = await Owl.load(model, { adapter, threads: 1 });
        const [asked, learned] = await askedAndLearned(asking, row);
        expect(asked).toEqual(learned);
        await asking.close();
      }
    });
  }

  it("is the base model's chat template where it has one, with the rows' first words beside it", async () => {
    const base = await owlFixture();
    const template =
      "{% for m in messages %}{{ bos_token if loop.first }}[{{ m.role }}]{{ m.content }}{{ eos_token }}{% endfor %}{% if add_generation_prompt %}[assistant]{% endif %}";
    await writeFile(join(base.directory, "chat_template.jinja"), template);
    const named = JSON.stringify({ bos_token: "<s>", eos_token: "</s>", unk_token: "<unk>" });
    await writeFile(join(base.directory, "tokenizer_config.json"), named);
    const row = `${sentence}\n${turns()}`;
    const run = await prepareRun(await recipe("chat", [row, row], `model: ${base.directory}`));
    expect(run.promptTemplate).toMatchObject({ byChatTemplate: true, template: { system: sentence } });
    await run.start({ device: { threads: 1 } });
    const { output } = run.plan;
    for (const [model, adapter] of [[`${output}/model`], [base.directory, `${output}/adapter`]]) {
      const asking = await Owl.load(model, { adapter, threads: 1 });
      const { ids } = await asking.prompt("hi");
      const { ids: learned, lossMask } = encodeTrainingSample(row, asking.tokenizer, {
        maxLength: 64,
        tokensPerImage: 1,
      });
      expect([...ids]).toEqual(learned.slice(0, lossMask.indexOf(true)));
      expect(asking.tokenizer.decode(ids)).toContain(`[system]${sentence}`);
      await asking.close();
    }
    base.remove();
  });

  it("is not guessed where rows begin otherwise than others, in one file or in held-out rows", async () => {
    const rows = [turns(), turns(), `${sentence}\n${turns()}`];
    const mixed = await prepareRun(await recipe("mixed", rows)).catch(String);
    expect(mixed).toMatch(/2 rows with no system sentence, the first .*rows.jsonl:1/);
    expect(mixed).toMatch(/1 row with "a talk about pictures.", the first .*rows.jsonl:3/);
    expect(mixed).toMatch(/system: /);
    const more = `model: ${owl.directory}\nevaluation: [{ file: rows.jsonl }, { file: held-out.jsonl }]`;
    const path = await recipe("held-out", [turns()], more);
    await writeFile(
      join(directory, "held-out/held-out.jsonl"),
      JSON.stringify({ text: `${sentence}\n${turns()}` }),
    );
    await expect(prepareRun(path)).rejects.toThrow(/held-out.jsonl:1/);
  });

  it("is what the recipe says: its sentence goes in front of rows that have none", async () => {
    const own = `be brief.\n${turns()}`;
    const path = await recipe("said", [turns(), own], `model: ${owl.directory}\nsystem: ${sentence}`);
    const run = await prepareRun(path);
    expect(run.promptTemplate.template.system).toBe(sentence);
    await run.start({ device: { threads: 1 } });
    const asking = await Owl.load(join(run.plan.output, "model"), { threads: 1 });
    const [asked, learned] = await askedAndLearned(asking, `${sentence}\n${turns()}`);
    expect(asked).toEqual(learned);
    await asking.close();
  });

  it("stays in special keys' company in tokenizer_config.json", async () => {
    const run = await prepareRun(await recipe("company", [`${sentence}\n${turns()}`]));
    await run.start({ device: { threads: 1 } });
    const text = await readFile(join(run.plan.output, "model/tokenizer_config.json"), "utf8");
    expect(JSON.parse(text)).toMatchObject({ eos_token: "</s>", prompt_template: { system: sentence } });
  });

  it("of a model that begins from nothing has no sentence that its rows never had", async () => {
    const tokenizer = join(directory, "tokenizer");
    await mkdir(tokenizer);
    await copyFile(join(owl.directory, "tokenizer.json"), join(tokenizer, "tokenizer.json"));
    expect(promptTemplate(await loadTokenizer(tokenizer)).system).not.toBe("");
    const fresh = `stage: language\nconfig: ${owl.directory}/config.json\ntokenizer: ${tokenizer}`;
    const talk = await prepareRun(await recipe("talk", [turns()], fresh));
    expect(talk.promptTemplate.asText).toEqual([join(directory, "talk/rows.jsonl")]);
    const systemOf = async (name: string, rows: string[], more = ""): Promise<string> =>
      (await prepareRun(await recipe(name, rows, `${fresh}\n${more}`))).promptTemplate.template.system;
    expect(await systemOf("fresh texts", ["once upon a time", "the end"])).toBe("");
    expect(await systemOf("fresh talks", [`${sentence}\n${turns()}`, `${sentence}\n${turns("b")}`])).toBe(
      sentence,
    );
    expect(await systemOf("fresh said", ["the end"], `system: ${sentence}`)).toBe(sentence);
  });
});
