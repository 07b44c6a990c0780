import { cp, mkdir, mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import sharp from "sharp";
import { afterAll, afterEach, beforeAll, describe, expect, it, vi } from "vitest";
import { owl } from "./testing/captured.ts";

const fixture = (path: string): string =>
  fileURLToPath(new URL(`../../tests/fixtures/${path}`, import.meta.url));

let folder: string;
const at = (name: string): string => join(folder, name);
const write = async (name: string, content: string | readonly unknown[]): Promise<string> => {
  const text = typeof content === "string" ? content : content.map((row) => JSON.stringify(row)).join("\n");
  await writeFile(at(name), text);
  return at(name);
};
const row = (image: string, answer = "red"): object => ({
  id: answer,
  image: [image],
  text: `Human: <image>\nHuman: which color?\nAI: ${answer}`,
});
const recipe = (name: string, data: string, more = ""): Promise<string> =>
  write(
    `${name}.yaml`,
    `extends: stage-2\nmodel: owl-nano\noutput: ${name}\ndata: [${data}]\nsteps: 3\nbatch: 2\nmaxTokens: 120\n${more}`,
  );

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "owl-data-"));
  const picture = sharp({ create: { width: 20, height: 20, channels: 3, background: "red" } });
  await picture.clone().png().toFile(at("red.png"));
  const whole = await picture.clone().resize(200, 200).jpeg().toBuffer();
  await writeFile(at("cut.jpg"), whole.subarray(0, whole.length - 200));
});
afterAll(() => rm(folder, { recursive: true }));

describe("owl data check", () => {
  it("reports what strangers' files hold, each by file, line and reason", async () => {
    const names = ["crlf-text", "lf-text", "bom", "no-space-human"];
    for (const name of names) await cp(fixture(`strangers/${name}.jsonl`), at(`${name}.jsonl`));
    await write("caption.jsonl", [{ image: ["red.png"], text: "a red thing" }]);
    await write("plain.jsonl", [{ text: "words" }]);
    const files = [...names, "caption", "plain"].map((name) => at(`${name}.jsonl`));
    const { code, out } = await owl("data", "check", ...files, at("away.jsonl"));
    expect(code).toBe(1);
    const [crlf, lf, bom, noSpace, caption, plain, away] = out.split("\n\n");
    expect(crlf.replace("crlf", "lf")).toBe(lf);
    expect(lf).toMatch(/lf-text.jsonl: jsonl, conversations\n {2}rows +1: 1 good, 0 bad\n/);
    expect(bom).toMatch(/rows +2: 2 good, 0 bad/);
    expect(bom).toMatch(/tokens +are counted by a model: --model owl-nano/);
    expect(noSpace).toMatch(
      /rows +1: 0 good, 1 bad\n {2}bad +1 row, 1 problem:\n.*no-space-human.jsonl:1: "Human:bye" \(line 3/,
    );
    expect(caption).toMatch(/jsonl, captions\n.*1 good, 0 bad\n {2}pictures +1; 1 different, decoded/);
    expect(plain).toMatch(/jsonl, plain text\n.*1 good, 0 bad/);
    expect(away).toMatch(/away.jsonl: no such file/);
  });

  it("tells of a recipe's files tokens, what is learned, what is cut, and every bad row; and writes the good ones", async () => {
    const long = { text: `Human: hi\nAI: ${"a word ".repeat(80)}\nHuman: and?\nAI: hello` };
    const good = [row("red.png"), long].map((one) => JSON.stringify(one));
    const bad = [row("red.pgn"), { text: "Human: hi\nHuman:bye" }, row("cut.jpg")].map((one) =>
      JSON.stringify(one),
    );
    await write("mixed.jsonl", [good[0], ...bad, good[1], "{broken"].join("\r\n"));
    const path = await recipe("mixed", "{ file: mixed.jsonl }");
    const found = await owl("data", "check", path, "--fix", at("good.jsonl"));
    expect(found).toMatchObject({ code: 1, err: "" });
    expect(found.out).toMatch(/rows +6: 2 good, 4 bad\n {2}pictures +3; 3 different, decoded\n/);
    expect(found.out).toMatch(
      / {2}tokens +\d+; a row \d+ to \d+, half of them up to \d+\n {2}supervised +\d+; a row 2 to/,
    );
    expect(found.out).toMatch(
      /longer +of 120 tokens at most: 1 row without the oldest turns\n {2}tokens a row\n +\d+–\d+ █+ \d/,
    );
    expect(found.out).toMatch(
      /bad +4 rows, 4 problems:\n +line 2: picture .*red.pgn: no such file; did you mean red.png\?\n.*mixed.jsonl:3: "Human:bye".*\n +line 4: picture .*cut.jpg: must be a whole JPEG.*\n +line 6: must be JSON/,
    );
    expect(found.out).toContain("good.jsonl: the 2 good rows of ");
    expect(await readFile(at("good.jsonl"), "utf8")).toBe(`${good.join("\n")}\n`);
    const again = await owl("data", "check", path, "--set", "data.0.file=good.jsonl");
    expect([again.code, again.out.match(/rows .*/)?.[0]]).toEqual([0, "rows       2: 2 good, 0 bad"]);
    const other = await owl("data", "check", path, "--fix", at("good.jsonl"));
    expect(other).toMatchObject({ code: 1, err: expect.stringMatching(/good.jsonl: must not be there yet/) });
  });

  it("writes good rows so that they train: in their own form where their paths stay right, else as lines that say everything", async () => {
    const turns = (answer: string): object[] => [
      { from: "human", value: "<image>\nwhich color?" },
      { from: "gpt", value: answer },
    ];
    const llava = [
      { id: 1, image: "red.png", conversations: turns("red") },
      { id: 2, image: "red.png", conversations: turns("") },
      { id: 3, image: "red.png", conversations: turns("Human: red\nstill") },
    ];
    await write("llava.json", JSON.stringify(llava, undefined, 2));
    await write("table.tsv", "image\tcaption\nred.png\ta red thing\nred.pgn\tnothing\n");
    await owl("data", "check", at("llava.json"), "--fix", at("own.json"));
    expect(JSON.parse(await readFile(at("own.json"), "utf8"))).toEqual([llava[0], llava[2]]);
    await owl("data", "check", at("table.tsv"), "--fix", at("own.tsv"));
    expect(await readFile(at("own.tsv"), "utf8")).toBe("image\tcaption\nred.png\ta red thing\n");
    const { err } = await owl("data", "check", at("table.tsv"), "--fix", at("own.csv"));
    expect(err).toMatch(/own.csv: must end in .tsv/);

    await write("plain.jsonl", [row("red.png"), { text: "Human: hi" }]);
    await mkdir(at("shards"));
    await cp(fixture("rows/captions.parquet"), at("shards/captions.parquet"));
    const files = ["llava.json", "table.tsv", "plain.jsonl", "shards/captions.parquet"].map(at);
    const { out } = await owl("data", "check", ...files, "--fix", at("fixed"));
    expect(out).toContain("each a line of JSON that says everything");
    const fixed = ["llava", "table", "plain", "captions"].map((name) => at(`fixed/${name}.jsonl`));
    const again = await owl("data", "check", ...fixed);
    expect(again.code).toBe(0);
    expect(again.out.match(/^\/.*: .*$/gm)?.map((line) => line.replace(/.*: /, ""))).toEqual([
      "messages, conversations",
      "table, captions",
      "jsonl, conversations",
      "table, captions",
    ]);
    const shown = await owl("data", "show", fixed[0], "-n", "2");
    expect(shown.out).toMatch(/⟨picture, 73 tokens⟩[^⟦]*which color\?\n[^⟦]*AI:[^⟦]*⟦ +red<\/s>⟧/);
    expect(JSON.parse(await readFile(fixed[2], "utf8"))).toEqual({
      ...row("red.png"),
      image: ["../red.png"],
    });
  });

  it("shows as many problems as are asked for, with their number, and what does not go together", async () => {
    await write("many.jsonl", new Array(3000).fill({ text: 1 }));
    const { out } = await owl("data", "check", at("many.jsonl"), "--problems", "2");
    expect(out).toMatch(/bad +3,000 rows, 3,000 problems:\n +line 1: .*\n +line 2: .*\n +and 2998 more\n$/);
    await write("comma.json", '[{"instruction": "a", "output": "b"}, {"instruction": "a"},]');
    expect((await owl("data", "check", at("comma.json"))).out).toMatch(
      /2: 1 good, 1 bad\n.*1 row, 2 problems:/s,
    );
    await write("said.jsonl", [{ text: "Be kind.\nHuman: hi\nAI: hello" }, { text: "Human: hi\nAI: hello" }]);
    const alone = await owl("data", "check", at("said.jsonl"));
    expect(alone.code).toBe(0);
    expect(alone.out).toMatch(
      /begin +1 row with "Be kind.", the first .*said.jsonl:1\n +1 row with no system sentence/,
    );
    const path = await recipe("said", "{ file: said.jsonl }");
    const together = await owl("data", "check", path);
    expect(together).toMatchObject({
      code: 1,
      out: expect.stringMatching(/all conversations must begin alike/),
    });
    expect((await owl("data", "check", path, "--set", "system=Be kind.")).code).toBe(0);
  });

  it("tells a recipe that is JSON from rows", async () => {
    await write("json.jsonl", [row("red.png")]);
    const content = { extends: "stage-2", model: "owl-nano", output: "json", steps: 3, batch: 2 };
    const path = await write(
      "json.json",
      JSON.stringify({ ...content, data: [{ file: "json.jsonl" }] }, undefined, 2),
    );
    const { code, out } = await owl("data", "check", path);
    expect([code, out]).toEqual([0, expect.stringMatching(/json\.jsonl: .*\n {2}rows +1: 1 good, 0 bad/)]);
    const { err } = await owl("data", "check", path, at("json.jsonl"));
    expect(err).toMatch(/takes one recipe or files of rows/);
    const alone = await write("alone.json", JSON.stringify({ text: "Human: hi\nAI: hello", data: ["a"] }));
    expect((await owl("data", "check", alone)).code).toBe(0);
  });

  it("refuses what it would not use", async () => {
    const path = await recipe("refused", "{ file: said.jsonl }");
    for (const [words, reason] of [
      [[path, at("said.jsonl")], /takes one recipe or files of rows/],
      [[path, "--model", "owl-nano"], /--model: is for files without a recipe/],
      [[at("said.jsonl"), "--set", "steps=3"], /--set: is for the keys of a recipe/],
    ] as const) {
      expect(await owl("data", "check", ...words)).toMatchObject({
        code: 2,
        err: expect.stringMatching(reason),
      });
    }
    const wrong = await recipe("wrong", "{ file: said.jsonl, fromat: jsonl }");
    expect(await owl("data", "check", wrong)).toMatchObject({
      code: 1,
      err: expect.stringMatching(/fromat/),
    });
  });
});

describe("owl data show", () => {
  afterEach(() => {
    vi.unstubAllEnvs();
    process.stdout.isTTY = false;
  });

  it("prints rows as the model sees them, what is learned marked or green, signs of a terminal as their codes", async () => {
    const rows = [row("red.png", "\u001b[31mred"), { text: "Human: hi\nHuman:bye" }, row("red.png")];
    await write("shown.jsonl", rows);
    const marked = await owl("data", "show", at("shown.jsonl"), "-n", "2");
    expect(marked.code).toBe(1);
    expect(marked.out).toContain("what is learned stands in ⟦ ⟧; as owl-nano sees it");
    expect(marked.out).toMatch(
      /shown.jsonl:1: \d+ tokens, \d+ learned\n {2}<s>Human: ⟨picture, 73 tokens⟩ \n {2}Human: +which color\?\n {3}AI: ⟦ +\\x1b\[31mred<\/s>⟧\n/,
    );
    expect(marked.out).toMatch(/shown.jsonl:2: cannot be learned\n {2}"Human:bye"/);
    expect(marked.out).not.toContain("shown.jsonl:3");
    process.stdout.isTTY = true;
    vi.stubEnv("NO_COLOR", "");
    const green = await owl("data", "show", at("shown.jsonl"), "-n", "1");
    expect(green.out).toContain("AI: \u001b[32m  \\x1b[31mred</s>\u001b[39m\n");
    vi.stubEnv("NO_COLOR", "1");
    expect((await owl("data", "show", at("shown.jsonl"), "-n", "1")).out).toContain("⟦");
  });

  it("prints a recipe's rows with its system sentence, within its length", async () => {
    await write("long.jsonl", [{ text: `Human: hi\nAI: ${"a word ".repeat(80)}\nHuman: and?\nAI: hello` }]);
    const path = await recipe("long", "{ file: long.jsonl }", "system: Be kind.\n");
    const { code, out } = await owl("data", "show", path);
    expect(code).toBe(0);
    expect(out).toMatch(
      /long.jsonl:1: \d+ tokens, \d+ learned, the oldest turn left out\n {2}<s>be kind. \n {2}Human: +and\?/,
    );
  });
});
