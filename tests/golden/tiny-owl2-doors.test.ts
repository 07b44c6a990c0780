import {
  copyFileSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { openSafetensors, readSafetensors } from "../../src/checkpoint/index.ts";
import { Owl } from "../../src/owl/index.ts";
import { convertCheckpoint } from "../../src/quantization/index.ts";
import { prepareRun } from "../../src/recipes/index.ts";
import { shared, sharedAvailable } from "../shared.ts";
import { numbersOf } from "./run-model.ts";

const picture = shared("owleval/cases/9.jpg");
const settings = { ids: [[1, 549, 602, ...new Array<number>(9).fill(-1), 352, 277, 568]] };

/** A question about the picture. */
const ask = (text: string) => [
  {
    role: "user" as const,
    content: [
      { type: "image" as const, image: picture },
      { type: "text" as const, text },
    ],
  },
];

/** mPLUG-Owl2 through what is done with an owl: converting, training, asking. */
describe.skipIf(!sharedAvailable)("the doors of the tiny mPLUG-Owl2", () => {
  let work: string;
  let base: string;
  let few: string;
  beforeAll(async () => {
    work = mkdtempSync(join(tmpdir(), "owl2-"));
    base = join(work, "mplug-owl2");
    mkdirSync(base);
    const from = shared("golden/tiny-owl2");
    const own = /^(config|generation_config|preprocessor_config|tokenizer|special_tokens|model)/;
    for (const name of readdirSync(from).filter((file) => own.test(file))) {
      writeFileSync(join(base, name), readFileSync(join(from, name)));
    }
    few = join(work, "q4");
    await convertCheckpoint(base, few, { quantize: "q4", blockSize: 32 });
  });
  afterAll(() => rmSync(work, { recursive: true }));

  const namesOf = async (file: string): Promise<string[]> => {
    const { tensors, close } = await openSafetensors(file);
    await close();
    const buffers = /inv_freq$|pos_embed$/;
    return tensors.flatMap(({ name }) => (buffers.test(name) ? [] : [name])).sort();
  };

  async function logitsOf(model: string, adapter?: string): Promise<number[]> {
    const owl = await Owl.load(model, { threads: 1, ...(adapter !== undefined && { adapter }) });
    const pixels = (await readSafetensors(shared("golden/tiny-owl2/io.safetensors"))).get("pixel_values")!;
    const size = 3 * 56 * 56;
    const one = {
      dtype: "float32",
      dims: [1, 3, 56, 56],
      data: (pixels.data as Float32Array).slice(0, size),
    } as const;
    const { logits } = await owl.forward({ ...settings, pixels: one });
    await owl.close();
    return numbersOf(logits);
  }

  const farthest = (a: readonly number[], b: readonly number[]): number =>
    a.reduce((most, value, i) => Math.max(most, Math.abs(value - b[i])), 0);

  const likeness = (a: readonly number[], b: readonly number[]): number => {
    const dot = (x: readonly number[], y: readonly number[]): number =>
      x.reduce((sum, v, i) => sum + v * y[i], 0);
    return dot(a, b) / Math.sqrt(dot(a, a) * dot(b, b));
  };

  test("it looks at a photograph, and answers the same alone and beside others", async () => {
    const owl = await Owl.load(base, { threads: 1 });
    const plain = [{ role: "user" as const, content: "What is the capital of France?" }];
    const wanted = { maxNewTokens: 4 };
    const together = await owl.chatAll([ask("Describe this picture."), plain, ask("Read.")], wanted);
    const [alone] = await owl.chatAll([ask("Read.")], wanted);
    expect(alone.ids).toEqual(together[2].ids);
    const { rows, columns, queries, framing } = await owl.attention(picture);
    expect({ rows, columns, queries, framing }).toEqual({
      rows: 4,
      columns: 4,
      queries: 8,
      framing: { fit: "squeeze", edge: 56, size: 56, covered: 56 },
    });
    await owl.close();
  });

  test("in four bits it keeps the names of its files, and is alike", async () => {
    const names = await namesOf(join(few, "model.safetensors"));
    expect(names).toContain("model.layers.1.self_attn.v_proj.multiway.1.weight.packed");
    expect(names).toContain("model.visual_abstractor.query_embeds");
    expect(likeness(await logitsOf(few), await logitsOf(base))).toBeGreaterThan(0.9);
    // One program prefills and decodes here: a step without pictures has no rows for their products.
    const owl = await Owl.load(few, { threads: 1 });
    const [{ ids }] = await owl.chatAll([ask("Read.")], { maxNewTokens: 4 });
    await owl.close();
    expect(ids).toHaveLength(4);
  });

  function recipe(name: string, more: string, base = "mplug-owl2"): string {
    const folder = join(work, `${name} of ${base}`);
    mkdirSync(folder);
    copyFileSync(picture, join(folder, "9.jpg"));
    const conversations = [
      { from: "human", value: "<|image|>\nWhat is in the picture?" },
      { from: "gpt", value: "A dog." },
    ];
    const rows = [
      { image: "9.jpg", conversations },
      {
        conversations: [
          { from: "human", value: "Who?" },
          { from: "gpt", value: "An owl." },
        ],
      },
    ];
    writeFileSync(join(folder, "rows.json"), JSON.stringify(rows));
    const numbers = "steps: 1\nwarmup: 0\nbatch: 2\nmicroBatch: 2\nmaxTokens: 48\nlearningRate: 0.01";
    const path = join(folder, "recipe.yaml");
    writeFileSync(
      path,
      `extends: ${name}\nmodel: ../${base}\noutput: run\ndata: [{ file: rows.json }]\n${numbers}\n${more}\n`,
    );
    return path;
  }

  test("owl2-finetune: all but the vision encoder learns, and the result is a model of the same files", async () => {
    const run = await prepareRun(recipe("owl2-finetune", ""));
    expect((await run.start({ device: { threads: 1 } })).complete).toBe(true);
    const model = join(run.plan.output, "model");
    expect(await namesOf(join(model, "model.safetensors"))).toEqual(
      await namesOf(join(base, "model.safetensors")),
    );
    const [before, after] = await Promise.all(
      [base, model].map((at) => readSafetensors(join(at, "model.safetensors"))),
    );
    // Nothing is predicted from the last layer's results at a picture, and a key's bias changes none.
    const isIdle = /attention\.key\.bias$|layers\.2\.post_attention_layernorm\.multiway\.1/;
    for (const [name, { data }] of after) {
      const isSame = data.every((value, i) => value === before.get(name)!.data[i]);
      if (!isIdle.test(name)) expect(isSame, name).toBe(name.startsWith("model.vision_model."));
    }
  });

  test("owl2-lora: adapter and merged model give the same, under the names of the published scripts", async () => {
    const run = await prepareRun(
      recipe("owl2-lora", "lora: { rank: 2, alpha: 4, dropout: 0.05, targets: all-linear }"),
    );
    await run.start({ device: { threads: 1 } });
    const adapter = join(run.plan.output, "adapter");
    const matrices = await namesOf(join(adapter, "adapter_model.safetensors"));
    expect(matrices).toHaveLength(2 * 27);
    expect(matrices).toContain("base_model.model.model.layers.2.self_attn.k_proj.multiway.1.lora_B.weight");
    const { target_modules } = JSON.parse(readFileSync(join(adapter, "adapter_config.json"), "utf8"));
    expect(target_modules).toContain("model.layers.0.self_attn.v_proj.multiway.0");
    const merged = await logitsOf(join(run.plan.output, "model"));
    expect(farthest(merged, await logitsOf(base, adapter))).toBeLessThan(1e-4);
  });

  test("a LoRA learns beside it in four bits, and is asked while it does", async () => {
    const lora = "lora: { rank: 2, alpha: 4, targets: all-linear }";
    const samples = "samples: [{ image: 9.jpg, question: What is this? }]";
    const run = await prepareRun(recipe("owl2-lora", `${lora}\n${samples}`, "q4"));
    const said: string[] = [];
    await run.start({
      device: { threads: 1 },
      onEvent: (event) => void (event.kind === "samples" && said.push(event.answers[0].answer)),
    });
    const owl = await Owl.load(run.plan.output, { threads: 1 });
    const text = await owl.chat(ask("What is this?"), { maxNewTokens: 64 }).text();
    await owl.close();
    expect(said).toHaveLength(2);
    expect(said[1]).toBe(text);
    expect(said[0]).not.toBe(text);
  });

  test("it is no base for a reader in tiles", async () => {
    const lora = "lora: { rank: 2, alpha: 4, targets: all-linear }";
    await expect(prepareRun(recipe("ureader", lora))).rejects.toThrow(
      "tiles must be false for this base model, got an mPLUG-Owl2",
    );
  });
});
