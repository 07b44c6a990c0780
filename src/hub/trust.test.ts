import { appendFileSync, existsSync, readdirSync, readFileSync, statSync, writeFileSync } from "node:fs";
import { homedir } from "node:os";
import { join, resolve } from "node:path";
import { beforeEach, describe, expect, it, vi } from "vitest";
import { ChecksumError, HubError } from "./errors.ts";
import { hubSettings, hubToken, type PullEvent } from "./settings.ts";
import { checksumOf } from "./testing/hub-server.ts";
import {
  blobOf,
  blobs,
  cache,
  cutWeights,
  events,
  failureOf,
  fetchIt,
  files,
  first,
  folder,
  hub,
  json,
  slowPoll,
  weights,
} from "./testing/pulling.ts";

describe("a file that is not what the hub describes", () => {
  it.each(["model.safetensors", "config.json"] as const)("%s: is named and not kept", async (name) => {
    hub.trouble.corrupt.add(name);
    const error = await failureOf(fetchIt());
    expect(error).toBeInstanceOf(ChecksumError);
    const algorithm = name === "config.json" ? "git-sha1" : "sha256";
    expect(String(error)).toContain(
      `${name}: must have the ${algorithm} checksum ${checksumOf(files[name])}`,
    );
    expect(blobs().filter((blob) => blob.startsWith(checksumOf(files[name])))).toEqual([]);
    expect(existsSync(join(folder(), "snapshots", first, name))).toBe(false);
    expect(existsSync(join(folder(), "refs", "main"))).toBe(false);

    hub.trouble.corrupt.clear();
    const { directory } = await fetchIt();
    expect(readFileSync(join(directory, name)).equals(files[name])).toBe(true);
  });

  it("is found out where the beginning that was kept is wrong", async () => {
    cutWeights(100_000, 1);
    const stop = new AbortController();
    const onEvent = (event: PullEvent): void => {
      events.push(event);
      if (event.kind === "retry") stop.abort();
    };
    await failureOf(fetchIt("org/model", { signal: stop.signal, onEvent }));
    writeFileSync(`${blobOf(weights)}.incomplete`, Buffer.alloc(100_000));
    expect(await failureOf(fetchIt())).toBeInstanceOf(ChecksumError);
    expect((await fetchIt()).fetchedBytes).toBe(300_000);
  });

  it("is found out where another program wrote into it", async () => {
    let release = (): void => undefined;
    hub.trouble.hold.set("model.safetensors", new Promise((resolve) => (release = resolve)));
    const failure = failureOf(fetchIt());
    const partial = `${blobOf(weights)}.incomplete`;
    await expect.poll(() => existsSync(partial) && statSync(partial).size, slowPoll).toBe(150_000);
    appendFileSync(partial, "x");
    release();
    expect(await failure).toBeInstanceOf(ChecksumError);
    expect(String(await failure)).toMatch(/must have 300000 bytes, got 300001 \(does another program/);
    expect(blobs().filter((blob) => blob.startsWith(checksumOf(weights)))).toEqual([]);
  });

  it.each([
    "../escaped.json",
    "/escaped.json",
    "a/../../b",
    "C:\\x",
    "a\\..\\..\\b",
    "a//b",
    "a\nb",
  ])("a name that leads out of the repo (%j) is refused before anything is fetched", async (name) => {
    const held = { ...files, [name]: json({}) };
    hub.repos.set("org/model", { refs: { main: first }, commits: { [first]: held } });
    const error = await failureOf(fetchIt("org/model", { all: true }));
    expect(error).toBeInstanceOf(HubError);
    expect(String(error)).toContain(JSON.stringify(name));
    expect(hub.served).toEqual([]);
    expect(readdirSync(cache)).toEqual([]);
  });
});

describe("an answer that is not a hub's", () => {
  const lies: [question: string, answer: string][] = [
    ["revision", "<html>log in first</html>"],
    ["revision", "null"],
    ["revision", '{"sha": "../../etc"}'],
    ["tree", "null"],
    ["tree", "[null, 5]"],
    ["tree", '[{"type": "file", "path": "config.json", "size": -1, "oid": "../x"}]'],
    ["tree", `[{"type": "file", "path": {}, "size": 1, "oid": "${"a".repeat(40)}"}]`],
  ];
  it.each(lies)("%s: %s", async (question, answer) => {
    hub.trouble.api.set(question, answer);
    expect(await failureOf(fetchIt())).toBeInstanceOf(HubError);
    expect(readdirSync(cache)).toEqual([]);
  });
});

describe("who may read", () => {
  it("a private repo opens with its token, which the CDN never sees", async () => {
    hub.repos.set("org/model", { refs: { main: first }, commits: { [first]: files }, token: "hf_right" });
    expect(String(await failureOf(fetchIt()))).toMatch(
      /HubError: org\/model: must be a repo that you may read, got status 401 \("Invalid username or password."\); .*set HF_TOKEN/,
    );
    expect(String(await failureOf(fetchIt("org/model", { token: "hf_wrong" })))).toMatch(
      /org\/model: must be a model repo of http.*got status 404/,
    );
    await fetchIt("org/model", { token: "hf_right" });
    const seen = (path: string) => hub.served.find((served) => served.path === path)?.authorization;
    expect(seen("config.json")).toBe("Bearer hf_right");
    expect(seen("model.safetensors")).toBeUndefined();
  });

  describe("the token that a person has logged in with", () => {
    beforeEach(() => {
      vi.stubEnv("HF_TOKEN_PATH", undefined);
      vi.stubEnv("HF_HOME", cache);
      hub.repos.set("org/model", { refs: { main: first }, commits: { [first]: files }, token: "hf_right" });
    });
    const seen = (path: string) => hub.served.find((served) => served.path === path)?.authorization;

    it("is sent to the hub, and never to the CDN", async () => {
      writeFileSync(join(cache, "token"), "hf_right\n");
      await fetchIt();
      expect(seen("config.json")).toBe("Bearer hf_right");
      expect(seen("model.safetensors")).toBeUndefined();
    });

    it("may lie at HF_TOKEN_PATH, and stands behind what the environment names", async () => {
      const path = join(cache, "elsewhere");
      writeFileSync(path, " hf_right\r\n");
      vi.stubEnv("HF_TOKEN_PATH", path);
      expect(await hubToken({})).toEqual({ token: "hf_right", from: path });
      vi.stubEnv("HUGGING_FACE_HUB_TOKEN", "hf_old");
      expect(await hubToken({})).toEqual({ token: "hf_old", from: "HUGGING_FACE_HUB_TOKEN" });
      vi.stubEnv("HF_TOKEN", " hf_new ");
      expect(await hubToken({})).toEqual({ token: "hf_new", from: "HF_TOKEN" });
      expect(await hubToken({ token: "hf_mine" })).toEqual({ token: "hf_mine", from: "token" });
    });

    it("is not sent where that is switched off, empty is none, and a text is none", async () => {
      writeFileSync(join(cache, "token"), "\n");
      expect(await hubToken({})).toBeUndefined();
      writeFileSync(join(cache, "token"), "hf_right");
      vi.stubEnv("HF_HUB_DISABLE_IMPLICIT_TOKEN", "1");
      expect(await hubToken({})).toBeUndefined();
      expect(await hubToken({ token: "hf_mine" })).toMatchObject({ token: "hf_mine" });
      vi.stubEnv("HF_HUB_DISABLE_IMPLICIT_TOKEN", "");
      writeFileSync(join(cache, "token"), "my token: hf_right");
      await expect(hubToken({})).rejects.toThrow(`${join(cache, "token")}: must hold one token of the hub`);
    });

    it("is named where the hub refuses it", async () => {
      writeFileSync(join(cache, "token"), "hf_wrong");
      expect(String(await failureOf(fetchIt()))).toContain(`the token of ${join(cache, "token")}`);
    });
  });

  it("the cache lies where the hub's variables say, with ~ and other variables filled in", () => {
    const at = (variables: Record<string, string>): string => {
      for (const name of ["HF_HUB_CACHE", "HUGGINGFACE_HUB_CACHE", "HF_HOME", "XDG_CACHE_HOME"]) {
        vi.stubEnv(name, variables[name]);
      }
      return hubSettings({}).cache;
    };
    expect(at({})).toBe(join(homedir(), ".cache/huggingface/hub"));
    expect(at({ XDG_CACHE_HOME: "~/x" })).toBe(join(homedir(), "x/huggingface/hub"));
    expect(at({ XDG_CACHE_HOME: "/x", HF_HOME: "$HOME/h" })).toBe(join(process.env.HOME ?? "$HOME", "h/hub"));
    expect(at({ HF_HOME: "/h", HUGGINGFACE_HUB_CACHE: "/old" })).toBe("/old");
    expect(at({ HF_HUB_CACHE: "relative/cache", HUGGINGFACE_HUB_CACHE: "/old" })).toBe(
      resolve("relative/cache"),
    );
  });

  it("a gated repo says where its conditions are accepted", async () => {
    hub.repos.set("org/model", { refs: { main: first }, commits: { [first]: files }, gated: true });
    const error = String(await failureOf(fetchIt()));
    expect(error).toMatch(
      /must be open to you, got status 403 .*accept its conditions at http.*\/org\/model/,
    );
  });

  it.each([
    "",
    "a/b/c",
    "org/..",
    "org/na--me",
    "org/name@",
    "org/name@../x",
    "../x",
    "org/x.git",
  ])("%j is no repo", async (name) => {
    expect(await failureOf(fetchIt(name))).toBeInstanceOf(HubError);
    expect(hub.asked).toEqual([]);
  });
});
