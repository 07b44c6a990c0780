import { cp, mkdtemp, readdir, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import sharp from "sharp";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { owlFixture } from "../../tests/owl-fixture.ts";
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
    "samples: [{ image: red.PNG, question: which color? }, { question: how are you? }]\nsampleEvery: 2";

  beforeAll(async () => {
    place = await mkdtemp(join(tmpdir(), "owl-samples-"));
    owl = await owlFixture();
    await sharp(red).png().toFile(at("red.PNG"));
    const row = { image: ["red.PNG"], text: "Human: <image>\nHuman: which color?\nAI: red" };
    await writeFile(at("rows.jsonl"), `${JSON.stringify(row)}\n${JSON.stringify(row)}`);
    const numbers = "steps: 4\nbatch: 2\nwarmup: 1\nmaxTokens: 64\nlearningRate: 0.05\nsaveEvery: 2";
    const lora =
      "lora: { rank: 4, alpha: 8, targets: [q_proj, v_proj], useDora: true, modulesToSave: [lm_head] }";
    const recipe = `extends: stage-2\nmodel: ${owl.directory}\noutput: plain\ndata: [{ file: rows.jsonl }]\n${numbers}\n${lora}\n`;
    await writeFile(at("plain.yaml"), recipe);
    await writeFile(at("asked.yaml"), `extends: plain.yaml\noutput: asked\n${samples}`);
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
