import { execFile } from "node:child_process";
import {
  cpSync,
  existsSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { afterAll, beforeAll, expect, test } from "vitest";
import { writeDocumentedProject } from "./browser/documented-project.ts";
import { documentedExamples } from "./documented-examples.ts";
import { skipStrace, watchProgram } from "./setup/strace.ts";

const root = fileURLToPath(new URL("..", import.meta.url));
const project = mkdtempSync(join(tmpdir(), "owl-package-"));
const installed = join(project, "node_modules/mplug-owl");
const clone = mkdtempSync(join(tmpdir(), "owl-clone-"));
const gitProject = mkdtempSync(join(tmpdir(), "owl-git-"));
let bareRefusal: string;

const quietly = ["--prefer-offline", "--no-audit", "--no-fund", "--silent"];
/**
 * Without CUDA libraries, whose host may be out of reach (docs/library.md), and without the NODE_ENV that vitest sets, which is
 * not there when a person packs.
 */
const environment = { ...process.env, ONNXRUNTIME_NODE_INSTALL: "skip", NODE_ENV: undefined };

async function run(command: string, words: readonly string[], cwd = project): Promise<string> {
  try {
    return (await promisify(execFile)(command, words, { cwd, env: environment })).stdout;
  } catch (error) {
    const { stdout = "", stderr = "" } = error as { stdout?: string; stderr?: string };
    throw new Error(`${command} ${words.join(" ")}: must succeed, got\n${stdout}${stderr}`);
  }
}

interface Manifest {
  readonly exports: Record<string, unknown>;
}
const manifest: Manifest = JSON.parse(readFileSync(join(root, "package.json"), "utf8"));
const subpaths = Object.keys(manifest.exports).filter((path) => path !== "./package.json");
const nameOf = (subpath: string): string => `mplug-owl${subpath.slice(1)}`;

/** A fresh clone: the working tree's files, tracked and new, committed in a repository of their own. */
async function freshClone(): Promise<void> {
  const listed = await run("git", ["ls-files", "-z", "--cached", "--others", "--exclude-standard"], root);
  const paths = listed.split("\0").filter((path) => path !== "" && existsSync(join(root, path)));
  for (const path of paths) cpSync(join(root, path), join(clone, path));
  const author = ["-c", "user.name=Test", "-c", "user.email=test@localhost", "-c", "commit.gpgsign=false"];
  for (const words of [
    ["init", "--quiet"],
    ["add", "--all"],
    [...author, "commit", "--quiet", "-m", "All"],
  ]) {
    await run("git", words, clone);
  }
}

// As a user would: a fresh clone is packed with its own settings and installed, with its dependencies, into an empty project.
beforeAll(async () => {
  await freshClone();
  bareRefusal = await run("npm", ["pack"], clone).catch((error: Error) => error.message);
  // In place of `npm ci` in the clone: the modules that are installed here.
  symlinkSync(join(root, "node_modules"), join(clone, "node_modules"));
  const packed = await run("npm", ["pack", "--silent", "--pack-destination", project], clone);
  const file = packed.trim().split("\n").at(-1)!;
  writeFileSync(join(project, "package.json"), JSON.stringify({ type: "module", private: true }));
  await run("npm", ["install", `./${file}`, ...quietly]);
  const mebibytes = (statSync(join(project, file)).size / 2 ** 20).toFixed(1);
  console.info(`the packed package: ${mebibytes} MiB`);
}, 300_000);
afterAll(() => {
  for (const folder of [clone, project, gitProject]) rmSync(folder, { recursive: true, force: true });
});

test("it holds what is built, the licence, and no tests", () => {
  const files = readdirSync(installed, { recursive: true, encoding: "utf8" });
  expect(files).toEqual(expect.arrayContaining(["LICENSE", "NOTICE", "README.md", "dist/index.js"]));
  expect(files.filter((path) => /\.test\.|testing|\.ts$/.test(path) && !path.endsWith(".d.ts"))).toEqual([]);
});

test("the root and every subpath can be imported", async () => {
  const imports = subpaths.map((path) => `await import("${nameOf(path)}")`);
  writeFileSync(
    join(project, "imports.js"),
    `const doors = [${imports.join(", ")}];\nconsole.log(doors.length);`,
  );
  expect((await run(process.execPath, ["imports.js"])).trim()).toBe(String(subpaths.length));
});

test("the types fit: every documented example and every subpath compiles", async () => {
  for (const [i, { code }] of documentedExamples.entries()) writeFileSync(join(project, `${i}.ts`), code);
  const imports = subpaths.map((path, i) => `import type * as door${i} from "${nameOf(path)}";`);
  const uses = subpaths.map((_, i) => `typeof door${i}`);
  writeFileSync(
    join(project, "doors.ts"),
    `${imports.join("\n")}\nexport type Doors = [${uses.join(", ")}];\n`,
  );
  const compilerOptions = {
    strict: true,
    noEmit: true,
    target: "ES2022",
    lib: ["ES2023", "DOM"],
    module: "NodeNext",
    types: ["node"],
    typeRoots: [join(root, "node_modules/@types")],
  };
  writeFileSync(join(project, "tsconfig.json"), JSON.stringify({ compilerOptions, include: ["*.ts"] }));
  await run(join(root, "node_modules/.bin/tsc"), ["-p", "."]);
}, 120_000);

test("a bundler builds the page of docs/browser.md with it, and nothing of Node's gets in", async () => {
  const page = join(project, "page");
  writeDocumentedProject(page);
  writeFileSync(join(page, "vite.config.js"), 'export default { worker: { format: "es" } };');
  symlinkSync(join(root, "node_modules/onnxruntime-web"), join(project, "node_modules/onnxruntime-web"));
  await run(join(root, "node_modules/.bin/vite"), ["build", "--minify", "false"], page);
  const files = readdirSync(join(page, "dist/assets"));
  expect(files.some((name) => name.endsWith(".wasm"))).toBe(true);
  const scripts = files.filter((name) => name.endsWith(".js"));
  const text = scripts.map((name) => readFileSync(join(page, "dist/assets", name), "utf8")).join("\n");
  expect(text).toContain("WorkerOwl");
  expect(text).not.toMatch(/__vite-browser-external:|koffi|from "node:/);
}, 120_000);

test("a clone without its dependencies is not packed, and says what to do", () => {
  expect(bareRefusal).toContain("dist must be built before it is packed");
  expect(bareRefusal).toMatch(/run `npm ci` in \S*owl-clone-/);
});

/** The first block of a document with this heading line, such as "```ts" or "```js hono.js". */
function programOf(document: string, fence: string): string {
  const text = readFileSync(join(root, document), "utf8");
  const start = text.indexOf(`\n${fence}\n`) + fence.length + 2;
  return text.slice(start, text.indexOf("\n```", start));
}

async function runProgram(name: string, code: string): Promise<string> {
  writeFileSync(join(project, name), code);
  return run(process.execPath, [name]);
}

test("the first programs of README.md and docs/library.md run as printed, without a compiler", async () => {
  expect(await runProgram("readme.js", programOf("README.md", "```ts"))).toBe("this is an owl.");
  cpSync(join(installed, "examples"), join(project, "examples"), { recursive: true });
  const said = await runProgram("library.js", programOf("docs/library.md", "```ts"));
  expect(said).toMatch(/^this is an owl\..*cat/s);
}, 60_000);

test("the programs for Hono and the AI SDK run as printed", async () => {
  for (const name of ["ai", "@ai-sdk"]) {
    symlinkSync(join(root, "node_modules", name), join(project, "node_modules", name));
  }
  const ai = await runProgram("ai-sdk.js", programOf("docs/library.md", "```js ai-sdk.js"));
  expect(ai).toMatch(/^this is an owl\..*canFly/s);
  writeFileSync(join(project, "hono.js"), programOf("docs/library.md", "```js hono.js"));
  const messages = [{ role: "user", content: "what do cats eat?" }];
  const asks = `import { app } from "./hono.js";
    const body = ${JSON.stringify(JSON.stringify({ model: "owl-nano", messages }))};
    const headers = { "content-type": "application/json" };
    console.log(await (await app.request("/")).text());
    const reply = await app.request("/v1/chat/completions", { method: "POST", headers, body });
    console.log(reply.status, (await reply.json()).choices[0].message.content);
    console.log((await app.request("/v1/none")).status);
    process.exit();`;
  expect(await runProgram("asks-hono.js", asks)).toMatch(/^hello\n200 .*\n404\n$/);
}, 60_000);

test("its command answers about a picture", async () => {
  const picture = join(root, "examples/owl.png");
  expect(await run("npx", ["owl", "chat", "--image", picture, "what is this?"])).toBe("this is an owl.\n");
  expect(await run("npx", ["owl", "chat", "owl-nano", "what do cats eat?"])).toMatch(/^cats eat/);
  expect(await run(join(project, "node_modules/.bin/owl"), ["--help"])).toContain("owl chat");
});

test.skipIf(skipStrace)("its command writes nothing and asks nobody", async () => {
  const owl = join(project, "node_modules/.bin/owl");
  const program = watchProgram(owl, ["chat", "what do cats eat?"], { cwd: project });
  await program.end();
  expect(program.made()).toEqual([]);
  expect(program.reached()).toEqual([]);
  expect(program.left()).toEqual([]);
  program.remove();
});

test("a dependency on the repository works alike", { timeout: 300_000 }, async () => {
  writeFileSync(join(gitProject, "package.json"), JSON.stringify({ type: "module", private: true }));
  await run("npm", ["install", `git+file://${clone}`, ...quietly], gitProject);
  // Names of the page's files end in checksums, which depend on the folder that they were built in.
  const files = (folder: string): string[] =>
    readdirSync(join(folder, "node_modules/mplug-owl"), { recursive: true, encoding: "utf8" })
      .map((path) => path.replace(/-[\w-]{8}(?=\.\w+$)/, ""))
      .toSorted();
  expect(files(gitProject)).toEqual(files(project));
  const owl = join(gitProject, "node_modules/.bin/owl");
  expect(await run(owl, ["chat", "what do cats eat?"], gitProject)).toBe("cats eat fish.\n");
});

test("no install script of a dependency runs in a clone", () => {
  interface Lock {
    readonly packages: Record<string, { readonly hasInstallScript?: boolean }>;
  }
  const { packages }: Lock = JSON.parse(readFileSync(join(root, "package-lock.json"), "utf8"));
  const marked = Object.entries(packages).filter(([, { hasInstallScript }]) => hasInstallScript === true);
  const next =
    'take "hasInstallScript" out of package-lock.json: npm 10 does not know "allowScripts" of package.json';
  expect(
    marked.map(([path]) => path),
    next,
  ).toEqual([]);
});
