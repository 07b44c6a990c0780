import { copyFileSync, existsSync, mkdirSync, mkdtempSync, readdirSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, afterEach, beforeAll, describe, expect, test, vi } from "vitest";
import { openWeights, readModelConfig } from "../../src/checkpoint/index.ts";
import { promptAnswer } from "../../src/cli/probe-prompt.ts";
import { runCli } from "../../src/cli/program.ts";
import { encodePrompt } from "../../src/prompt/index.ts";
import { loadTokenizer } from "../../src/tokenizer/index.ts";
import { shared, sharedAvailable } from "../shared.ts";

const settings = /^(config|generation_config|preprocessor_config|tokenizer|special_tokens|model)/;

/** What the terminal says of models of the line, as their directories are published. */
describe.skipIf(!sharedAvailable)("the terminal's doors of mPLUG-Owl2 and of a reader of documents", () => {
  const work = mkdtempSync(join(tmpdir(), "owl-line-"));
  const [owl2, reader] = ["tiny-owl2", "tiny-ureader"].map((name) => join(work, name));
  beforeAll(() => {
    for (const name of ["tiny-owl2", "tiny-ureader"]) {
      const from = shared(`golden/${name}`);
      mkdirSync(join(work, name));
      for (const file of readdirSync(from).filter((one) => settings.test(one))) {
        copyFileSync(join(from, file), join(work, name, file));
      }
    }
  });
  afterAll(() => rmSync(work, { recursive: true }));
  afterEach(() => {
    vi.restoreAllMocks();
  });

  async function owl(...words: string[]): Promise<{ code: number; out: string; err: string }> {
    const said = { out: "", err: "" };
    for (const [stream, name] of [[process.stdout, "out"] as const, [process.stderr, "err"] as const]) {
      vi.spyOn(stream, "write").mockImplementation((chunk) => {
        said[name] += chunk;
        return true;
      });
    }
    return { code: await runCli(words), ...said };
  }

  test("inspect names tensors as the files do, and a recipe's own LoRA", async () => {
    const { out } = await owl("inspect", owl2, "--stage", "owl2-lora");
    const listed = new Set(out.split("\n").flatMap((line) => line.match(/ (\S+) +\[/)?.[1] ?? []));
    const weights = await openWeights(owl2);
    await weights.close();
    expect(weights.tensors.map(({ name }) => name).filter((name) => !listed.has(name))).toEqual([]);
    expect(out).toMatch(/ model\.layers\.2\.self_attn\.v_proj\.multiway\.1\.lora_A\.weight +\[128, 64\]/);
  });

  test("convert asks a reader as it is asked elsewhere, without a system sentence", async () => {
    const { out } = await owl(
      "convert",
      reader,
      "--out",
      join(work, "q8"),
      "--quantize",
      "q8",
      "--check",
      "hi",
    );
    const ids = encodePrompt("Human: hi\nAI: ", await loadTokenizer(reader), { tokensPerImage: 9 });
    expect(out).toContain(`of ${ids.length} positions`);
  });

  test("a last answer without words is what a prompt asks for", async () => {
    const [config, tokenizer] = [await readModelConfig(owl2), await loadTokenizer(owl2)];
    const question = { role: "user", content: "<|image|>What is this?" };
    const asked = (...more: object[]): object => {
      const line = JSON.stringify({ messages: [question, ...more], pictures: [[514, 394]] });
      return promptAnswer({ config, tokenizer, preprocessor: undefined }, line, "line 1");
    };
    expect(asked()).toMatchObject({ text: "USER: <|image|>What is this? ASSISTANT:" });
    expect(asked({ role: "assistant", content: "" })).toEqual(asked());
    expect(asked({ role: "assistant", content: "A cat." })).not.toEqual(asked());
  });

  test("push writes a card that says what the model is, and how many positions a picture takes", async () => {
    const { out } = await owl("push", reader, "org/mine", "--dry-run");
    expect(out).toContain("An mPLUG-Owl (arXiv 2304.14178) that reads pictures in tiles, as UReader does");
    expect(out).toContain("the whole of a picture, and each of its tiles, takes 9 positions");
    const other = await owl("push", owl2, "org/mine", "--dry-run");
    expect(other.out).toContain("An mPLUG-Owl2 (arXiv 2311.04257), made");
    expect(other.out).toContain("; a picture takes 9 positions");
  });

  test.each([
    [
      "tiny-owl2",
      "onnx",
      "got mPLUG-Owl2, whose layers must be told which tokens are a picture's. Run it here",
    ],
    [
      "tiny-owl2",
      "gguf",
      "got the layers: must be the same for text and pictures, got two of each. Run it here",
    ],
    ["tiny-ureader", "onnx", "got pictures in tiles, of which transformers.js has as many for every picture"],
  ])("export of %s as %s is refused in words, with what to do", async (name, format, words) => {
    const out = join(work, "exported");
    const refused = await owl("export", join(work, name), "--format", format, "--out", out);
    expect(refused).toMatchObject({ code: 1, err: expect.stringContaining(words) });
    expect(existsSync(out)).toBe(false);
  });
});
