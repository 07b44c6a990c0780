import { afterEach, describe, expect, it, vi } from "vitest";
import { completeSettings, plainSettings } from "../../src/generation/index.ts";
import { defaultSettings } from "../storage/preferences.ts";
import { BrowserBackend, toBackendError, toGenerationSettings } from "./browser-backend.ts";

describe("the page's settings for a model inside the browser", () => {
  it("are settings that the library takes", () => {
    const sampled = { ...defaultSettings, doSample: true, temperature: 0.5, seed: 7, topK: 3, minP: 0.1 };
    expect(completeSettings(toGenerationSettings(sampled), plainSettings)).toMatchObject({
      doSample: true,
      temperature: 0.5,
      topK: 3,
      topP: 0.95,
      minP: 0.1,
      seed: 7,
      maxNewTokens: 256,
      numBeams: 1,
    });
    const beams = { ...defaultSettings, numBeams: 4, lengthPenalty: 0.5, noRepeatNgramSize: 2 };
    expect(completeSettings(toGenerationSettings(beams), plainSettings)).toMatchObject({
      doSample: false,
      numBeams: 4,
      lengthPenalty: 0.5,
      noRepeatNgramSize: 2,
    });
  });

  it("turn off what a model's own defaults ask for", () => {
    const own = { ...plainSettings, numBeams: 3, noRepeatNgramSize: 2 };
    expect(completeSettings(toGenerationSettings(defaultSettings), own)).toMatchObject({
      numBeams: 1,
      noRepeatNgramSize: 0,
    });
  });

  it("take the best token at temperature 0", () => {
    const cold = { ...defaultSettings, doSample: true, temperature: 0 };
    expect(completeSettings(toGenerationSettings(cold), plainSettings)).toMatchObject({
      doSample: false,
      temperature: 1,
    });
  });
});

describe("errors of a model inside the browser", () => {
  const named = (name: string): Error => Object.assign(new Error("details"), { name });

  it("are words for whoever asked", () => {
    expect(toBackendError(named("OutOfMemoryError")).message).toMatch(/not enough memory/);
    expect(toBackendError(named("DeviceLostError")).message).toMatch(/GPU was lost.*Ask again/);
    expect(toBackendError(named("VideoError")).kind).toBe("unsupported");
    expect(toBackendError(named("ImageError"))).toMatchObject({ kind: "refused", message: "details" });
  });
});

describe("the models that can run inside the page", () => {
  afterEach(() => vi.unstubAllGlobals());

  /** A server of these files; what it has not is a 404, or a page, as servers of single-page applications do it. */
  function serve(files: Record<string, unknown>, missing = new Response("no", { status: 404 })): void {
    vi.stubGlobal("fetch", async (path: string) =>
      path in files ? Response.json(files[path]) : missing.clone(),
    );
  }
  const names = async (): Promise<string[]> =>
    (await new BrowserBackend(() => {}).models()).map(({ id }) => id);

  it("are the server's whose files it gives out", async () => {
    const data = [{ id: "whole", files: true }, { id: "closed", files: false }, { id: "another server's" }];
    serve({ "/v1/models": { data }, "models/models.json": ["other"] });
    expect(await names()).toEqual(["whole"]);
  });

  it("are those of the list, where there is no server of ours", async () => {
    serve({ "models/models.json": ["owl-nano", "mine"] });
    expect(await names()).toEqual(["owl-nano", "mine"]);
    serve({ "models/models.json": ["owl-nano"] }, new Response("<!doctype html>"));
    expect(await names()).toEqual(["owl-nano"]);
  });

  it("are unknown where there is neither", async () => {
    serve({});
    await expect(names()).rejects.toThrow("The server does not offer this.");
  });
});
