import { execFile } from "node:child_process";
import { copyFileSync, mkdirSync, symlinkSync, writeFileSync } from "node:fs";
import { createRequire } from "node:module";
import { join } from "node:path";
import { fileURLToPath, pathToFileURL } from "node:url";
import { promisify } from "node:util";
import { afterAll, beforeAll, expect, test } from "vitest";
import { publishedSource } from "./api/published.ts";
import { documentedExamples } from "./documented-examples.ts";
import { owlFixture } from "./owl-fixture.ts";

const root = fileURLToPath(new URL("..", import.meta.url));

let fixture: Awaited<ReturnType<typeof owlFixture>>;

// The examples run in an empty project that has only the pictures of examples/ and a fetched repo in the hub's cache.
beforeAll(async () => {
  fixture = await owlFixture();
  const { directory } = fixture;
  mkdirSync(join(directory, "examples"));
  // The hub's cache, with the repo that is asked for.
  const repo = join(directory, "hub", "models--MAGAer13--mplug-owl-llama-7b");
  const commit = "0123456789abcdef0123456789abcdef01234567";
  for (const folder of ["refs", "snapshots"]) mkdirSync(join(repo, folder), { recursive: true });
  writeFileSync(join(repo, "refs", "main"), commit);
  symlinkSync(directory, join(repo, "snapshots", commit));
  for (const picture of ["penguin.png", "owl.png"]) {
    copyFileSync(join(root, "examples", picture), join(directory, "examples", picture));
  }
});
afterAll(() => fixture.remove());

/** An import of the package, from its sources. */
const source = (_: string, specifier: string): string =>
  `from "${pathToFileURL(publishedSource(specifier)).href}"`;

test("every example of the documents and doc comments runs", { timeout: 240_000 }, async () => {
  expect(documentedExamples.length).toBeGreaterThan(5);
  const runs = documentedExamples.map(({ where, code }, i) => {
    const own = code.replaceAll(/from "(mplug-owl(?:\/\w+)?)"/g, source);
    writeFileSync(join(fixture.directory, `${i}.mts`), own);
    return `process.stderr.write(${JSON.stringify(`${where}\n`)}); await import("./${i}.mts");`;
  });
  writeFileSync(join(fixture.directory, "all.mts"), runs.join("\n"));
  // One process for all: compiling the sources takes longer than the examples.
  const tsx = pathToFileURL(createRequire(import.meta.url).resolve("tsx")).href;
  const environment = { ...process.env, HF_HUB_CACHE: join(fixture.directory, "hub"), HF_HUB_OFFLINE: "1" };
  const options = { cwd: fixture.directory, env: environment };
  const { stderr, stdout } = await promisify(execFile)(
    process.execPath,
    ["--import", tsx, "all.mts"],
    options,
  );
  expect(stderr.trim().split("\n")).toEqual(documentedExamples.map(({ where }) => where));
  for (const figures of ["[ 1, 72, 160 ]", "3.5 -14"]) expect(stdout).toContain(figures);
});
