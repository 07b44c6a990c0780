import { cpSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, expect, test, vi } from "vitest";
import { owlFixture } from "../../tests/owl-fixture.ts";
import { type HubServer, startHub } from "../hub/testing/hub-server.ts";
import { prepareRun } from "../recipes/index.ts";
import { owl } from "./testing/captured.ts";

let hub: HubServer;
let folder: string;
let model: Awaited<ReturnType<typeof owlFixture>>;
let output: string;
beforeAll(async () => {
  hub = await startHub();
  vi.stubEnv("HF_ENDPOINT", hub.url);
  vi.stubEnv("HF_TOKEN", hub.uploads.token);
  model = await owlFixture();
  folder = mkdtempSync(join(tmpdir(), "owl push "));
  const rows = [1, 2, 3].map((n) => JSON.stringify({ text: `Human: what?\nAI: thing ${n}` }));
  writeFileSync(join(folder, "rows.jsonl"), rows.join("\n"));
  const text = `extends: stage-2\nmodel: ${model.directory}\noutput: mine\ndata: [{ file: rows.jsonl }]\nsteps: 2\nbatch: 2\nmaxTokens: 64\n`;
  writeFileSync(join(folder, "mine.yaml"), text);
  const run = await prepareRun(join(folder, "mine.yaml"));
  await run.start({ device: { threads: 1 } });
  output = run.plan.output;
});
afterAll(async () => {
  vi.unstubAllEnvs();
  await hub.stop();
  model.remove();
  rmSync(folder, { recursive: true });
});

test("owl push shows what it would send, then sends a run's model with a card of what the run recorded", async () => {
  const dry = await owl("push", output, "org/mine", "--dry-run", "--license", "apache-2.0");
  expect(dry).toMatchObject({ code: 0, err: "" });
  expect(dry.out).toMatch(/^ *[\d.]+ MB {2}model\.safetensors$/m);
  expect(dry.out).toContain(`nothing was sent; without --dry-run it goes to ${hub.url}/org/mine`);
  expect(hub.uploads.requests).toEqual([]);
  for (const told of [
    "license: apache-2.0",
    "# mine",
    "npx owl chat org/mine --image picture.jpg",
    "visual abstractor: ",
    "2 steps, ",
    "| batch | 2 |",
    "- rows.jsonl, 3 rows",
    "| loss of the training's rows | ",
    "![Losses and scores by step](curve.svg)",
    "Of these weights: apache-2.0.",
  ]) {
    expect(dry.out).toContain(told);
  }
  // Where things lie on this machine is nobody's business.
  expect(dry.out).not.toContain(folder);
  expect(dry.out).not.toContain(tmpdir());

  const sent = await owl("push", output, "org/mine", "--private");
  expect(sent.code).toBe(0);
  expect(sent.out).toMatch(/commit [0-9a-f]{40}; `owl pull org\/mine` fetches it/);
  const { refs, commits, token } = hub.repos.get("org/mine")!;
  expect(token).toBe(hub.uploads.token);
  const files = commits[refs.main];
  expect(Object.keys(files)).toContain("model.safetensors");
  expect(String(files["README.md"])).toContain("Of these weights: not said.");
  expect(String(files["curve.svg"])).toContain("<svg ");
  const adapter = await owl("push", join(output, "adapter"), "org/lora", "--dry-run");
  expect(adapter.out).toContain("library_name: peft");
  expect(adapter.out).toContain("--adapter org/lora");
  const base = model.directory.split(/[\\/]/).at(-1);
  expect(adapter.out).toContain(
    `adapter_config.json names its base model ${base} there, in place of a path of`,
  );
  expect(adapter.out).not.toContain(model.directory);

  // What the training wrote: for this machine. A model that was moved keeps it, one whose card was edited is sent with that.
  const written = readFileSync(join(output, "model/README.md"), "utf8");
  expect(written).toContain("npx owl chat mine/model --image picture.jpg");
  expect(written).not.toContain("owl pull");
  expect(readFileSync(join(output, "adapter/README.md"), "utf8")).toContain("--adapter mine/adapter");
  cpSync(join(output, "model"), join(folder, "moved"), { recursive: true });
  const moved = await owl("push", join(folder, "moved"), "org/moved", "--dry-run");
  expect(moved.out).toMatch(/npx owl pull org\/moved[\s\S]*## Training[\s\S]*## Figures/);
  writeFileSync(join(folder, "moved/README.md"), "# mine alone");
  const own = await owl("push", join(folder, "moved"), "org/moved", "--dry-run");
  expect(own.out).not.toContain("made from what is recorded here");
  const licensed = await owl("push", join(folder, "moved"), "org/moved", "--license", "mit");
  expect(licensed).toMatchObject({
    code: 2,
    err: expect.stringContaining("--license: is for a card that is made"),
  });
});

test.each([
  [["nowhere", "org/mine"], 1, "no such directory"],
  [["nowhere", "a b"], 2, "push: a repo of the hub, org/name"],
  [["nowhere", "org/mine@x", "--revision", "y"], 2, "push: a repo of the hub, org/name"],
])("%j is refused", async (words, code, text) => {
  const said = await owl("push", ...words);
  expect(said.code).toBe(code);
  expect(said.err).toContain(text);
});
