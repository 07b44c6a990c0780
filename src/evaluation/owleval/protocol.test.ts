import { createHash } from "node:crypto";
import { once } from "node:events";
import {
  appendFileSync,
  existsSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from "node:fs";
import { createServer, type RequestListener, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { afterEach, beforeEach, expect, test } from "vitest";
import { endpointSystem } from "../endpoint.ts";
import { readAnswers } from "./answers.ts";
import { getOwlEval } from "./get.ts";
import { readGrades, readUngraded } from "./grades.ts";
import { gradesIn, judgeAnswers } from "./judge.ts";
import type { PublishedFile } from "./published-files.ts";
import { readOwlEval } from "./questions.ts";
import { ratingApp } from "./rating-app.ts";
import { type RaterView, RatingSession } from "./rating-session.ts";
import { runOwlEval, runOwlEvalShard } from "./run.ts";

const fixture = fileURLToPath(new URL("../../../tests/fixtures/owleval", import.meta.url));
const answerFiles = ["north", "south"].map((name) => join(fixture, `answer/${name}.jsonl`));

let folder: string;
const servers: Server[] = [];
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "owl-owleval-"));
});
afterEach(() => {
  for (const server of servers.splice(0)) {
    server.closeAllConnections();
    server.close();
  }
  rmSync(folder, { recursive: true });
});

async function listen(handler: RequestListener): Promise<string> {
  const server = createServer(handler);
  servers.push(server);
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
}

interface Asked {
  readonly model: string;
  readonly messages: readonly { readonly role: string; readonly content: unknown }[];
  readonly response_format?: unknown;
  readonly temperature: number;
}

/** A server that speaks as much of OpenAI's protocol as is asked of it. */
async function chatServer(
  answer: (asked: Asked, count: number) => string | number,
): Promise<{ url: string; asked: Asked[] }> {
  const asked: Asked[] = [];
  const url = await listen(async (request, response) => {
    let body = "";
    for await (const chunk of request) body += chunk;
    const given: Asked = JSON.parse(body);
    asked.push(given);
    const said = answer(given, asked.length);
    if (typeof said === "number") response.writeHead(said).end("busy");
    else {
      const choices = [{ message: { role: "assistant", content: said }, finish_reason: "stop" }];
      response.writeHead(200, { "Content-Type": "application/json" }).end(JSON.stringify({ choices }));
    }
  });
  return { url: `${url}/v1`, asked };
}

const sha256 = (text: string): string => createHash("sha256").update(text).digest("hex");

test("fetching: whole files with their checksums, each once, after troubles that pass", async () => {
  const contents: Record<string, string> = { "questions.jsonl": "one", "cases/1.jpg": "picture" };
  const files = Object.entries(contents).map(
    ([path, text]): PublishedFile => [path, text.length, sha256(text)],
  );
  const requests: string[] = [];
  let busy = 2;
  const address = await listen((request, response) => {
    requests.push(request.url ?? "");
    if (busy-- > 0) response.writeHead(503).end();
    else response.end(contents[(request.url ?? "").slice(1)]);
  });
  const options = { address, files, retryDelay: 1 };
  expect(await getOwlEval(folder, options)).toBe(10);
  expect(requests).toHaveLength(4);
  writeFileSync(join(folder, "cases/1.jpg"), "damaged");
  expect(await getOwlEval(folder, options)).toBe(7);
  expect(readFileSync(join(folder, "cases/1.jpg"), "utf8")).toBe("picture");
  expect(await getOwlEval(folder, options)).toBe(0);
  contents["questions.jsonl"] = "two";
  rmSync(join(folder, "questions.jsonl"));
  await expect(getOwlEval(folder, options)).rejects.toThrow(/must be the questions.jsonl that was published/);
  expect(existsSync(join(folder, "questions.jsonl"))).toBe(false);
});

test("an endpoint is asked with the turns before, and a run goes on where it stopped", async () => {
  const set = await readOwlEval(fixture);
  const { url, asked } = await chatServer((_, count) =>
    count === 1 ? 429 : count === 4 ? 400 : `answer ${count}`,
  );
  const system = endpointSystem({ url, model: "vlm", retryDelay: 1 }, "vlm", { maxNewTokens: 9 });
  const out = join(folder, "vlm.jsonl");
  await expect(runOwlEval(set, system, { out, batchSize: 1 })).rejects.toThrow(/status 400/);
  appendFileSync(out, '{"image": "3.png", "question');
  await runOwlEval(set, system, { out, batchSize: 1 });
  const rows = readFileSync(out, "utf8")
    .trimEnd()
    .split("\n")
    .map((line) => JSON.parse(line) as Record<string, unknown>);
  expect(rows.map(({ question_id, answer }) => [question_id, answer])).toEqual([
    [1, "answer 2"],
    [2, "answer 6"],
    [3, "answer 3"],
    [4, "answer 5"],
  ]);
  expect(rows[0]).toMatchObject({ image: "1.png", model_id: "vlm", checkpoint: null, seed: null });
  const { messages } = asked[5];
  expect(messages).toMatchObject([
    { role: "user", content: [{ type: "image_url" }, { type: "text", text: "What shape is this?" }] },
    { role: "assistant", content: "answer 2" },
    { role: "user", content: "And what colour has it?" },
  ]);
  expect(JSON.stringify(messages[0])).toContain("data:image/png;base64,");
  const other = endpointSystem({ url, model: "vlm" }, "vlm", { maxNewTokens: 10 });
  await expect(runOwlEval(set, other, { out })).rejects.toThrow(/max_tokens 9 instead of 10/);
});

test("parts that end at the same moment are put together, by each or by the last", async () => {
  const set = await readOwlEval(fixture);
  const { url } = await chatServer(() => "yes");
  const system = endpointSystem({ url, model: "vlm" }, "vlm");
  const out = join(folder, "vlm.jsonl");
  const end = (index: number) => runOwlEvalShard(set, system, { out, shard: { index, count: 3 } });
  for (let round = 0; round < 5; round++) {
    const ended = await Promise.all([1, 2, 3].map(end));
    expect(ended.filter((rows) => rows?.length === 4).length).toBeGreaterThanOrEqual(round === 0 ? 1 : 3);
    expect(readFileSync(out, "utf8").trimEnd().split("\n")).toHaveLength(4);
  }
  expect(readdirSync(folder).filter((name) => !name.endsWith(".jsonl"))).toEqual([]);
});

test("a server that refuses a whole conversation is asked without its first turns", async () => {
  const set = await readOwlEval(fixture);
  const { url, asked } = await chatServer(({ messages }) => (messages.length > 1 ? 400 : "yes"));
  const system = endpointSystem({ url, model: "vlm" }, "vlm");
  const rows = await runOwlEval(set, system, { out: join(folder, "vlm.jsonl") });
  expect(rows.map(({ left_out_turns }) => left_out_turns)).toEqual([undefined, 1, undefined, undefined]);
  // Three first turns, the second one refused twice (in its batch, then alone), and taken without the first.
  expect(asked).toHaveLength(3 + 2 + 1);
  expect(asked[5].messages).toMatchObject([{ content: [{ type: "image_url" }, { type: "text" }] }]);
});

test("a judge grades in two orders, is asked again where it says no grades, and goes on", async () => {
  const set = await readOwlEval(fixture);
  const systems = await readAnswers(answerFiles, set);
  let stubborn = true;
  const { url, asked } = await chatServer(({ messages }) => {
    const text = JSON.stringify(messages);
    if (text.includes("sign of") && stubborn) return "I like them all.";
    // It favours the first place, whoever stands there.
    return 'Thinking: {"grades": ["D", "D"]} no.\n{"grades": ["A", "C"]}';
  });
  const out = join(folder, "judged.jsonl");
  const options = { endpoint: { url, model: "m" }, out, batchSize: 1 };
  await expect(judgeAnswers(set, systems, options)).rejects.toThrow(
    /question 4: no 2 grades in "I like them all."/,
  );
  expect(asked).toHaveLength(6 + 2 * 3);
  expect(asked[0].response_format).toMatchObject({
    json_schema: { schema: { properties: { grades: { minItems: 2, maxItems: 2 } } } },
  });
  expect(asked.slice(6).map(({ temperature }) => temperature)).toEqual([0, 0.7, 0.7, 0, 0.7, 0.7]);
  const problem = 'no 2 grades in "I like them all."';
  expect(await readUngraded([out])).toEqual([
    { judge: "judge:m", questionId: 4, order: 1, problem },
    { judge: "judge:m", questionId: 4, order: 2, problem },
  ]);
  stubborn = false;
  await judgeAnswers(set, systems, options);
  expect(asked).toHaveLength(14);
  expect(await readUngraded([out])).toEqual([]);
  const graded = await readGrades([out]);
  expect(graded).toHaveLength(16);
  for (const { questionId, system } of graded) {
    const both = graded.filter((one) => one.questionId === questionId && one.system === system);
    expect(both.map(({ grade }) => grade).toSorted()).toEqual(["A", "C"]);
    expect(both.map(({ order, rater }) => [order, rater])).toEqual([
      [1, "judge:m"],
      [2, "judge:m"],
    ]);
  }
  expect(JSON.stringify(asked)).not.toMatch(/north|south/);
});

test("a judge whose server knows no schemas is asked without; a question that is refused is passed over", async () => {
  const set = await readOwlEval(fixture);
  const systems = await readAnswers(answerFiles, set);
  const { url, asked } = await chatServer(({ messages, response_format }) => {
    if (response_format !== undefined) return 400;
    return JSON.stringify(messages).includes("sign of") ? 413 : '{"reason": "", "grades": ["B", "C"]}';
  });
  const out = join(folder, "judged.jsonl");
  const options = { endpoint: { url, model: "m" }, out, batchSize: 1 };
  await expect(judgeAnswers(set, systems, options)).rejects.toThrow(/question 4: .*status 413/);
  expect(asked).toHaveLength(8 + 1);
  expect(await readGrades([out])).toHaveLength(12);
  expect(await readUngraded([out])).toHaveLength(2);

  const { url: closed, asked: refused } = await chatServer(() => 401);
  const locked = { ...options, endpoint: { url: closed, model: "m" } };
  await expect(judgeAnswers(set, systems, locked)).rejects.toThrow(/status 401/);
  expect(refused).toHaveLength(1);
});

test("grades are read from a reply's last list, if it has the right length", () => {
  expect(gradesIn('{"grades": ["A", " B "]}', 2)).toEqual(["A", "B"]);
  expect(gradesIn('{"grades": ["A"]}', 2)).toBeUndefined();
  expect(gradesIn('{"grades": ["A", "toString"]}', 2)).toBeUndefined();
});

test("the rating server: blind, for its own page only, and grades of other answers are refused", async () => {
  const set = await readOwlEval(fixture);
  const systems = await readAnswers(answerFiles, set);
  const out = join(folder, "grades.jsonl");
  const session = await RatingSession.open(set, systems, out);
  const app = ratingApp(session);
  const post = (content: object, headers: Record<string, string> = {}) =>
    app.request("/api/judgement", {
      method: "POST",
      headers: { "Content-Type": "application/json", ...headers },
      body: JSON.stringify(content),
    });
  const view = async (rater: string): Promise<RaterView> =>
    (await (await app.request(`/api/view?rater=${rater}`)).json()) as RaterView;
  const orders = await Promise.all(
    ["a", "b", "c", "d", "e"].map(async (rater) =>
      (await view(rater)).questions.map(({ answers }) => answers[0].text).join(),
    ),
  );
  expect(new Set(orders).size).toBeGreaterThan(1);
  expect(await view("a")).toEqual(await view("a"));
  expect(JSON.stringify(await view("a"))).not.toMatch(/north|south/);

  const good = { rater: "a", question: 1, place: 0, grade: "B" };
  expect((await post(good)).status).toBe(204);
  expect((await post({ ...good, place: 2 })).status).toBe(400);
  expect((await post({ ...good, grade: "E" })).status).toBe(400);
  expect((await post({ ...good, rater: "judge:m" })).status).toBe(400);
  expect((await post(good, { Origin: "http://elsewhere.example" })).status).toBe(403);
  expect((await post(good, { "Content-Type": "text/plain" })).status).toBe(415);
  expect((await app.request("http://elsewhere.example/api/view?rater=a")).status).toBe(403);
  expect((await app.request("/pictures/99")).status).toBe(404);
  expect((await app.request("/pictures/1")).headers.get("content-type")).toBe("image/png");
  await session.close();
  expect(await readGrades([out])).toHaveLength(1);

  const changed = systems.map(({ system, answers }) => ({
    system,
    answers: new Map([...answers].map(([id, text]) => [id, `${text}!`])),
  }));
  await expect(RatingSession.open(set, changed, out)).rejects.toThrow(/another answer of \w+ to question 1/);
});

test("answers that fit no question, and sets that lack a picture, are named", async () => {
  const set = await readOwlEval(fixture);
  const bad = join(folder, "bad.jsonl");
  const row = { image: "1.png", question_id: 1, question: "?", answer: "x", model_id: "m" };
  const lines = [row, row, { ...row, question_id: 9 }, { ...row, question_id: 3 }];
  writeFileSync(bad, lines.map((line) => `${JSON.stringify(line)}\n`).join(""));
  await expect(readAnswers([bad], set)).rejects.toThrow(
    /question 1 answered twice by m; question 9, which is not in the set; question 3 about 1.png instead of 2.png/,
  );
  writeFileSync(join(folder, "questions.jsonl"), readFileSync(join(fixture, "questions.jsonl")));
  await expect(readOwlEval(folder)).rejects.toThrow(/no picture 1.png; no picture 2.png; no picture 3.png/);
});
