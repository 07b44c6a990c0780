import { type ChildProcess, execFile, spawn } from "node:child_process";
import { createHash } from "node:crypto";
import { once } from "node:events";
import {
  cpSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { afterAll, beforeAll, expect, test } from "vitest";
import { mpirunArguments, skipMpi } from "../../tests/setup/mpi.ts";
import { builtOwl } from "../../tests/setup/programs.ts";
import type { AnswerRow, GradeRecord, OwlEvalReport } from "../evaluation/index.ts";
import { Owl } from "../owl/index.ts";
import { type HttpServer, listenHttp } from "../platform/index.ts";
import { createServer, type OwlServer, refuseMalformed } from "../server/index.ts";
import { owl } from "./testing/captured.ts";

const root = fileURLToPath(new URL("../..", import.meta.url));
const model = join(root, "models/owl-nano");
const fixture = join(root, "tests/fixtures/owleval");
const answerFiles = ["north", "south"].map((name) => join(fixture, `answer/${name}.jsonl`));

let folder: string;
/** OwlEval's form, with conversations of four turns about each of the fixture's pictures. */
let data: string;
let owls: Record<"owl-nano" | "owl-long", Owl>;
let server: OwlServer;
let socket: HttpServer;
let child: ChildProcess | undefined;

beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), "owl-eval-owleval-"));
  data = join(folder, "data");
  cpSync(join(fixture, "cases"), join(data, "cases"), { recursive: true });
  const turns = ["what is this?", "what colour is behind it?", "where does it live?", "is it an animal?"];
  const questions = [1, 2, 3].flatMap((picture) =>
    turns.map((question, turn) => ({
      image: `${picture}.png`,
      question_id: 4 * (picture - 1) + turn + 1,
      question,
      ability: "a,b",
      category: turn === 0 ? ["single_turn", "multi_turn"] : ["multi_turn"],
    })),
  );
  writeFileSync(join(data, "questions.jsonl"), questions.map((row) => `${JSON.stringify(row)}\n`).join(""));

  // What a judge is asked does not fit 256 positions; with more than it has learnt owl-nano speaks nonsense, but as long as it is let.
  const [short, long] = [256, 2048].map((positions) => {
    const copy = join(folder, `owl-${positions}`);
    cpSync(model, copy, { recursive: true });
    const config = JSON.parse(readFileSync(join(copy, "config.json"), "utf8"));
    config.text_config.max_position_embeddings = positions;
    writeFileSync(join(copy, "config.json"), JSON.stringify(config));
    return copy;
  });
  owls = {
    "owl-nano": await Owl.load(short, { threads: 1 }),
    "owl-long": await Owl.load(long, { threads: 1 }),
  };
  const { "owl-nano": nano, "owl-long": longer } = owls;
  server = createServer({
    models: { "owl-nano": { owl: nano, directory: short }, "owl-long": { owl: longer, directory: long } },
  });
  socket = await listenHttp(server.fetch.bind(server), {
    host: "127.0.0.1",
    port: 0,
    refuse: refuseMalformed,
  });
}, 1_200_000);

afterAll(async () => {
  child?.kill("SIGKILL");
  await socket.close(0);
  await server.close();
  for (const one of Object.values(owls)) await one.close();
  rmSync(folder, { recursive: true });
});

const lines = <Row>(path: string): Row[] =>
  existsSync(path)
    ? readFileSync(path, "utf8")
        .split("\n")
        // A line without an end is still being written.
        .slice(0, -1)
        .map((line) => JSON.parse(line) as Row)
    : [];

const answersOf = (path: string): [number, string][] =>
  lines<AnswerRow>(path).map(({ question_id, answer }) => [question_id, answer]);

const settings = (): string[] => ["--data", data, "--max-new-tokens", "24"];
const ofModel = (out: string, ...rest: string[]): string[] => [
  ...["eval", "run", "owleval", "--model", model, "--threads", "1", "--out", out],
  ...settings(),
  ...rest,
];
const endpoint = (name: string): string[] => [
  ...["--endpoint", `http://127.0.0.1:${socket.port}/v1`, "--endpoint-model", name],
];
/** The lines that `sha256sum *.json *.safetensors | sha256sum` is of. */
function checksum(directory: string): string {
  const sha256 = (content: string | Uint8Array): string => createHash("sha256").update(content).digest("hex");
  const names = readdirSync(directory).filter((name) => /\.(json|safetensors)$/.test(name));
  return sha256(
    names
      .sort()
      .map((name) => `${sha256(readFileSync(join(directory, name)))}  ${name}\n`)
      .join(""),
  );
}

const whole = (): string => join(folder, "nano.jsonl");

test("a model is asked with the turns before; a run that was killed goes on, and keeps what it had", async () => {
  const command = ofModel(whole(), "--batch", "1");
  const [node, program] = await builtOwl();
  child = spawn(node, [program, ...command], { cwd: root, stdio: "ignore" });
  while (lines(whole()).length < 2) {
    expect([child.exitCode, child.signalCode]).toEqual([null, null]);
    await new Promise((resolve) => setTimeout(resolve, 5));
  }
  child.kill("SIGKILL");
  if (child.signalCode === null) await once(child, "exit");
  const before = lines<AnswerRow>(whole());
  expect(before.length).toBeLessThan(12);

  expect(await owl(...command)).toMatchObject({
    code: 0,
    err: expect.stringContaining("12 of 12 questions"),
  });
  const rows = lines<AnswerRow>(whole());
  expect(rows.map(({ question_id }) => question_id)).toEqual(Array.from({ length: 12 }, (_, i) => i + 1));
  for (const row of before) expect(rows).toContainEqual(row);
  for (const { question_id, prompt = "", ...row } of rows) {
    expect(row).toMatchObject({
      model_id: "owl-nano",
      checkpoint: checksum(model),
      seed: null,
      settings: { maxNewTokens: 24, doSample: false },
      time: expect.stringMatching(/^\d{4}-\d\d-\d\dT[\d:.]+Z$/),
      answer: expect.stringMatching(/\w/),
    });
    const turn = (question_id - 1) % 4;
    const earlier = rows.slice(question_id - 1 - turn, question_id - 1);
    expect(prompt.split("<image>")).toHaveLength(2);
    const turns = earlier.flatMap(({ question, answer }) => [question, answer]);
    let at = 0;
    for (const text of [...turns, row.question]) {
      at = prompt.indexOf(text, at);
      expect(at).toBeGreaterThan(0);
      at += text.length;
    }
  }
}, 1_200_000);

test("the same model behind an endpoint gives the same answers", async () => {
  const out = join(folder, "endpoint.jsonl");
  const asked = ["eval", "run", "owleval", ...endpoint("owl-nano"), "--out", out, ...settings()];
  expect(await owl(...asked)).toMatchObject({ code: 0 });
  expect(answersOf(out)).toEqual(answersOf(whole()));
  expect(lines(out)[0]).toMatchObject({ checkpoint: null, settings: { model: "owl-nano", temperature: 0 } });
}, 1_200_000);

test("parts are asked one by one, and put together by whichever is last", async () => {
  const out = join(folder, "parts.jsonl");
  expect(await owl(...ofModel(out, "--shard", "2/2"))).toMatchObject({
    code: 0,
    out: "",
    err: expect.stringContaining("part 2 of 2"),
  });
  expect(existsSync(out)).toBe(false);
  expect(lines(join(folder, "parts.2-of-2.jsonl"))).toHaveLength(8);
  expect(await owl(...ofModel(out, "--shard", "1/2"))).toMatchObject({ code: 0, out: `${out}\n` });
  expect(answersOf(out)).toEqual(answersOf(whole()));
  const other = ofModel(out, "--shard", "1/2", "--temperature", "1");
  expect(await owl(...other)).toMatchObject({ code: 1, err: expect.stringContaining("same examination") });
}, 1_200_000);

test.skipIf(skipMpi)(
  "mpirun gives each process a part",
  async () => {
    const out = join(folder, "mpi.jsonl");
    const command = [...mpirunArguments(2), ...(await builtOwl()), ...ofModel(out)];
    const { stderr } = await promisify(execFile)("mpirun", command, { cwd: root });
    expect(stderr).toMatch(/part [12] of 2 is answered|all 12 questions are answered/);
    expect(lines(join(folder, "mpi.1-of-2.jsonl"))).toHaveLength(4);
    expect(answersOf(out)).toEqual(answersOf(whole()));
  },
  1_200_000,
);

test("a judge behind an endpoint grades in both orders, and its agreement with a person is reported", async () => {
  const judged = join(folder, "judged.jsonl");
  const judge = (name: string, out: string): string[] => [
    ...["eval", "judge", ...answerFiles, "--data", fixture, "--out", out, "--max-new-tokens", "64"],
    ...endpoint(name),
  ];
  expect(await owl(...judge("owl-long", judged))).toMatchObject({ code: 0, out: `${judged}\n` });
  const given = lines<Extract<GradeRecord, { grade: string }>>(judged);
  expect(given).toHaveLength(4 * 2 * 2);
  for (const row of given)
    expect(row).toMatchObject({ rater: "judge:owl-long", grade: expect.stringMatching(/^[A-D]$/) });

  // A person who says what the judge said in its first order, but for one answer.
  const person = given
    .filter(({ order }) => order === 1)
    .map(({ order, ...row }) => ({ ...row, rater: "anna" }));
  person[0].grade = person[0].grade === "A" ? "B" : "A";
  const graded = join(folder, "anna.jsonl");
  writeFileSync(graded, person.map((row) => `${JSON.stringify(row)}\n`).join(""));

  const short = join(folder, "short.jsonl");
  const refused = await owl(...judge("owl-nano", short));
  expect(refused).toMatchObject({ code: 1, err: expect.stringContaining("question 1: ") });
  expect(lines(short)).toHaveLength(4 * 2);
  expect(lines(short)[0]).toMatchObject({
    rater: "judge:owl-nano",
    problem: expect.stringContaining("status 400"),
  });

  const report = join(folder, "report");
  mkdirSync(report);
  expect(await owl("eval", "report", graded, judged, "--out", report)).toMatchObject({ code: 0 });
  const { verdicts, agreement } = JSON.parse(
    readFileSync(join(report, "report.json"), "utf8"),
  ) as OwlEvalReport;
  expect(verdicts.map(({ by }) => by)).toEqual(["people", "judge:owl-long"]);
  expect(agreement.pairs).toContainEqual(
    expect.objectContaining({ first: "anna", second: "judge:owl-long, order 1", answers: 8, equal: 7 / 8 }),
  );
  expect(agreement.pairs).toHaveLength(3);
  expect(existsSync(join(report, "grades-judge-owl-long.png"))).toBe(true);
  expect(await owl("eval", "report", graded, judged, short, "--out", report)).toMatchObject({ code: 0 });
  expect(readFileSync(join(report, "report.md"), "utf8")).toContain("Where a judge gave no grades");
}, 1_200_000);
