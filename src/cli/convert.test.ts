import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, afterEach, beforeAll, expect, test, vi } from "vitest";
import { owlFixture } from "../../tests/owl-fixture.ts";
import { runCli } from "./program.ts";

let model: Awaited<ReturnType<typeof owlFixture>>;
let folder: string;
beforeAll(async () => {
  model = await owlFixture();
  folder = mkdtempSync(join(tmpdir(), "owl-convert-"));
});
afterAll(() => {
  model.remove();
  rmSync(folder, { recursive: true });
});
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

test("owl convert says what it saves and changes; the result chats and can be inspected", async () => {
  const output = join(folder, "small");
  const made = await owl("convert", model.directory, "--out", output, "--check", "hi");
  expect(made.code).toBe(0);
  expect(made.out).toMatch(/[\d.]+ MB became \d+ kB in 1 file, [\d.]+ s/);
  expect(made.out).toMatch(/language 4 bits +weights changed by \d+\.\d\d %/);
  expect(made.out).toMatch(/"hi": logits changed by [\d.]+ %.*the same at \d+ of \d+ positions/);
  const asked = await owl("chat", output, "--max-new-tokens", "4", "hi");
  expect(asked).toMatchObject({ code: 0 });
  expect((await owl("inspect", output)).out).toContain("q_proj.weight.packed");
  const again = await owl("convert", model.directory, "--out", output);
  expect(again).toMatchObject({ code: 1, err: expect.stringContaining("a directory without a model") });
});

test("owl inspect counts weights of eight bits as a byte, signed ones too", async () => {
  const memory = async (name: string, ...options: string[]): Promise<number> => {
    const output = join(folder, name);
    await owl("convert", model.directory, "--out", output, "--quantize", "q8", ...options);
    const { out } = await owl("inspect", output);
    expect(out).toContain("packed weights a byte an element");
    return Number(/([\d.]+) MiB of memory/.exec(out)![1]);
  };
  const [rows, blocks] = [await memory("rows", "--vision-block-size", "row"), await memory("blocks")];
  // Scales and sums of rows are fewer than scales of blocks.
  expect(rows).toBeLessThanOrEqual(blocks);
});

test.each([
  [["convert", "nowhere", "--out", "x"], "nowhere"],
  [["convert", "nowhere"], "--out"],
  [["convert", "nowhere", "--out", "x", "--quantize", "q5"], "q5"],
  [["convert", "nowhere", "--out", "x", "--block-size", "row"], "--quantize q8"],
])("%j is a mistake in the words", async (words, text) => {
  const { code, err } = await owl(...words);
  expect(code).toBe(2);
  expect(err).toContain(text);
});
