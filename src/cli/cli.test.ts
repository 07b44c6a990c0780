import { execFile, spawn } from "node:child_process";
import { copyFileSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join, relative } from "node:path";
import { fileURLToPath, pathToFileURL } from "node:url";
import { promisify } from "node:util";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { owlFixture } from "../../tests/owl-fixture.ts";
import { loadedFiles } from "../../tests/setup/loaded-files.ts";
import { builtOwl } from "../../tests/setup/programs.ts";
import { videoFixture } from "../../tests/video-fixture.ts";
import { loraName, readSafetensors, saveAdapter } from "../checkpoint/index.ts";
import { CLIP_PREPROCESSOR, loadPixelValues } from "../image/index.ts";
import { float32 } from "../tensor/index.ts";
import { owl as owlHere } from "./testing/captured.ts";

const root = fileURLToPath(new URL("../..", import.meta.url));
const fixture = (path: string): string => join(root, "tests/fixtures", path);
const picture = join(root, "examples/penguin.png");

interface Outcome {
  readonly code: number | null;
  readonly out: string;
  readonly err: string;
}

/** Runs `owl` as a process of its own; `interruptAt` sends Ctrl-C when this text has come. */
async function owl(words: readonly string[], { input = "", interruptAt = "" } = {}): Promise<Outcome> {
  const [node, program] = await builtOwl();
  const child = spawn(node, [program, ...words], { cwd: root });
  const said = { out: "", err: "" };
  let awaited = interruptAt;
  child.stdout.on("data", (bytes: Buffer) => {
    said.out += bytes;
    if (awaited === "" || !said.out.includes(awaited)) return;
    awaited = "";
    child.kill("SIGINT");
  });
  child.stderr.on("data", (bytes: Buffer) => {
    said.err += bytes;
  });
  child.stdin.end(input);
  return new Promise((resolve) => child.on("close", (code) => resolve({ code, ...said })));
}

let model: Awaited<ReturnType<typeof owlFixture>>;
let folder: string;

beforeAll(async () => {
  model = await owlFixture();
  folder = mkdtempSync(join(tmpdir(), "owl-cli-"));
  for (const [name, rows] of Object.entries(trainingRows)) {
    writeFileSync(join(folder, name), rows.map((row) => JSON.stringify(row)).join("\n"));
  }
  copyFileSync(picture, join(folder, "penguin.png"));
});
afterAll(() => {
  model.remove();
  rmSync(folder, { recursive: true });
});

const trainingRows = {
  "pictures.jsonl": [{ image: ["penguin.png"], text: "Human: <image>\nHuman: what is this?\nAI: a penguin" }],
  "text.jsonl": [{ text: "Human: hi\nAI: hello" }, { text: "Human: bye\nAI: good bye" }],
};

function recipe(name: string, steps: number): string {
  const path = join(folder, name);
  const lines = ["extends: stage-2", `model: ${model.directory}`, "data:"];
  const data = Object.keys(trainingRows).map((file) => `  - file: ${file}`);
  const numbers = [`steps: ${steps}`, "batch: 4", "warmup: 1", "maxTokens: 64", "learningRate: 0.01"];
  writeFileSync(path, [...lines, ...data, ...numbers, "output: run"].join("\n"));
  return path;
}

describe.concurrent("owl as a process", () => {
  const brief = ["--max-new-tokens", "6"];

  it("answers one question about a picture, and says when it was cut", async () => {
    const { code, out, err } = await owl(["chat", model.directory, "--image", picture, "what?", ...brief]);
    expect({ code, err }).toEqual({ code: 0, err: "(cut after 6 tokens; --max-new-tokens allows more)\n" });
    expect(out.trim()).not.toBe("");
  });

  it("takes turns from a pipe, and every turn sees the ones before it", async () => {
    const input = "hello\nand now?\n/new\nand now?\n/new\nhello\n";
    const { code, out } = await owl(["chat", model.directory, ...brief], { input });
    expect(code).toBe(0);
    const [first, second, alone, again] = out.split("\n");
    expect(second).not.toBe(alone);
    expect(again).toBe(first);
  });

  it("finds files as terminals write them, and goes on after a line that failed", async () => {
    writeFileSync(join(folder, "my owl.png"), readFileSync(picture));
    const escaped = join(folder, "my\\ owl.png");
    const lines = [
      "/image nowhere.png",
      "/imgae x",
      "/images",
      "hello",
      escaped,
      "what?",
      `/image   '${picture}'`,
      "what?",
    ];
    const { code, out, err } = await owl(["chat", model.directory, ...brief], { input: lines.join("\n") });
    expect({ code, answers: out.trim().split("\n").length }).toEqual({ code: 1, answers: 3 });
    expect(err.split("\n").filter((line) => !line.startsWith("(cut"))).toEqual([
      "owl: nowhere.png: no such file",
      "owl: /imgae: must be a command; did you mean /image?",
      "owl: /images: must be a command; did you mean /image?",
      "(picture for the next question: my owl.png)",
      `(picture for the next question: ${picture.split("/").at(-1)})`,
      "",
    ]);
    const asked = await owl([
      "chat",
      model.directory,
      "--image",
      pathToFileURL(picture).href,
      "what?",
      ...brief,
    ]);
    expect(asked.code).toBe(0);
  });

  it("trains, stops at Ctrl-C with a checkpoint, and goes on where it stopped", async () => {
    const path = recipe("interrupted.yaml", 200);
    const stopped = await owl(["train", path], { interruptAt: "step 10/200" });
    expect(stopped.code).toBe(130);
    expect(stopped.err).toMatch(/interrupted after step \d+ of 200; `owl train \S+ --resume` goes on/);
    expect(stopped.out).toMatch(/memory +about \d+ MiB/);

    const resumed = await owl(["train", path, "--resume"]);
    const goesOn = expect.stringMatching(/going on after step \d+[\s\S]*step 200\/200/);
    expect(resumed).toMatchObject({ code: 0, out: goesOn });

    const log = readFileSync(join(folder, "run", "log.jsonl"), "utf8")
      .trim()
      .split("\n");
    const steps = log.map((line) => JSON.parse(line)).filter(({ kind }) => kind === "step");
    expect(steps.map(({ step }) => step)).toEqual(Array.from({ length: 200 }, (_, i) => i + 1));
  }, 240_000);

  it("turns text into ids and back, a line each", async () => {
    const text = "a cat 🐈";
    const there = await owl(["probe", "text", model.directory], { input: JSON.stringify({ text }) });
    const back = await owl(["probe", "text", model.directory], { input: there.out });
    expect(JSON.parse(back.out)).toEqual({ text });
  });

  it("teaches, from the repository's own command, and loads no model for it", async () => {
    let help = "";
    const files = await loadedFiles(async (variables) => {
      const options = { cwd: root, env: { ...process.env, ...variables } };
      help = (await promisify(execFile)("npm", ["run", "-s", "owl", "--", "--help"], options)).stdout;
    });
    for (const word of ["chat", "train", "inspect", "probe", "Exit codes"]) expect(help).toContain(word);
    const own = files.map((path) => relative(root, path)).filter((path) => path.startsWith("src/"));
    expect(own).toContain("src/cli/program.ts");
    expect(own.filter((path) => !path.startsWith("src/cli/"))).toEqual([]);
  });
});

describe("owl train", () => {
  it("does not begin over another run, and its adapter can be inspected", async () => {
    const path = recipe("finished.yaml", 2);
    const words = ["train", path, "--output", join(folder, "finished")];
    expect((await owlHere(...words)).code).toBe(0);
    const again = await owlHere(...words);
    expect(again).toMatchObject({ code: 2, err: expect.stringContaining("--resume goes on with it") });
    const inspected = await owlHere("inspect", join(folder, "finished", "adapter"));
    expect(inspected.out).toMatch(/rank 8, alpha 32, on q_proj, v_proj, and \d+ whole tensors/);
  });

  it("shows published numbers with their reasons, as a recipe that can be edited", async () => {
    const { out } = await owlHere("recipe", "stage-1");
    expect(out).toMatch(/^learningRate: 0.0001 +# .*§4.1; its appendix says 2e-4/m);
  });
});

describe("owl inspect", () => {
  it("lists every parameter, trained or frozen", async () => {
    const { code, out } = await owlHere("inspect", model.directory, "--stage", "1");
    expect(code).toBe(0);
    expect(out).toMatch(/^visual abstractor +query_tokens +\[1, 8, 64\] +512 trained$/m);
    expect(out).toMatch(/^language model +language_model.model.norm.weight +\[96\] +96 frozen$/m);
  });

  it("shows a LoRA where the adapter has it, and refuses one that does not fit", async () => {
    const adapterOf = async (width: number): Promise<string> => {
      const layers = ["self_attn.k_proj", "self_attn.o_proj"].map(
        (part) => `language_model.model.layers.0.${part}`,
      );
      const lora = new Map(
        layers.flatMap((layer) => [
          [loraName(layer, "A"), float32(new Array<number>(2 * width).fill(0), [2, width])] as const,
          [loraName(layer, "B"), float32(new Array<number>(2 * 96).fill(0), [96, 2])] as const,
        ]),
      );
      const settings = { rank: 2, alpha: 4, dropout: 0, targetModules: ["k_proj", "o_proj"] };
      const path = join(folder, `adapter-${width}`);
      await saveAdapter(path, { settings, lora, replaced: new Map() });
      return path;
    };
    const { out } = await owlHere("inspect", model.directory, "--adapter", await adapterOf(96));
    const shown = [...out.matchAll(/^LoRA +(\S+)\.lora_A\.weight .*trained$/gm)].map(([, layer]) => layer);
    const first = "language_model.model.layers.0.self_attn";
    expect(shown).toEqual([`${first}.k_proj`, `${first}.o_proj`]);
    const refused = await owlHere("inspect", model.directory, "--adapter", await adapterOf(95));
    expect(refused.code).toBe(1);
    expect(refused.err).toContain(`${first}.k_proj.weight [96, 95] where the model's is [96, 96]`);
  });
});

describe("owl probe", () => {
  it("pixels: a picture as the vision encoder gets it", async () => {
    const path = join(folder, "pixels.safetensors");
    const words = ["probe", "pixels", picture, model.directory, "--outputs", path, "--fidelity", "reference"];
    expect(await owlHere(...words)).toEqual({ code: 0, out: "", err: "" });
    const pixels = (await readSafetensors(path)).get("pixel_values");
    expect(pixels?.dims).toEqual([1, 3, 56, 56]);
  });

  it("model: hidden states, logits, loss, gradients and new tokens", async () => {
    const path = join(folder, "probe.safetensors");
    const inputs = ["--inputs", fixture("model/io.safetensors"), "--outputs", path];
    const adapter = ["--adapter", fixture("model/lora.safetensors")];
    const settings = ["--generate", '{"max_new_tokens": 4}'];
    const words = ["probe", "model", fixture("model"), ...inputs, "--stage", "2", ...adapter, ...settings];
    expect(await owlHere(...words)).toMatchObject({ code: 0, err: "" });
    const found = await readSafetensors(path);
    expect(found.get("logits")?.dims).toEqual([2, 24, 1024]);
    expect(found.get("ids")?.dims).toEqual([2, 4]);
    expect([...found.keys()]).toEqual(
      expect.arrayContaining([
        "vision.last_hidden_state",
        "abstractor.last_hidden_state",
        "inputs_embeds",
        "loss",
        "grad.query_tokens",
        "grad.base_model.model.language_model.model.layers.0.self_attn.q_proj.lora_A.weight",
      ]),
    );
  });
});

describe("videos", () => {
  it("are numbered pictures to a model of pictures, and a note says so", async () => {
    const words = ["chat", model.directory, "--video", fixture("image/animated.gif"), "--frames", "2"];
    const { code, out, err } = await owlHere(...words, "--max-new-tokens", "2", "what happens?");
    expect({ code, lines: out.split("\n").length }).toEqual({ code: 0, lines: 2 });
    expect(err).toContain("(This model takes no videos: each was given to it as 2 numbered pictures.)");
  });

  it("are known to a model of the video version, whose pictures are cut in the middle", async () => {
    const film = await videoFixture();
    try {
      const words = ["chat", film.directory, "--image", picture, "--video", fixture("image/animated.gif")];
      const chat = await owlHere(...words, "--max-new-tokens", "2", "same?");
      expect(chat).toMatchObject({ code: 0, err: expect.not.stringContaining("takes no videos") });
      expect((await owlHere("inspect", film.directory)).out).toMatch(/temporal_query_tokens +\[1, 3, 12\]/);
      const path = join(folder, "cut.safetensors");
      const photo = fixture("image/photo.jpg");
      await owlHere("probe", "pixels", photo, film.directory, "--outputs", path);
      const preprocessor = { ...CLIP_PREPROCESSOR, size: 16, fit: "crop" } as const;
      const cut = await loadPixelValues(photo, preprocessor);
      expect((await readSafetensors(path)).get("pixel_values")!.data).toEqual(cut);
    } finally {
      film.remove();
    }
  });
});

describe("a mistake", () => {
  const cases: [says: string, words: string[], code: number, text: string][] = [
    ["an unknown command", ["chta"], 2, "Did you mean chat?"],
    ["an unknown option", ["chat", "--imag", "x"], 2, "Did you mean --image?"],
    ["a question without quotes", ["chat", "what", "is", "this"], 2, "quote the question"],
    ["no model", ["chat", "./nowhere", "hi"], 2, "./nowhere: must be a model directory"],
    ["a picture as the model", ["chat", "examples/owl.png", "hi"], 2, "pictures are given by --image"],
    [
      "an adapter that is none",
      ["merge", "owl-nano", "--adapter", "./no", "--out", "x"],
      2,
      "./no: must be a LoRA",
    ],
    ["a stage that is none", ["inspect", ".", "--stage", "9"], 2, "Allowed choices are"],
    ["a number that is none", ["chat", "--seed", "x"], 2, "It must be a number"],
    ["no recipe", ["train", "none.yaml"], 1, "none.yaml: must be a readable text file, got no such file"],
  ];
  it.each(cases)("%s: says so and ends with a code, without a stack", async (_, words, code, text) => {
    const outcome = await owlHere(...words);
    expect(outcome).toMatchObject({ code, out: "", err: expect.stringContaining(text) });
    expect(outcome.err).not.toMatch(/^\s+at /m);
  });

  it("an unreadable picture", async () => {
    const { code, out, err } = await owlHere("chat", model.directory, "--image", "none.jpg", "what?");
    expect({ code, out, err }).toEqual({
      code: 1,
      out: "",
      err: "owl: none.jpg: must be a readable file, got no such file or directory\n",
    });
  });
});
