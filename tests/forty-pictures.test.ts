import { execFile } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath, pathToFileURL } from "node:url";
import { promisify } from "node:util";
import { afterAll, beforeAll, expect, test } from "vitest";
import { builtOwl, builtProgram } from "./setup/programs.ts";

const root = fileURLToPath(new URL("..", import.meta.url));
const part = (heading: string): string => {
  const text = readFileSync(join(root, "docs/training.md"), "utf8");
  return text.slice(text.indexOf(heading)).split(/^##+ /m)[1];
};
const blocks = (text: string, language: string): string[] =>
  [...text.matchAll(new RegExp(`^\`\`\`${language}\n([\\s\\S]*?)^\`\`\``, "gm"))].map(([, code]) => code);

let folder: string;
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), "owl-forty-"));
});
afterAll(() => rmSync(folder, { recursive: true }));

/** Runs a shell line of the document in the folder, with what is built of this repository's sources as the installed package. */
async function run(line: string): Promise<string> {
  const words = [...line.matchAll(/"([^"]*)"|(\S+)/g)].map(([, quoted, bare]) => quoted ?? bare);
  const [node, program] = await builtOwl();
  const command = words[0] === "npx" ? [program, ...words.slice(2)] : words.slice(1);
  return (await promisify(execFile)(node, command, { cwd: folder })).stdout;
}

/** Runs commands of `owl` in one process, which is quicker. */
async function runTogether(lines: readonly string[]): Promise<string> {
  const commands = lines.map((line) => line.replace(/ +#.*/, "").split(" ").slice(2));
  const program = pathToFileURL(await builtProgram("src/cli/program.ts")).href;
  const runs = `for (const words of ${JSON.stringify(commands)}) if ((await runCli(words)) !== 0) process.exit(1);`;
  writeFileSync(join(folder, "together.mjs"), `import { runCli } from ${JSON.stringify(program)};\n${runs}`);
  return run("node together.mjs");
}

/** Writes the programs and recipes of a section of the document, with few enough steps for a test. */
async function writeFiles(text: string): Promise<void> {
  const source = pathToFileURL(await builtProgram("src/index.ts")).href;
  for (const code of blocks(text, "js")) {
    const [, name] = /^\/\/ (\S+)/.exec(code)!;
    writeFileSync(join(folder, name), code.replace('"mplug-owl"', JSON.stringify(source)));
  }
  for (const yaml of blocks(text, "yaml")) {
    const name = /^output: (\S+)/m.exec(yaml)![1];
    const few = yaml.replace(/^steps: \d+/m, "steps: 4").replace(/^evaluateEvery: \d+/m, "evaluateEvery: 2");
    writeFileSync(join(folder, `${name}.yaml`), few);
  }
}

test("forty pictures: what the document says, line by line", { timeout: 240_000 }, async () => {
  const text = part("## Forty pictures of your own");
  await writeFiles(text);
  const lines = blocks(text, "sh").flatMap((block) => block.trim().split("\n"));
  const said: string[] = [];
  for (const line of lines) said.push(await run(line));
  const row = readFileSync(join(folder, "train.jsonl"), "utf8").split("\n")[0];
  expect(text).toContain(`    ${row}\n`);
  expect(said[1]).toMatch(/rows +40: 40 good, 0 bad\n +pictures +40; 40 different, decoded/);
  expect(said[2]).toMatch(/train.jsonl \(40 rows, checked before\)/);
  expect(said[2]).toMatch(/step 4: loss on held-out rows \d/);
  for (const step of [0, 2, 4]) expect(said[2]).toMatch(`step ${step}: "which sign is this?" "`);
  expect(said[2]).toContain("ask it     owl chat signs/model --image FILE");
  for (const answer of said.slice(-2)) expect(answer).toMatch(/^\d+ of 40 right$/m);
  expect(lines).toHaveLength(6);

  const looked = await runTogether(blocks(part("### Before a run"), "sh")[0].trim().split("\n"));
  expect(looked).toContain(said[1]);
  expect(looked).toContain("good.jsonl: the 40 good rows of train.jsonl");
  expect(looked).toMatch(/AI: ⟦ +ring<\/s>⟧\n\ntrain.jsonl:2: /);

  await writeFiles(part("### When it gets no better"));
  const best = await run("npx owl train best.yaml");
  expect(best).toMatch(/^disk .*; 3 are kept; /m);
  expect(best).toMatch(/^best +step [24] had the lowest loss on held-out rows; it is the result$/m);
});

test(
  "from nothing: the same rows begin a tokenizer, a language model and its eyes",
  { timeout: 240_000 },
  async () => {
    const text = part("### From nothing");
    await writeFiles(text);
    const lines = blocks(text, "sh").flatMap((block) => block.trim().split("\n"));
    const said: string[] = [];
    for (const line of lines) said.push(await run(line));
    expect(readFileSync(join(folder, "texts.jsonl"), "utf8").split("\n")[0]).toBe(
      '{"text":"Human: which sign is this?\\nAI: ring"}',
    );
    expect(said[3]).toContain("ask it     owl chat eyes/model --image FILE");
    expect(said.at(-1)).toMatch(/^\d+ of 40 right$/m);
  },
);

test(
  "a base model in few bits: a LoRA is trained beside it, and asked with it",
  { timeout: 240_000 },
  async () => {
    const text = part("### A base model in few bits");
    await writeFiles(text);
    const [convert, train, ...asked] = blocks(text, "sh").flatMap((block) => block.trim().split("\n"));
    await run(convert);
    const said = await run(train);
    expect(said).toMatch(/^parameters .* learn; the base model's weights stay in few bits/m);
    expect(said).toMatch(/^done .*small: adapter\/ \(the LoRA/m);
    expect(said).toContain("ask it     owl chat small --image FILE");
    const [one, other] = [await run(asked[0]), await run(asked[1])];
    expect(one.trim()).not.toBe("");
    expect(other).toBe(one);
  },
);
