import { cp, mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import sharp from "sharp";
import { afterAll, beforeAll, expect, it } from "vitest";
import { owlFixture } from "../../tests/owl-fixture.ts";
import { owl } from "./testing/captured.ts";

const strangers = fileURLToPath(new URL("../../tests/fixtures/strangers/", import.meta.url));
let folder: string;
let model: Awaited<ReturnType<typeof owlFixture>>;
beforeAll(async () => {
  model = await owlFixture();
  folder = await mkdtemp(join(tmpdir(), "owl-train-rows-"));
});
afterAll(async () => {
  model.remove();
  await rm(folder, { recursive: true });
});

async function recipe(name: string, rows: string, more = ""): Promise<string> {
  const numbers = "steps: 3\nbatch: 2\nmaxTokens: 64\nsaveEvery: 2\nlearningRate: 0.01\n";
  const text = `extends: stage-2\nmodel: ${model.directory}\noutput: ${name}\ndata: [{ file: ${rows} }]\n${numbers}${more}`;
  await writeFile(join(folder, `${name}.yaml`), text);
  return join(folder, `${name}.yaml`);
}
const losses = async (name: string): Promise<unknown[]> => {
  const log = await readFile(join(folder, name, "log.jsonl"), "utf8");
  const events = log
    .trim()
    .split("\n")
    .map((line) => JSON.parse(line) as Record<string, unknown>);
  return events.filter(({ kind }) => kind === "step").map(({ loss }) => loss);
};

it("a row whose mark of the person lacks its blank is named by its line, and nothing is learned", async () => {
  await cp(join(strangers, "no-space-human.jsonl"), join(folder, "no-space-human.jsonl"));
  const { code, err } = await owl("train", await recipe("marks", "no-space-human.jsonl"));
  expect(code).toBe(1);
  expect(err).toMatch(
    /no-space-human.jsonl:1: "Human:bye" \(line 3 of the text\): .*must begin with "Human: "/,
  );
});

it("rows with line ends of another system are learned as those with line feeds", async () => {
  for (const name of ["crlf-text", "lf-text", "bom"]) {
    await cp(join(strangers, `${name}.jsonl`), join(folder, `${name}.jsonl`));
    const { code } = await owl("train", await recipe(name, `${name}.jsonl`), "--threads", "1");
    expect(code).toBe(0);
  }
  expect(await losses("crlf-text")).toEqual(await losses("lf-text"));
  expect(await losses("bom")).toHaveLength(3);
});

it("a damaged picture ends a run with a checkpoint, its row and the ways on; or it is found before, or left out", async () => {
  const noise = Buffer.from(Uint8Array.from({ length: 3 * 64 * 64 }, (_, i) => (i * i) % 251));
  const whole = await sharp(noise, { raw: { width: 64, height: 64, channels: 3 } })
    .jpeg()
    .toBuffer();
  const cut = whole.subarray(0, Math.floor(whole.length * 0.7));
  const rows = [1, 2, 3, 4, 5, 6].map((n) =>
    JSON.stringify({ image: [`${n}.jpg`], text: `Human: <image>\nHuman: what?\nAI: thing ${n}` }),
  );
  for (let n = 1; n <= 6; n++) await writeFile(join(folder, `${n}.jpg`), whole);
  await writeFile(join(folder, "pictures.jsonl"), rows.join("\n"));
  const path = await recipe("pictures", "pictures.jsonl", "seed: 1\n");
  await writeFile(join(folder, "6.jpg"), cut);
  const checked = await owl("train", path, "--check-pictures");
  expect(checked).toMatchObject({
    code: 1,
    err: expect.stringMatching(/line 6: picture .*6.jpg: must be a whole JPEG/),
  });

  const stopped = await owl("train", path, "--threads", "1");
  expect(stopped.code).toBe(1);
  expect(stopped.err).toMatch(/pictures.jsonl:6: .*6.jpg/);
  const learned = (await losses("pictures")).length;
  expect(learned).toBeGreaterThan(0);
  expect(stopped.err).toContain(`What was learned up to step ${learned} is saved: mend the cause, then`);
  expect(stopped.err).toContain("--skip-bad-rows N leaves up to N such rows out");
  expect(stopped.err).toContain(
    "--resume` goes on from there (with --allow-changed-data, if it is another file or row then)",
  );
  await cp(join(folder, "pictures"), join(folder, "mended"), { recursive: true });

  const left = await owl("train", path, "--threads", "1", "--skip-bad-rows", "1", "--resume");
  expect(left.code).toBe(0);
  expect(left.out).toMatch(/left out .*pictures.jsonl:6, .*pictures.jsonl:\d in its place: .*6.jpg/);

  await writeFile(join(folder, "pictures.jsonl"), rows.slice(1).join("\n"));
  const other = await owl("train", path, "--threads", "1", "--resume");
  expect(other.code).toBe(1);
  expect(other.err).toMatch(/data 1: pictures.jsonl, 6 rows, now pictures.jsonl, 5 rows/);
  const meant = ["--resume", "--allow-changed-data", "--skip-bad-rows", "1"];
  expect((await owl("train", path, "--threads", "1", ...meant)).code).toBe(0);

  // The picture that was damaged from the beginning is mended.
  await writeFile(join(folder, "pictures.jsonl"), rows.join("\n"));
  await writeFile(join(folder, "6.jpg"), whole);
  const mended = [path, "--threads", "1", "--output", join(folder, "mended"), "--resume"];
  expect((await owl("train", ...mended)).err).toContain("goes on with --allow-changed-data");
  expect((await owl("train", ...mended, "--allow-changed-data")).code).toBe(0);
});
