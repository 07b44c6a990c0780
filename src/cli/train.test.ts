import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, expect, it } from "vitest";
import { owlFixture } from "../../tests/owl-fixture.ts";
import { promptTemplate } from "../prompt/index.ts";
import { prepareRun, publishedRecipes, readRecipeFile } from "../recipes/index.ts";
import { loadTokenizer } from "../tokenizer/index.ts";
import { owl } from "./testing/captured.ts";

let folder: string;
let model: Awaited<ReturnType<typeof owlFixture>>;
beforeAll(async () => {
  model = await owlFixture();
  folder = mkdtempSync(join(tmpdir(), "owl train "));
  await writeFile(join(folder, "red.svg"), '<svg xmlns="http://www.w3.org/2000/svg" width="9" height="9"/>');
  const rows = [1, 2, 3].map((n) => ({
    image: ["red.svg"],
    text: `Answer.\nHuman: <image>\nHuman: what is this?\nAI: thing ${n}`,
  }));
  await writeFile(join(folder, "rows.jsonl"), rows.map((row) => JSON.stringify(row)).join("\n"));
});
afterAll(() => {
  model.remove();
  rmSync(folder, { recursive: true });
});

async function recipe(name: string, steps: number): Promise<string> {
  const numbers = `steps: ${steps}\nbatch: 2\nmaxTokens: 64\nsaveEvery: 1`;
  const text = `extends: stage-2\nmodel: ${model.directory}\noutput: ${name}\ndata: [{ file: rows.jsonl }]\n${numbers}\n`;
  await writeFile(join(folder, `${name}.yaml`), text);
  return join(folder, `${name}.yaml`);
}

/** What a safetensors file holds behind its header. */
function tensorBytes(name: string): number {
  const file = readFileSync(join(folder, name));
  return file.length - 8 - Number(file.readBigUInt64LE());
}

it("says before the first step what will happen, and at the end what was written and how it is asked", async () => {
  const { code, out } = await owl("train", await recipe("told", 5), "--threads", "1");
  expect(code).toBe(0);
  expect(out).toMatch(/^data .*rows.jsonl \(3 rows\)$/m);
  expect(out).toMatch(
    /^steps +5 of 2 rows, at most 64 tokens each; 2 at once, warm-up 0, a checkpoint every 1 steps$/m,
  );
  expect(out).toMatch(/^ +each row is seen 3.3 times \(once in 2 steps\)$/m);
  expect(out).toMatch(/^template +asked as the rows are written: "Answer.", "Human: …", "AI: …"$/m);
  expect(out).toMatch(/was asked with no system sentence; the one that is made carries the rows' way/);
  expect(out).toMatch(/^memory +about .*this machine has/m);
  expect(out).toMatch(/^ +learn +frozen$/m);
  expect(out).toMatch(/^ +vision encoder +- +\d+\.\d\d M$/m);
  expect(out).toMatch(/^ +LoRA +\d+\.\d\d M +-$/m);
  const [, mebibytes] = /^disk +a checkpoint takes (\d+) MiB, twice .*; model\/ \d+ MiB; adapter/m.exec(out)!;
  const bytes = ["model", "optimizer"].map((name) => tensorBytes(`told/state/${name}.safetensors`));
  expect(Number(mebibytes)).toBe(Math.ceil((bytes[0] + bytes[1]) / 2 ** 20));
  expect(out).toMatch(/^time +is told after 4 steps$/m);
  expect(out).toMatch(/^time: about [\d.]+ s a step, \d+ s for the other 1, /m);
  const command = /^ask it +owl chat "(.*)" --image FILE "…"$/m.exec(out);
  const asked = await owl(
    "chat",
    command![1],
    "--image",
    join(folder, "red.svg"),
    "what?",
    "--max-new-tokens",
    "2",
  );
  expect(asked.code).toBe(0);
});

it("a run that stopped is asked by its directory, and says which step answers", async () => {
  const run = await prepareRun(await recipe("stopped", 5));
  const stop = new AbortController();
  await run.start({
    signal: stop.signal,
    device: { threads: 1 },
    onEvent: (event) => event.kind === "step" && event.step === 2 && stop.abort(),
  });
  const ask = () => owl("chat", run.plan.output, "what?", "--max-new-tokens", "2");
  const { code, err } = await ask();
  expect({ code, err }).toMatchObject({
    code: 0,
    err: expect.stringContaining("checkpoint of step 2 of 5 answers"),
  });
  expect(await owl("inspect", run.plan.output)).toMatchObject({
    code: 0,
    out: expect.stringMatching(/lora_A/),
  });
  const pixels = ["--outputs", join(folder, "pixels.safetensors")];
  expect((await owl("probe", "pixels", join(folder, "red.svg"), run.plan.output, ...pixels)).code).toBe(0);
  await rm(join(run.plan.output, "state"), { recursive: true });
  expect(await ask()).toMatchObject({ code: 1, out: "", err: expect.stringContaining("none yet") });
});

it("owl tokenizer learns one from rows or texts, with a template, and begins a model", async () => {
  const out = join(folder, "tokenizer");
  const made = await owl("tokenizer", join(folder, "rows.jsonl"), "--out", out);
  expect(made).toMatchObject({ code: 0, out: expect.stringContaining("tokens;") });
  const tokenizer = await loadTokenizer(out);
  const text = "Human: what is this?\nAI: thing 7 é";
  expect(tokenizer.decode(tokenizer.encode(text))).toBe(text);
  expect(Object.keys(tokenizer.json.model.vocab).some((token) => token.includes("image"))).toBe(false);
  expect(promptTemplate(tokenizer)).toMatchObject({ system: "", cut: "turns" });
  expect(await owl("tokenizer", join(folder, "rows.jsonl"), "--out", out)).toMatchObject({
    code: 2,
    err: expect.stringContaining("must hold no tokenizer yet"),
  });
  await writeFile(join(folder, "bad.jsonl"), '{"txt": 1}\nno');
  const bad = await owl("tokenizer", join(folder, "bad.jsonl"), "--out", join(folder, "none"));
  expect(bad.err).toMatch(/line 1: .*line 2: /s);
  const many = await owl(
    "tokenizer",
    join(folder, "rows.jsonl"),
    "--out",
    join(folder, "none"),
    "--size",
    "4000",
  );
  expect(many).toMatchObject({ code: 1, err: expect.stringContaining("must allow a vocabulary of 4000") });
  const path = join(folder, "fresh.yaml");
  const text2 =
    "extends: language\nconfig: nano\ntokenizer: tokenizer\noutput: fresh\nsteps: 1\nbatch: 1\nmaxTokens: 64";
  await writeFile(path, `${text2}\ndata: [{ file: texts.jsonl, content: conversation }]\n`);
  const row = { text: "Answer.\nHuman: hi\nAI: hello" };
  await writeFile(join(folder, "texts.jsonl"), JSON.stringify(row));
  expect((await owl("train", path, "--threads", "1")).code).toBe(0);
  const settings = JSON.parse(await readFile(join(folder, "fresh/model/tokenizer_config.json"), "utf8"));
  expect(settings.prompt_template).toMatchObject({ system: "Answer.", cut: "turns" });
});

it("every published recipe is shown as a file that gives its numbers, and is changed by --set", async () => {
  for (const [name, { recipe }] of Object.entries(publishedRecipes)) {
    const { out } = await owl("recipe", "show", name);
    expect(out).toBe((await owl("recipe", name)).out);
    const path = join(folder, `shown-${name}.yaml`);
    await writeFile(
      path,
      out
        .replace("model: owl-nano", `model: ${model.directory}`)
        .replace("tokenizer: tokenizer", "tokenizer: ."),
    );
    const { recipe: read } = await readRecipeFile(path);
    expect(read).toEqual({ ...recipe, name: path });
  }
  const path = join(folder, "shown-stage-2.yaml");
  const sets = ["steps=1", "batch=2", "maxTokens=64", "lora.rank=2", "output=set"].flatMap((one) => [
    "--set",
    one,
  ]);
  const { code, out } = await owl("train", path, ...sets, "--threads", "1");
  expect(code).toBe(0);
  expect(out).toMatch(/^steps +1 of 2 rows, at most 64 tokens each/m);
  const adapter = JSON.parse(await readFile(join(folder, "set/adapter/adapter_config.json"), "utf8"));
  expect(adapter.r).toBe(2);
  expect((await owl("train", path, "--set", "steps")).err).toMatch(/--set: must be key=value/);
});

it("owl recipe names the recipe that was meant", async () => {
  expect(await owl("recipe", "stage2")).toMatchObject({
    code: 2,
    err: expect.stringContaining("did you mean stage-2?"),
  });
  expect(await owl("recipe", "constructor")).toMatchObject({ code: 2, out: "" });
});
