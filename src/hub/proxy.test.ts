import { expect, test, vi } from "vitest";
import { proxyAdvice } from "./proxy.ts";
import { failureOf, fetchIt, hub } from "./testing/pulling.ts";

const none = (): void => {
  for (const name of ["HTTPS_PROXY", "HTTP_PROXY", "ALL_PROXY"]) {
    vi.stubEnv(name, "");
    vi.stubEnv(name.toLowerCase(), "");
  }
  vi.stubEnv("NODE_USE_ENV_PROXY", "");
};

test.each([
  "HTTP_PROXY",
  "http_proxy",
  "ALL_PROXY",
])("a hub that does not answer while %s is set: that it is not used is said, and how it is", async (name) => {
  none();
  await hub.stop();
  expect(String(await failureOf(fetchIt()))).toMatch(/try again later$/);
  vi.stubEnv(name, "http://127.0.0.1:9");
  const error = String(await failureOf(fetchIt()));
  expect(error).toContain(`try again later; the proxy of ${name} was not used: Node from 22.21`);
  expect(error).toContain("NODE_USE_ENV_PROXY=1");
});

test("a proxy of the other kind of address says nothing, nor one that Node uses", () => {
  none();
  vi.stubEnv("HTTP_PROXY", "http://127.0.0.1:9");
  expect(proxyAdvice("https://hub.example")).toBe("");
  expect(proxyAdvice("http://hub.example")).toContain("HTTP_PROXY");
  vi.stubEnv("NODE_USE_ENV_PROXY", "1");
  const canUse = process.allowedNodeEnvironmentFlags.has("--use-env-proxy");
  expect(proxyAdvice("http://hub.example")).toBe(
    canUse
      ? ""
      : `; the proxy of HTTP_PROXY was not used: Node from 22.21 and from 24.5 on uses one with NODE_USE_ENV_PROXY=1 (this is ${process.version})`,
  );
});
