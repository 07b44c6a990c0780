import { execFile } from "node:child_process";
import { mkdirSync, readdirSync, readFileSync, symlinkSync, writeFileSync } from "node:fs";
import { createRequire } from "node:module";
import { join } from "node:path";
import { fileURLToPath, pathToFileURL } from "node:url";
import { promisify } from "node:util";
import sharp from "sharp";
import { afterAll, beforeAll, expect, test } from "vitest";
import { owlFixture } from "./owl-fixture.ts";

const root = fileURLToPath(new URL("..", import.meta.url));

interface Example {
  readonly where: string;
  readonly code: string;
}

/** The blocks marked `ts` of a text that use the package. */
function examplesIn(path: string, text: string): Example[] {
  return [...text.matchAll(/^```ts\n([\s\S]*?)^```$/gm)]
    .map((match, i) => ({ where: `${path}, example ${i + 1}`, code: match[1] }))
    .filter(({ code }) => code.includes('from "mplug-owl"'));
}

const read = (path: string): string => readFileSync(join(root, path), "utf8");

const documents = ["README.md", ...readdirSync(join(root, "docs")).map((name) => `docs/${name}`)].filter(
  (path) => path.endsWith(".md"),
);
const sources = readdirSync(join(root, "src"), { recursive: true, encoding: "utf8" })
  .filter((name) => name.endsWith(".ts"))
  .map((name) => `src/${name}`);

const examples = [
  ...documents.flatMap((path) => examplesIn(path, read(path))),
  ...sources.flatMap((path) => examplesIn(path, read(path).replaceAll(/^ +\* ?/gm, ""))),
];

let fixture: Awaited<ReturnType<typeof owlFixture>>;

// The examples run where a directory called models/owl-nano and a picture called examples/dog.png are.
beforeAll(async () => {
  fixture = await owlFixture();
  const { directory } = fixture;
  mkdirSync(join(directory, "models"));
  symlinkSync(directory, join(directory, "models", "owl-nano"));
  mkdirSync(join(directory, "examples"));
  const colour = { width: 64, height: 64, channels: 3, background: "#aa7744" } as const;
  await sharp({ create: colour }).toFile(join(directory, "examples", "dog.png"));
});
afterAll(() => fixture.remove());

test("every example of the documents and doc comments runs", { timeout: 240_000 }, async () => {
  expect(examples.length).toBeGreaterThan(5);
  const library = pathToFileURL(join(root, "src/index.ts")).href;
  const runs = examples.map(({ where, code }, i) => {
    writeFileSync(join(fixture.directory, `${i}.mts`), code.replace('from "mplug-owl"', `from "${library}"`));
    return `process.stderr.write(${JSON.stringify(`${where}\n`)}); await import("./${i}.mts");`;
  });
  writeFileSync(join(fixture.directory, "all.mts"), runs.join("\n"));
  // One process for all: compiling the sources takes longer than the examples.
  const tsx = pathToFileURL(createRequire(import.meta.url).resolve("tsx")).href;
  const options = { cwd: fixture.directory };
  const { stderr, stdout } = await promisify(execFile)(
    process.execPath,
    ["--import", tsx, "all.mts"],
    options,
  );
  expect(stderr.trim().split("\n")).toEqual(examples.map(({ where }) => where));
  expect(stdout).toContain("[ 1, 8, 64 ]");
});
