import { cpSync, mkdirSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { afterAll, beforeAll, expect, test, vi } from "vitest";
import { mergeCheckpoint } from "../assembly/index.ts";
import { owl as cli } from "../cli/testing/captured.ts";
import { Owl } from "../owl/index.ts";
import { baseWarning, loadAdapter, saveAdapter } from "./index.ts";

const fixture = (path: string): string =>
  fileURLToPath(new URL(`../../tests/fixtures/${path}`, import.meta.url));

let folder: string;
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), "owl-base-"));
  mkdirSync(join(folder, "my-owl"));
  symlinkSync(join(folder, "my-owl"), join(folder, "link"));
});
afterAll(() => rmSync(folder, { recursive: true }));

const settings = { rank: 1, alpha: 1, dropout: 0, targetModules: [] };
const warned = (baseModel: string | undefined, directory: string, config: unknown = {}) =>
  baseWarning({ settings, lora: new Map(), replaced: new Map(), baseModel }, "a", directory, config);

test("names of one model are no reason to warn", async () => {
  for (const [base, directory, config] of [
    [undefined, "models/owl-nano"],
    ["owl-nano", "models/owl-nano/"],
    ["/home/her/models/owl-nano", "models\\owl-nano"],
    ["MAGAer13/mplug-owl-llama-7b", "/cache/models--MAGAer13--mplug-owl-llama-7b/snapshots/0123"],
    ["/cache/models--MAGAer13--mplug-owl-llama-7b/snapshots/0123", "disk/mplug-owl-llama-7b"],
    ["org/name@v1", "name"],
    ["org/Name", "mine", { _name_or_path: "/data/name" }],
    ["my-owl", join(folder, "link")],
    [join(folder, "link"), join(folder, "my-owl")],
  ] as const) {
    expect(await warned(base, directory, config), `${base} ${directory}`).toBeUndefined();
  }
});

test("another model is named, with the one it is given to", async () => {
  expect(await warned("org/other-7b", "models/owl-nano")).toMatch(
    /^a: was trained on org\/other-7b, is given to models\/owl-nano;/,
  );
  expect(
    await warned("/cache/models--org--a/snapshots/0123", "/cache/models--org--b/snapshots/0123"),
  ).toContain("is given to");
  expect((await warned("x".repeat(100_000), "y"))?.length).toBeLessThan(500);
});

test("an adapter names a base model of the hub's cache by its repo, any other as it is named", async () => {
  const fitting = await loadAdapter(fixture("model/lora.safetensors"));
  for (const [given, written] of [
    ["/home/her/.cache/huggingface/hub/models--org--name/snapshots/0123", "org/name"],
    ["C:\\hub\\models--org--name\\snapshots\\0123\\q4.gguf", "org/name"],
    ["/data/my-owl", "/data/my-owl"],
  ]) {
    const adapter = join(folder, "named");
    await saveAdapter(adapter, fitting, { baseModel: given });
    expect(readJson(join(adapter, "adapter_config.json"))).toMatchObject({
      base_model_name_or_path: written,
    });
    expect(await warned(written, given)).toBeUndefined();
  }
});

test("the warning comes at every door", async () => {
  const adapter = join(folder, "adapter");
  const fitting = await loadAdapter(fixture("model/lora.safetensors"));
  await saveAdapter(adapter, fitting, { baseModel: "org/elsewhere" });
  expect(JSON.parse(readFileSync(join(adapter, "adapter_config.json"), "utf8"))).toMatchObject({
    base_model_name_or_path: "org/elsewhere",
  });
  const model = join(folder, "small");
  cpSync(fixture("model"), model, { recursive: true });
  const text = `${adapter}: was trained on org/elsewhere, is given to ${model}`;
  const told: string[] = [];
  const owl = await Owl.load(model, { adapter, threads: 1, onWarning: (warning) => told.push(warning) });
  expect(owl.warnings).toEqual(told);
  expect(told).toEqual([expect.stringContaining(text)]);
  await owl.close();
  const warn = vi.spyOn(console, "warn").mockImplementation(() => undefined);
  await (await Owl.load(model, { adapter, threads: 1 })).close();
  expect(warn).toHaveBeenCalledWith(expect.stringContaining(text));
  warn.mockRestore();
  const { warnings } = await mergeCheckpoint(model, join(folder, "merged"), { adapter });
  expect(warnings).toEqual([expect.stringContaining(text)]);
  expect((await cli("inspect", model, "--adapter", adapter)).err).toContain(`warning: ${text}`);
  const out = join(folder, "by-command");
  expect((await cli("merge", model, "--adapter", adapter, "--out", out)).err).toContain(`warning: ${text}`);
  // Renamed to what the adapter says, nothing is doubtful.
  writeFileSync(
    join(model, "config.json"),
    JSON.stringify({ ...readConfig(model), _name_or_path: "elsewhere" }),
  );
  const plain = await Owl.load(model, { adapter, threads: 1 });
  expect(plain.warnings).toEqual([]);
  await plain.close();
});

const readJson = (path: string): object => JSON.parse(readFileSync(path, "utf8")) as object;
const readConfig = (directory: string): object => readJson(join(directory, "config.json"));
