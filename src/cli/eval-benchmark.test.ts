import { copyFileSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { afterAll, beforeAll, expect, test } from "vitest";
import { owlServer } from "../server/testing/owl-server.ts";
import { onSocket } from "../server/testing/socket.ts";
import { owl } from "./testing/captured.ts";

const root = fileURLToPath(new URL("../..", import.meta.url));
const model = join(root, "models/owl-nano");

let folder: string;
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), "owl-eval-benchmark-"));
  copyFileSync(join(root, "examples/owl.png"), join(folder, "owl.png"));
  const rows = [
    { question_id: 1, image: "owl.png", text: "what is this?", label: "yes" },
    { question_id: 2, image: "owl.png", text: "is there a car in the image?", label: "no" },
  ];
  writeFileSync(join(folder, "coco_pope_random.json"), rows.map((row) => JSON.stringify(row)).join("\n"));
  writeFileSync(join(folder, "text.txt"), "cats eat fish. birds live in trees.");
});
afterAll(() => rmSync(folder, { recursive: true }));

const run = (benchmark: string, out: string, ...rest: string[]) =>
  owl("eval", "run", benchmark, "--model", model, "--threads", "1", "--out", join(folder, out), ...rest);

test("a benchmark is run twice and compared", async () => {
  const first = await run("pope", "a.json", "--data", folder);
  expect(first).toMatchObject({ code: 0, out: expect.stringContaining("answered with yes") });
  expect(first.out).toContain("2 of 2 items");
  const second = await run("pope", "b.json", "--data", folder, "--instruction", "what colour is behind it?");
  expect(second.code).toBe(0);
  const result = JSON.parse(readFileSync(join(folder, "a.json"), "utf8"));
  expect(result).toMatchObject({ system: "owl-nano", settings: { maxNewTokens: 32 }, seed: null });
  expect(result.checkpoint).toMatch(/^[0-9a-f]{64}$/);
  // "this is an owl." has no word for no, which POPE takes for yes.
  expect(result.items[0].score).toMatchObject({ value: 1, label: "yes", said: "yes" });

  const inParts = await run("pope", "parts.json", "--data", folder, "--shard", "2/2");
  expect(inParts).toMatchObject({
    code: 0,
    out: "",
    err: expect.stringContaining("part 2 of 2 is answered"),
  });
  expect((await run("pope", "parts.json", "--data", folder, "--shard", "1/2")).out).toBe(
    first.out.replace("a.json", "parts.json"),
  );
  expect(JSON.parse(readFileSync(join(folder, "parts.json"), "utf8")).items).toEqual(result.items);

  const page = join(folder, "changes.html");
  const compared = await owl(
    "eval",
    "compare",
    join(folder, "a.json"),
    join(folder, "b.json"),
    "--out",
    page,
  );
  expect(compared).toMatchObject({ code: 0, out: expect.stringContaining("McNemar's test") });
  expect(readFileSync(page, "utf8")).toContain("data:image/png;base64,");
}, 300_000);

test("pictures that a benchmark has as bytes, MMBench's, reach an endpoint", async () => {
  const served = await owlServer();
  const socket = await onSocket(served.server);
  const picture = readFileSync(join(folder, "owl.png")).toString("base64");
  const rows = [
    "index\tquestion\thint\tA\tB\tC\tD\tanswer\tcategory\timage\tsource\tl2-category\tcomment\tsplit",
    `1\twhat is this?\t\tan owl\ta car\t\t\tA\tidentity\t${picture}\tx\tcoarse\t\tdev`,
  ];
  const data = join(folder, "mmbench_dev_en_20231003.tsv");
  writeFileSync(data, rows.join("\n"));
  const endpoint = ["--endpoint", `${socket.url}/v1`, "--endpoint-model", "owl-nano"];
  const asked = ["--data", data, "--max-new-tokens", "2", ...endpoint];
  expect(await owl("eval", "run", "mmbench", "--out", join(folder, "m.json"), ...asked)).toMatchObject({
    code: 0,
    out: expect.stringContaining("1 of 1 items"),
  });
  await socket.close();
  await served.close();
}, 300_000);

test("perplexity, and what is asked in a wrong way", async () => {
  const text = join(folder, "text.txt");
  const { code, out } = await run("perplexity", "p.json", "--data", text, "--window", "8");
  expect([code, out]).toEqual([0, expect.stringMatching(/^perplexity +\d/)]);
  expect(await run("perplexity", "p.json", "--data", text, "--shard", "1/2")).toMatchObject({
    code: 2,
    err: expect.stringContaining("must be asked whole"),
  });
  expect(await run("pope", "c.json", "--shard", "3/2")).toMatchObject({ code: 2 });
  expect(await run("pope", "c.json")).toMatchObject({
    code: 2,
    err: expect.stringContaining("must have --data"),
  });
  expect(await run("mmlu", "c.json")).toMatchObject({ code: 2, err: expect.stringContaining("vqav2") });
  const endpoint = ["--endpoint", "http://127.0.0.1:1", "--endpoint-model", "x"];
  expect(await owl("eval", "run", "perplexity", "--data", text, ...endpoint)).toMatchObject({
    code: 2,
    err: expect.stringContaining("does not tell probabilities"),
  });
}, 300_000);
