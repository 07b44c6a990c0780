import { afterEach, expect, test, vi } from "vitest";
import { cachedModel } from "./cache.ts";
import { HubError } from "./errors.ts";
import { pull } from "./pull.ts";
import { push } from "./push.ts";
import { hubSettings } from "./settings.ts";

afterEach(() => vi.unstubAllEnvs());

test.each([
  ["hf-mirror.example", "write https://hf-mirror.example"],
  ["localhost:8080", "write https://localhost:8080"],
  ["//hub.example", "write https://huggingface.co"],
  ["ftp://hub.example", "write https://huggingface.co"],
  ["https://", "write https://huggingface.co"],
  ["http:hub.example", "write https://huggingface.co"],
])("an address of the hub must be one: %s", async (address, next) => {
  vi.stubEnv("HF_ENDPOINT", address);
  const events: unknown[] = [];
  const failed = await pull("org/name", { onEvent: (event) => events.push(event) }).catch((error) => error);
  expect(failed).toBeInstanceOf(HubError);
  expect(failed.message).toBe(
    `HF_ENDPOINT: must be an address of http or https, got "${address.replace(/\/+$/, "")}"; ${next}`,
  );
  expect(events).toEqual([]);
  await expect(push("nowhere", "org/name", { endpoint: address })).rejects.toThrow(/^endpoint: must be/);
  // What asks no network does not need the address.
  expect(await cachedModel("org/name", { cache: "nowhere" })).toBeUndefined();
});

test("slashes behind an address do not matter", () => {
  vi.stubEnv("HF_ENDPOINT", "https://hub.example/hf//");
  expect(hubSettings({}).endpoint).toBe("https://hub.example/hf");
  vi.stubEnv("HF_ENDPOINT", "");
  expect(hubSettings({}).endpoint).toBe("https://huggingface.co");
});
