import { readdirSync, readFileSync } from "node:fs";
import { basename, dirname, join, relative } from "node:path";
import { fileURLToPath } from "node:url";
import { expect, test } from "vitest";

const root = fileURLToPath(new URL("..", import.meta.url));

/**
 * The folders of each tree from bottom to top (and files beside them). Arrows go down only: a file imports from folders of a
 * lower level.
 */
const levels: Readonly<Record<string, readonly (readonly string[])[]>> = {
  src: [
    ["primitives", "model-files"],
    ["platform", "tensor"],
    ["gguf"],
    ["tokenizer", "jinja", "autodiff", "onnx", "model", "image"],
    ["checkpoint"],
    ["hub"],
    ["runtime", "prompt", "quantization", "constraint"],
    ["data", "inference"],
    ["generation"],
    ["inspection"],
    ["owl"],
    ["training", "evaluation", "server", "browser"],
    ["recipes", "assembly", "ai", "export", "watch"],
    ["index.ts", "entrypoints"],
    ["cli"],
  ],
  web: [
    ["markdown", "worker"],
    ["backends"],
    ["attachments", "attention"],
    ["conversation"],
    ["storage"],
    ["chat"],
    ["components"],
    ["App.svelte", "watch"],
    ["main.ts", "watch.ts", "vite.config.ts"],
  ],
  "owl-nano": [
    ["random.ts", "recipes.ts"],
    ["concepts"],
    ["scenes"],
    ["texts", "drawings"],
    ["pictures"],
    ["training"],
    ["evaluation"],
    ["ablation"],
    ["main.ts", "example-pictures.ts"],
  ],
};

/** What the pages may use of src: a model in a worker, the table of settings, how files are told apart and decoded, events of a run. */
const pageFolders = ["browser", "generation", "platform", "training"];

/** Folders that may use what only Node has. */
const nodeFolders = ["platform", "cli"];
/** Packages with native code, which only `platform` may use: what differs between Node and the browser. */
const nativePackages = ["koffi", "onnxruntime-node", "onnxruntime-web", "sharp"];
const forbiddenNames = ["utils", "util", "helpers", "helper", "common", "core", "base", "misc"];
const longestFile = 400;

interface SourceFile {
  /** From the repository's root, such as `src/tensor/node.ts`. */
  readonly path: string;
  readonly text: string;
  /** What it imports, as written. */
  readonly imports: readonly string[];
}

function read(path: string): SourceFile {
  const text = readFileSync(join(root, path), "utf8");
  const statements = /^\s*(?:import|export)\b(?:[^"';]*?\bfrom)?\s*"([^"]+)"|\bimport\(\s*"([^"]+)"/gm;
  return { path, text, imports: [...text.matchAll(statements)].map((match) => match[1] ?? match[2]) };
}

const sourceFiles = (folder: string): SourceFile[] =>
  readdirSync(join(root, folder), { recursive: true, encoding: "utf8" })
    .filter((name) => /\.(ts|svelte)$/.test(name) && !name.includes("node_modules"))
    .map((name) => read(join(folder, name)));

const folders = readdirSync(root).filter((name) =>
  ["src", "web", "tests", "bench", "scripts", "owl-nano"].includes(name),
);
const everything = folders.flatMap(sourceFiles);
const source = everything.filter(({ path }) => path.startsWith("src/"));

const isTest = (path: string): boolean => path.endsWith(".test.ts") || path.includes("/testing/");
const shipped = source.filter(({ path }) => !isTest(path));
/** `src/tensor/node.ts` → `src` */
const treeOf = (path: string): string => path.split("/")[0];
/** `src/tensor/node.ts` → `tensor` */
const folderOf = (path: string): string => path.split("/")[1];
/** Files of the trees that have levels. */
const levelled = everything.filter(({ path }) => treeOf(path) in levels);
const levelOf = (path: string): number =>
  levels[treeOf(path)].findIndex((names) => names.includes(folderOf(path)));
const isRelative = (name: string): boolean => name.startsWith(".");
const targetOf = (file: SourceFile, name: string): string => join(dirname(file.path), name);

/** Each import of another file, as [importing file, imported path]. */
const arrows = (files: readonly SourceFile[]): [SourceFile, string][] =>
  files.flatMap((file) =>
    file.imports.filter(isRelative).map((name): [SourceFile, string] => [file, targetOf(file, name)]),
  );

test("every folder of a tree with levels has one", () => {
  const paths = levelled.map(({ path }) => path).filter((path) => !isTest(path) && !path.endsWith(".d.ts"));
  expect(paths.filter((path) => levelOf(path) < 0)).toEqual([]);
});

test("the tree of CONTRIBUTING.md shows the levels of src, a blank line between two", () => {
  const [, tree] = /^src\/\n([\s\S]*?)^\S/m.exec(readFileSync(join(root, "CONTRIBUTING.md"), "utf8")) ?? [];
  const shown = tree
    ?.split("\n\n")
    .map((level) => [...level.matchAll(/^ {2}(\S+?)\/? /gm)].map(([, name]) => name).sort());
  expect(shown).toEqual(levels.src.map((names) => [...names].sort()));
});

test("arrows go to a lower level only", () => {
  const wrong = arrows(levelled.filter(({ path }) => !isTest(path)))
    .filter(([{ path }, target]) => treeOf(path) === treeOf(target) && folderOf(path) !== folderOf(target))
    .filter(([{ path }, target]) => /\.(ts|svelte)$/.test(target) && levelOf(target) >= levelOf(path))
    .map(([{ path }, target]) => `${path} imports ${target}`);
  expect(wrong).toEqual([]);
});

test("a folder is entered by its index.ts (and by tests through its testing folder)", () => {
  // Tests of more than one folder, and what `npm start` runs, reach further in.
  const users = everything.filter(({ path }) => !["tests", "scripts"].includes(treeOf(path)));
  const isOwn = (path: string, target: string): boolean =>
    treeOf(path) === "src" && folderOf(path) === folderOf(target);
  const wrong = arrows(users)
    .filter(([{ path }, target]) => target.startsWith("src/") && !isOwn(path, target))
    .filter(([{ path }, target]) => {
      const [, folder, ...rest] = target.split("/");
      const door = folder === "index.ts" || rest.join("/") === "index.ts";
      return !door && !(isTest(path) && rest[0] === "testing");
    })
    .map(([{ path }, target]) => `${path} imports ${target}`);
  expect(wrong).toEqual([]);
});

test("the page uses few folders of src", () => {
  const page = everything.filter(({ path }) => path.startsWith("web/") && !isTest(path));
  const wrong = arrows(page)
    .filter(([, target]) => target.startsWith("src/") && !pageFolders.includes(folderOf(target)))
    .map(([{ path }, target]) => `${path} imports ${target}`);
  expect(wrong).toEqual([]);
});

test("what is shipped imports nothing that is not", () => {
  const wrong = arrows(shipped)
    .filter(([, target]) => !target.startsWith("src/") || isTest(target))
    .map(([{ path }, target]) => `${path} imports ${target}`);
  expect(wrong).toEqual([]);
});

test("node: and native packages only where they may be", () => {
  const wrong = shipped.flatMap(({ path, imports }) =>
    imports
      .filter(
        (name) =>
          (name.startsWith("node:") && !nodeFolders.includes(folderOf(path))) ||
          (nativePackages.includes(name) && folderOf(path) !== "platform"),
      )
      .map((name) => `${path} imports ${name}`),
  );
  expect(wrong).toEqual([]);
});

test("every package that is imported is declared", () => {
  const manifest = JSON.parse(readFileSync(join(root, "package.json"), "utf8")) as Record<string, object>;
  const declared = Object.keys({
    ...manifest.dependencies,
    ...manifest.optionalDependencies,
    ...manifest.peerDependencies,
  });
  const packageOf = (name: string): string =>
    name
      .split("/")
      .slice(0, name.startsWith("@") ? 2 : 1)
      .join("/");
  const wrong = shipped.flatMap(({ path, imports }) =>
    imports
      .filter((name) => !isRelative(name) && !name.startsWith("node:") && !declared.includes(packageOf(name)))
      .map((name) => `${path} imports ${name}`),
  );
  expect(wrong).toEqual([]);
});

test("no import cycles", () => {
  const targets = (file: SourceFile): string[] =>
    arrows([file])
      .map(([, target]) => target)
      // A component that shows itself, as the blocks inside a block.
      .filter((target) => !(target === file.path && target.endsWith(".svelte")));
  const next = new Map(everything.map((file) => [file.path, targets(file)]));
  const done = new Set<string>();
  const cycles: string[] = [];
  const visit = (path: string, way: readonly string[]): void => {
    if (way.includes(path)) cycles.push([...way.slice(way.indexOf(path)), path].join(" → "));
    if (way.includes(path) || done.has(path)) return;
    for (const target of next.get(path) ?? []) visit(target, [...way, path]);
    done.add(path);
  };
  for (const path of next.keys()) visit(path, []);
  expect(cycles).toEqual([]);
});

test("what answers is computed without derivatives: generation, inference and prompt reach no autodiff", () => {
  const next = new Map(shipped.map((file) => [file.path, arrows([file]).map(([, target]) => target)]));
  const reached = new Set(
    ["generation", "inference", "prompt"].map((folder) => join("src", folder, "index.ts")),
  );
  for (const path of reached) for (const target of next.get(path) ?? []) reached.add(target);
  expect([...reached].filter((path) => folderOf(path) === "autodiff")).toEqual([]);
  expect(reached.size).toBeGreaterThan(30);
});

test("no file asks for a family of language models or a vision tower by name, but its own", () => {
  const names = (folder: string): string[] =>
    [...read(`src/model/${folder}`).text.matchAll(/^import .*\b(\w+) } from "\.\/\1\.ts";$/gm)].map(
      ([, name]) => name,
    );
  const known = [...names("language/families.ts"), ...names("vision/towers.ts")];
  expect(known).toEqual(expect.arrayContaining(["bloom", "llama", "clip"]));
  const asks = new RegExp(
    `(?:[!=]==\\s*|\\bcase\\s+)"(${known.join("|")})"|"(${known.join("|")})"\\s*[!=]==`,
    "g",
  );
  const wrong = shipped
    .filter(({ path }) => path.startsWith("src/"))
    .flatMap(({ path, text }) =>
      [...text.matchAll(asks)]
        .filter(([, after, before]) => basename(path) !== `${after ?? before}.ts`)
        .map(([found]) => `${path}: ${found}`),
    );
  expect(wrong).toEqual([]);
});

test("files and folders have names of their own", () => {
  const wrong = everything
    .map(({ path }) => path)
    .filter((path) => path.split("/").some((part) => forbiddenNames.includes(basename(part).split(".")[0])));
  expect(wrong).toEqual([]);
});

test(`files have at most ${longestFile} lines`, () => {
  const wrong = everything
    .map(({ path, text }) => ({ path, lines: text.trimEnd().split("\n").length }))
    .filter(({ lines }) => lines > longestFile)
    .map(({ path, lines }) => `${path}: ${lines}`);
  expect(wrong).toEqual([]);
});

test("no any, no silenced type errors, no test left out", () => {
  const prose = /\/\*[\s\S]*?\*\/|\/\/.*$|"(?:[^"\\\n]|\\.)*"/gm;
  const suspicious =
    /(?:[:<|&]|\bas)\s*any\b|\b(?:test|describe|it)(?:\.concurrent)?\.(?:skip|only|todo)\b(?!If)/g;
  const wrong = everything
    .filter(({ path }) => path !== relative(root, fileURLToPath(import.meta.url)))
    .flatMap(({ path, text }) => [
      ...[...text.replace(prose, "").matchAll(suspicious)].map(([found]) => `${path}: ${found}`),
      ...[...text.matchAll(/@ts-(?:ignore|nocheck|expect-error)/g)].map(([found]) => `${path}: ${found}`),
    ]);
  expect(wrong).toEqual([]);
});
