import { spawn } from "node:child_process";
import { once } from "node:events";
import { mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath, pathToFileURL } from "node:url";
import { afterAll, beforeAll, expect, it } from "vitest";
import { builtOwl } from "../../tests/setup/programs.ts";
import { readRecipeFile } from "../recipes/index.ts";
import { owl } from "./testing/captured.ts";

const root = fileURLToPath(new URL("../..", import.meta.url));
const shipped = join(root, "models/owl-nano");
let folder: string;

beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), "owl-names-"));
  mkdirSync(join(folder, "models of mine"));
  symlinkSync(shipped, join(folder, "models of mine", "nano"));
  writeFileSync(join(folder, "rows.jsonl"), '{"text": "Human: hi\\nAI: hello"}\n');
});
afterAll(() => rmSync(folder, { recursive: true }));

/** Names of the shipped owl, as a person may write them. */
const names = (): string[] => [
  "owl-nano",
  join(folder, "models of mine", "nano"),
  pathToFileURL(join(folder, "models of mine", "nano")).href,
];

it("every command takes the shipped owl's name, a path and a file: URL", async () => {
  for (const name of names()) {
    const answered = await owl("chat", name, "what do cats eat?");
    expect(answered).toMatchObject({ code: 0, out: expect.stringMatching(/^cats eat .*\n$/) });
    expect(await owl("inspect", name)).toMatchObject({
      code: 0,
      out: expect.stringContaining("query_tokens"),
    });
  }
  const out = join(folder, "nano-q8");
  expect(await owl("convert", "owl-nano", "--quantize", "q8", "--out", out)).toMatchObject({ code: 0 });
  expect(await owl("chat", pathToFileURL(out).href, "what do cats eat?")).toMatchObject({ code: 0 });
});

it("a lone owl-nano is the model, not a question", async () => {
  // A process of its own, for its standard input: the conversation ends at once, because that is empty.
  const [node, program] = await builtOwl();
  const talking = spawn(node, [program, "chat", "owl-nano"], {
    cwd: root,
    stdio: ["ignore", "pipe", "pipe"],
  });
  let out = "";
  talking.stdout.on("data", (bytes: Buffer) => {
    out += bytes;
  });
  const [code] = await once(talking, "close");
  expect({ code, out }).toEqual({ code: 0, out: "" });
  expect((await owl("chat", "owl nano")).out).not.toBe("");
});

it("a recipe takes the same names", async () => {
  for (const name of [...names(), "models of mine/nano"]) {
    const recipe = join(folder, "mine.yaml");
    const lines = [
      "extends: stage-2",
      `model: ${JSON.stringify(name)}`,
      "output: run",
      "data: [{ file: rows.jsonl }]",
    ];
    writeFileSync(recipe, lines.join("\n"));
    const { model } = await readRecipeFile(recipe);
    expect([shipped, join(folder, "models of mine", "nano")]).toContain(model);
  }
});

it.each([
  ["chat", "org/none", "hello"],
  ["serve", "org/none"],
  ["inspect", "org/none"],
  ["merge", "org/none", "--adapter", "a", "--out", "b"],
  ["convert", "org/none", "--out", "b"],
])("owl %s %s: what is no model is told with what fetches it", async (...words) => {
  expect(await owl(...words)).toMatchObject({
    code: 2,
    err: expect.stringMatching(/org\/none: must be a model directory.*`owl pull org\/none` fetches it/),
  });
});
