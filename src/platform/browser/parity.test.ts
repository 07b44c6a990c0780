import { describe, expect, it, vi } from "vitest";
import * as node from "../index.ts";
import * as browser from "./index.ts";

// The compiler holds every one of them against what it stands for in Node.
const twin: Partial<typeof node> = browser;

describe("the platform's twin for browsers", () => {
  it("has no name that Node's has not", () => {
    expect(Object.keys(twin).filter((name) => !(name in node))).toEqual([]);
  });

  it("has an error in words for what no page can do", async () => {
    await expect(browser.writeFileAtomically("a", "b")).rejects.toThrow(
      "writing files: needs Node, got a browser",
    );
    await expect(browser.readFrameTimes("film.mp4")).rejects.toThrow(browser.VideoError);
    await expect(browser.openOnnxRuntime("c-api")).rejects.toThrow('must be "onnxruntime-web" in a browser');
  });

  it.each(["sha1", "sha256"] as const)("has Node's %s, of pieces as of the whole", (algorithm) => {
    const sums = [node, browser].map(({ newDigest }) => {
      const digest = newDigest(algorithm);
      for (const length of [0, 1, 63, 64, 1000]) digest.update(new Uint8Array(length).fill(length));
      return digest.hex();
    });
    expect(sums[1]).toBe(sums[0]);
  });

  it("joins and divides addresses, whose query stays at their end", () => {
    expect(browser.joinPath("/models/nano/", "config.json")).toBe("/models/nano/config.json");
    expect(browser.joinPath("https://a.org/m?key=1", "b", "c.json")).toBe("https://a.org/m/b/c.json?key=1");
    expect(browser.parentDirectory("https://a.org/m/c.json?key=1")).toBe("https://a.org/m?key=1");
    expect(browser.fileName("https://a.org/m/c.json?key=1")).toBe("c.json");
  });

  it("has one thread in a page that is not isolated", () => {
    expect(browser.processorCount()).toBe(1);
    vi.stubGlobal("crossOriginIsolated", true);
    vi.stubGlobal("navigator", { hardwareConcurrency: 3 });
    expect(browser.processorCount()).toBe(3);
    vi.unstubAllGlobals();
  });
});
