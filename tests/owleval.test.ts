import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtempSync, readdirSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import axe from "axe-core";
import { type Browser, chromium, type Page } from "playwright-core";
import { afterAll, afterEach, beforeAll, describe, expect, test, vi } from "vitest";
import { runCli } from "../src/cli/program.ts";
import type { OwlEvalReport, RaterView, SystemGrades } from "../src/evaluation/index.ts";
import { chromiumPath, skipChromium } from "./setup/chromium.ts";
import { builtOwl } from "./setup/programs.ts";
import { shared, sharedAvailable } from "./shared.ts";

const root = fileURLToPath(new URL("..", import.meta.url));
const fixture = join(root, "tests/fixtures/owleval");
const folder = mkdtempSync(join(tmpdir(), "owl-owleval-"));
const servers: ChildProcess[] = [];

afterEach(() => {
  for (const server of servers.splice(0)) server.kill("SIGKILL");
});
afterAll(() => rmSync(folder, { recursive: true }));

/** Starts `owl eval rate` and gives its address. */
async function startRating(
  answers: string,
  data: string,
  out: string,
): Promise<{ url: string; kill(): Promise<void> }> {
  const files = readdirSync(answers).map((name) => join(answers, name));
  const words = ["eval", "rate", ...files, "--data", data, "--out", out, "--port", "0"];
  const [node, program] = await builtOwl();
  const server = spawn(node, [program, ...words], { cwd: root });
  servers.push(server);
  let said = "";
  server.stderr.on("data", (chunk) => {
    said += chunk;
  });
  const url = await new Promise<string>((resolve, reject) => {
    server.stdout.on("data", (chunk) => resolve(String(chunk).trim()));
    server.on("exit", () => reject(new Error(said)));
  });
  const kill = async (): Promise<void> => {
    server.kill("SIGKILL");
    if (server.exitCode === null && server.signalCode === null) await once(server, "exit");
  };
  return { url, kill };
}

async function report(grades: string[], out: string): Promise<OwlEvalReport> {
  const silent = vi.spyOn(process.stdout, "write").mockReturnValue(true);
  try {
    expect(await runCli(["eval", "report", ...grades, "--counts", "released", "--out", out])).toBe(0);
  } finally {
    silent.mockRestore();
  }
  return JSON.parse(readFileSync(join(out, "report.json"), "utf8")) as OwlEvalReport;
}

const rows = (path: string): Record<string, unknown>[] =>
  readFileSync(path, "utf8")
    .trimEnd()
    .split("\n")
    .map((line) => JSON.parse(line) as Record<string, unknown>);

/** The grade that a script gives to a text, by its question and its system. */
type Script = (question: number, text: string) => string;

async function view(url: string, rater: string): Promise<RaterView> {
  return (await (await fetch(`${url}api/view?${new URLSearchParams({ rater })}`)).json()) as RaterView;
}

/** Gives all missing grades over the page's HTTP interface. */
async function gradeRest(url: string, rater: string, script: Script): Promise<void> {
  for (const { id, answers } of (await view(url, rater)).questions) {
    for (const [place, { text, grade }] of answers.entries()) {
      if (grade !== null) continue;
      const response = await fetch(`${url}api/judgement`, {
        method: "POST",
        headers: { "Content-Type": "application/json" },
        body: JSON.stringify({ rater, question: id, place, grade: script(id, text) }),
      });
      expect(response.status).toBe(204);
    }
  }
}

/** Grades the question that the page shows with keys alone, as fast as they can be pressed. */
async function gradeWithKeys(page: Page, question: number, script: Script): Promise<void> {
  await page.getByText(`Question ${question},`).waitFor();
  const texts = await page.locator("article > .text").allTextContents();
  for (const text of texts) await page.keyboard.press(script(question, text).toLowerCase());
  await page.getByText(`All answers to question ${question} are graded`).waitFor();
}

/** Accessibility problems that axe-core finds on the page: where the name is asked, and where answers are graded. */
async function barriers(browser: Browser, url: string, colorScheme: "light" | "dark"): Promise<string[]> {
  const context = await browser.newContext({ bypassCSP: true, colorScheme });
  const page = await context.newPage();
  page.setDefaultTimeout(300_000);
  const found: string[] = [];
  for (const [query, shown] of [
    ["", "form"],
    ["?rater=carl", "article"],
  ]) {
    await page.goto(`${url}${query}`);
    await page.locator(shown).first().waitFor();
    await page.evaluate(axe.source);
    const violations = await page.evaluate(async () => {
      const { violations } = await (window as unknown as { axe: typeof axe }).axe.run();
      return violations.map(({ id, nodes }) => `${id}: ${nodes.map(({ html }) => html).join(" ")}`);
    });
    found.push(...violations);
  }
  await context.close();
  return found;
}

/** Whether a field can be seen and touched, with nothing over it. */
function isInSight(field: Element): boolean {
  const { x, y, width, height } = field.getBoundingClientRect();
  return [2, height - 2].every((down) => document.elementFromPoint(x + width / 2, y + down) === field);
}

function read(directory: string): Map<string, Map<number, string>> {
  const systems = new Map<string, Map<number, string>>();
  for (const name of readdirSync(directory)) {
    for (const { model_id, question_id, answer } of rows(join(directory, name))) {
      const answers = systems.get(String(model_id)) ?? new Map<number, string>();
      systems.set(String(model_id), answers.set(Number(question_id), String(answer)));
    }
  }
  return systems;
}

/** A script of grades by system; the system of a text is looked up in the answer files. */
function scripted(directory: string, gradeOf: (system: string, question: number) => string): Script {
  const systems = read(directory);
  return (question, text) => {
    const shown = text === "(an empty answer)" ? "" : text;
    const [system] = [...systems].find(([, answers]) => answers.get(question) === shown) ?? [];
    if (system === undefined) throw new Error(`nobody answered ${text} to question ${question}`);
    return gradeOf(system, question);
  };
}

const entryOf = (entries: readonly SystemGrades[], system: string): SystemGrades => {
  const found = entries.find((entry) => entry.system === system);
  if (found === undefined) throw new Error(`no entry of ${system}`);
  return found;
};

describe.skipIf(skipChromium)("graded in a browser", () => {
  let browser: Browser;
  beforeAll(async () => {
    browser = await chromium.launch({
      executablePath: chromiumPath(),
      args: ["--no-sandbox"],
      timeout: 300_000,
    });
  }, 300_000);
  afterAll(() => browser.close());

  /** A page whose errors and received data are recorded. */
  async function open(url: string, rater: string) {
    const page = await browser.newPage();
    // A busy machine is slow, not wrong.
    page.setDefaultTimeout(300_000);
    const errors: string[] = [];
    const sent: Promise<string>[] = [];
    page.on("pageerror", (error) => errors.push(error.message));
    page.on("console", (message) => {
      if (message.type() === "error") errors.push(message.text());
    });
    page.on("response", (response) => {
      if (!response.url().includes("/pictures/")) sent.push(response.text().catch(() => ""));
    });
    await page.goto(url);
    await page.getByLabel("Your name").fill(rater);
    await page.getByRole("button", { name: "Begin" }).click();
    await page.locator("article").first().waitFor();
    return { page, errors, sent };
  }

  test("blind, by keys, and nothing is lost when the server is killed", async () => {
    const answers = join(fixture, "answer");
    const out = join(folder, "small.jsonl");
    const annaSays: Record<string, string> = { north: "ABAC", south: "BDDD" };
    const benSays: Record<string, string> = { north: "AAAB", south: "CDCD" };
    const anna = scripted(answers, (system, question) => annaSays[system][question - 1]);
    const ben = scripted(answers, (system, question) => benSays[system][question - 1]);

    const first = await startRating(answers, fixture, out);
    const { page, errors, sent } = await open(first.url, "anna");
    await gradeWithKeys(page, 1, anna);
    await page.keyboard.press("j");
    await gradeWithKeys(page, 2, anna);
    await page.keyboard.press("2");
    await page.keyboard.press("n");
    await page.keyboard.type("abcd 1?");
    await page.keyboard.press("Enter");
    await page.getByText("note kept").waitFor();
    await page.keyboard.press("u");
    await page.getByText("taken back").waitFor();
    expect(await page.getByLabel("Note on answer 2").inputValue()).toBe("");
    expect(await page.title()).toBe("OwlEval: grading");
    expect(await page.getByText("onerror=").count()).toBe(1);
    const widthOf = (picture: Element): number => (picture as HTMLImageElement).naturalWidth;
    await expect.poll(() => page.locator("#picture").evaluate(widthOf)).toBe(64);
    expect(errors).toEqual([]);
    expect((await Promise.all(sent)).join("\n") + (await page.content())).not.toMatch(/north|south|model_id/);

    await first.kill();
    expect(rows(out).map((row) => row.grade ?? row.note ?? "undo")).toHaveLength(6);
    await page.keyboard.press("j");
    await page.keyboard.press("a");
    await page.getByText("not kept").waitFor();
    await page.close();

    const second = await startRating(answers, fixture, out);
    const again = await open(second.url, "anna");
    await again.page.getByText("anna: 4 of 8 answers graded").waitFor();
    // A wrong grade and a note, both undone, without waiting in between.
    for (const key of ["d", "u", "n", ..."bad", "Enter", "u"]) await again.page.keyboard.press(key);
    await gradeWithKeys(again.page, 3, anna);
    expect(await again.page.getByLabel("Note on answer 1").inputValue()).toBe("");
    await again.page.keyboard.press("o");
    await gradeWithKeys(again.page, 4, anna);
    await again.page.getByText("anna: 8 of 8 answers graded").waitFor();
    await again.page.setViewportSize({ width: 390, height: 640 });
    for (const place of [1, 2]) {
      for (const key of [String(place), "n"]) await again.page.keyboard.press(key);
      expect(await again.page.getByLabel(`Note on answer ${place}`).evaluate(isInSight)).toBe(true);
      await again.page.keyboard.press("Enter");
    }
    const [left, answer] = await Promise.all(
      ["#left", "article"].map((name) => again.page.locator(name).first().boundingBox()),
    );
    expect(answer?.y).toBeGreaterThanOrEqual((left?.y ?? 0) + (left?.height ?? 0));
    expect(again.errors).toEqual([]);
    for (const colorScheme of ["light", "dark"] as const) {
      expect(await barriers(browser, second.url, colorScheme)).toEqual([]);
    }
    await gradeRest(second.url, "ben", ben);
    await second.kill();

    const { verdicts, agreement, published } = await report([out], join(folder, "small-report"));
    const [{ by, categories, winRates }] = verdicts;
    expect(by).toBe("people");
    // Both raters' grades half each: north's question 4, for one, is C by anna and B by ben.
    expect(entryOf(categories.single_turn, "north").counts).toEqual({ A: 2, B: 0.5, C: 0.5, D: 0 });
    expect(entryOf(categories.single_turn, "north").acceptable.estimate).toBeCloseTo(2.5 / 3, 12);
    expect(entryOf(categories.single_turn, "south").counts).toEqual({ A: 0, B: 0.5, C: 1, D: 1.5 });
    expect(entryOf(categories.multi_turn, "north").counts).toEqual({ A: 1.5, B: 0.5, C: 0, D: 0 });
    expect(entryOf(categories.multi_turn, "south").counts).toEqual({ A: 0, B: 0.5, C: 0.5, D: 1 });
    expect(winRates).toMatchObject([{ first: "north", second: "south", questions: 4, estimate: 1 }]);
    // Four of eight equal; by chance (2·3 + 2·1 + 1·2 + 3·2) / 64 = 1/4; so (1/2 − 1/4) / (1 − 1/4).
    expect(agreement.pairs).toMatchObject([{ first: "anna", second: "ben", answers: 8, equal: 0.5 }]);
    expect(agreement.pairs[0].kappa).toBeCloseTo(1 / 3, 12);
    expect(published?.source).toBe("arXiv 2304.14178");
  }, 1_200_000);

  test.skipIf(!sharedAvailable)(
    "the six released answer files, from the import to the report",
    async () => {
      const answers = shared("owleval/answer");
      const out = join(folder, "released.jsonl");
      const script = scripted(answers, (system, question) => {
        if (system === "llava-13b") return "A";
        if (system === "minigpt4_13b") return isFirst(question) ? "A" : "C";
        if (system === "mPLUG_Owl_7b:v1") return question <= 43 ? "A" : "B";
        if (system === "openflanmingo") return "C";
        if (system === "MMreact") return question % 2 === 0 ? "B" : "D";
        return "D";
      });
      const { url, kill } = await startRating(answers, shared("owleval"), out);
      const { page, errors } = await open(url, "anna");
      for (const question of [1, 2, 3, 4, 5]) {
        await gradeWithKeys(page, question, script);
        await page.keyboard.press("j");
      }
      expect(errors).toEqual([]);
      await gradeRest(url, "anna", script);
      await kill();

      const { verdicts } = await report([out], join(folder, "released-report"));
      const { categories, abilities, winRates } = verdicts[0];
      const countsOf = (entries: readonly SystemGrades[], system: string): string =>
        Object.values(entryOf(entries, system).counts).join("/");
      const { single_turn: single, multi_turn: multi } = categories;
      expect(countsOf(single, "llava-13b")).toBe("50/0/0/0");
      expect(countsOf(multi, "BLIP2")).toBe("0/0/0/52");
      expect(countsOf(single, "minigpt4_13b")).toBe("50/0/0/0");
      expect(countsOf(multi, "minigpt4_13b")).toBe("20/0/32/0");
      expect(countsOf(single, "mPLUG_Owl_7b:v1")).toBe("23/27/0/0");
      expect(countsOf(multi, "mPLUG_Owl_7b:v1")).toBe("31/21/0/0");
      expect(countsOf(single, "MMreact")).toBe("0/24/0/26");
      expect(countsOf(multi, "openflanmingo")).toBe("0/0/52/0");
      const sizes = { a: 82, b: 63, c: 30, d: 24, e: 35, f: 20 };
      for (const [name, answered] of Object.entries(sizes)) {
        expect(entryOf(abilities[name as keyof typeof sizes], "BLIP2").answers).toBe(answered);
      }
      expect(countsOf(abilities.f, "mPLUG_Owl_7b:v1")).toBe("9/11/0/0");
      expect(countsOf(abilities.c, "minigpt4_13b")).toBe("14/0/16/0");
      // 39 wins and 43 ties of 82; 20 ties and no win of 82.
      const rateOf = (first: string, second: string) =>
        winRates.find((rate) => rate.first === first && rate.second === second)?.estimate;
      expect(rateOf("llava-13b", "mPLUG_Owl_7b:v1")).toBeCloseTo(60.5 / 82, 12);
      expect(rateOf("MMreact", "mPLUG_Owl_7b:v1")).toBeCloseTo(10 / 82, 12);
      for (const name of ["report.md", "report.html", "grades.svg", "abilities.svg"]) {
        const text = readFileSync(join(folder, "released-report", name), "utf8");
        expect(text).toContain("mPLUG");
      }
      const png = readFileSync(join(folder, "released-report", "grades.png"));
      expect(png.subarray(1, 4).toString()).toBe("PNG");
    },
    1_200_000,
  );
});

/** Whether a question of OwlEval is the first about its picture. */
function isFirst(question: number): boolean {
  const { category } = rows(shared("owleval/questions.jsonl"))[question - 1];
  return Array.isArray(category) && category.includes("single_turn");
}
