import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { afterAll, beforeAll, expect, test } from "vitest";
import { type BenchmarkRunOptions, runBenchmark } from "./benchmark-run.ts";
import { benchmarks } from "./benchmarks/all.ts";
import { compareResults, comparisonLines } from "./compare.ts";
import { writeComparePage } from "./compare-page.ts";
import type { EvaluatedSystem } from "./system.ts";

const root = fileURLToPath(new URL("../..", import.meta.url));
const { questions } = benchmarks;
const count = 12;

let folder: string;
let data: string;
let paths: [string, string];

/** A system that says what it is told to, by question. */
function parrot(name: string, answers: readonly string[]): EvaluatedSystem {
  return {
    name,
    settings: { temperature: name.length },
    seed: null,
    checkpoint: null,
    promptOf: () => "",
    answerAll: async (conversations) =>
      conversations.map(([{ content }]) => {
        const text =
          typeof content === "string"
            ? content
            : content.map((part) => (part.type === "text" ? part.text : "")).join("");
        return { text: answers[Number(/\d+/.exec(text)?.[0])], finishReason: "end" };
      }),
  };
}

async function run(system: EvaluatedSystem, options: Partial<BenchmarkRunOptions> = {}): Promise<string> {
  const out = join(folder, `${system.name.replace(/\W/g, "")}-${options.limit ?? "all"}.json`);
  await runBenchmark(system, questions, await questions.read(data), { data, out, ...options });
  return out;
}

const first = Array.from({ length: count }, (_, i) => (i < 8 ? "right" : "wrong"));
const second = first.map((answer, i) =>
  i === 0 ? "<img src=x onerror=alert(1)>" : i >= 9 ? "right" : answer,
);

beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), "owl-compare-"));
  data = join(folder, "questions.jsonl");
  writeFileSync(join(folder, "penguin.png"), readFileSync(join(root, "examples/penguin.png")));
  const rows = first.map((_, i) => ({
    ...(i === 0 && { image: ["penguin.png"] }),
    question: `question ${i} & more?`,
    answers: ["right"],
  }));
  writeFileSync(data, rows.map((row) => JSON.stringify(row)).join("\n"));
  paths = [await run(parrot("one", first)), await run(parrot("<b>other", second))];
});
afterAll(() => rmSync(folder, { recursive: true }));

test("what changed, and whether it could be chance", async () => {
  const comparison = await compareResults(paths);
  const { figures, disagreements, changes, conditions } = comparison;
  // One lost and three won of twelve: 8/12 and 10/12. McNemar: 2 · (C(4,0) + C(4,1)) / 2⁴ = 10/16.
  expect(disagreements).toEqual({ onlyFirstRight: 1, onlySecondRight: 3, pValue: 10 / 16 });
  const [exact] = figures;
  expect(exact.name).toBe("exact match");
  expect(exact.values).toEqual([8 / 12, 10 / 12]);
  expect(exact.difference.estimate).toBeCloseTo(2 / 12, 12);
  expect(exact.difference.low).toBeLessThanOrEqual(0);
  expect(exact.difference.high).toBeGreaterThan(0.3);
  expect(changes.map(({ id }) => id)).toEqual(["1", "10", "11", "12"]);
  expect(conditions.map(({ name }) => name)).toEqual(["system", "temperature"]);
  expect(comparisonLines(comparison).at(-1)).toBe(
    "12 items, 4 with another answer; 1 right in the first alone, 3 in the second alone (McNemar's test: p = 0.625)",
  );
  expect(comparisonLines(comparison)[0]).toMatch(/^ +one +<b>other /);
  const [head] = comparisonLines(await compareResults([paths[0], paths[0]]));
  expect(head).toMatch(/^ +one, first +one, second /);
});

test("the page shows the answers as text, with their pictures, and runs nothing", async () => {
  const out = join(folder, "page.html");
  await writeComparePage(out, await compareResults(paths), { most: 2 });
  const html = readFileSync(out, "utf8");
  expect(html).toContain("&lt;img src=x onerror=alert(1)&gt;");
  expect(html).toContain("question 0 &amp; more?");
  expect(html).toContain("&lt;b&gt;other");
  expect(html).not.toMatch(/<script|<b>|<img src=x/);
  expect(html).toContain("default-src 'none'");
  const png = readFileSync(join(root, "examples/penguin.png")).toString("base64");
  expect(html.split("data:image/png;base64,")[1].split('"')[0]).toBe(png);
  expect(html).toContain("<h2>Worse in the second: 1</h2>");
  expect(html).toContain("<h2>Better in the second: 3</h2>");
  expect(html.match(/<article>/g)).toHaveLength(3);
  expect(html).toContain("and 1 more");
});

test("runs that cannot be compared are refused", async () => {
  const limited = await run(parrot("one", first), { limit: 5 });
  await expect(compareResults([paths[0], limited])).rejects.toThrow(
    /the same items.*7 items in the first alone/,
  );
  const other = join(folder, "other.json");
  const result = JSON.parse(readFileSync(paths[1], "utf8"));
  writeFileSync(other, JSON.stringify({ ...result, benchmark: "pope" }));
  await expect(compareResults([paths[0], other])).rejects.toThrow(/questions and pope/);
  writeFileSync(other, JSON.stringify({ ...result, items: [], version: undefined }));
  await expect(compareResults([paths[0], other])).rejects.toThrow(/version: .*items: /);
});
