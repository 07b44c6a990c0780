import { readFileSync } from "node:fs";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { RemoteFileError } from "../platform/index.ts";
import { owlServer, pictureUrl } from "./testing/owl-server.ts";

let served: Awaited<ReturnType<typeof owlServer>>;
beforeAll(async () => {
  served = await owlServer({
    limits: { pictureBytes: 200_000 },
    remote: async () => {
      throw new RemoteFileError("remote file from a.org: must be there, got status 404");
    },
  });
});
afterAll(() => served.close());

const fixture = (path: string): Buffer =>
  readFileSync(new URL(`../../tests/fixtures/${path}`, import.meta.url));
const urlOf = (bytes: Uint8Array, type = "image/png"): string =>
  `data:${type};base64,${Buffer.from(bytes).toString("base64")}`;

const picture = (url: string): object => ({ type: "image_url", image_url: { url } });
const video = (url: string): object => ({ type: "video_url", video_url: { url } });
const text = { type: "text", text: "what is this?" };

const whole = pictureUrl("owl.png");
const owlPng = Buffer.from(whole.slice(whole.indexOf(",") + 1), "base64");
/** Its header is whole, so that only decoding finds it broken. */
const cut = urlOf(owlPng.subarray(0, owlPng.length >> 1));

interface Refusal {
  readonly status: number;
  readonly error: { readonly param: string; readonly code: string; readonly message: string };
}

async function ask(...contents: readonly (readonly object[])[]): Promise<Refusal> {
  const messages = contents.map((content) => ({ role: "user", content }));
  const response = await served.post("/v1/chat/completions", { model: "owl-nano", messages, max_tokens: 2 });
  return { status: response.status, ...((await response.json()) as Pick<Refusal, "error">) };
}

describe("a broken picture among several is named", () => {
  it.each<[says: string, part: object, code: string, status?: number]>([
    ["cut behind its header", picture(cut), "image_parse_error"],
    ["cut in its header", picture(urlOf(owlPng.subarray(0, 20))), "image_parse_error"],
    ["empty", picture("data:image/png;base64,"), "unsupported_image_media_type"],
    ["a text", picture("data:,hello"), "unsupported_image_media_type"],
    ["no base64", picture("data:image/png;base64,!!!!"), "invalid_base64_image"],
    ["a path", picture("/tmp/owl.png"), "invalid_image_url"],
    ["base64 without a URL", picture(owlPng.toString("base64")), "invalid_image_url"],
    ["not to be fetched", picture("https://a.org/owl.png"), "failed_to_download_image"],
    ["too large", picture(urlOf(new Uint8Array(200_001))), "picture_too_large", 413],
    ["a video without base64", video("data:video/mp4;base64,!!!!"), "invalid_base64_video"],
    ["a video at a path", video("film.mp4"), "invalid_video_url"],
    ["a video that cannot be fetched", video("https://a.org/film.mp4"), "failed_to_download_video"],
    [
      "an animation that is cut",
      video(urlOf(fixture("image/animated.gif").subarray(0, 60))),
      "video_parse_error",
    ],
  ])("%s", async (_, broken, code, status = 400) => {
    const kind = "video_url" in broken ? "video_url" : "image_url";
    const found = await ask([picture(whole), text], [text], [picture(whole), broken, picture(whole), text]);
    expect(found).toMatchObject({ status, error: { param: `messages[2].content[1].${kind}.url`, code } });
    expect(found.error.message).toContain(`messages[2].content[1].${kind}.url: `);
    expect(found.error.message.length).toBeLessThan(400);
  });

  it.each([
    ["found by their headers", "data:,hello", "data:image/png;base64,!"],
    ["found by decoding", cut, cut],
    ["found by decoding and by their headers", cut, "data:,hello"],
    ["found by their headers and by decoding", "data:,hello", cut],
  ])("and so are all of them: %s", async (_, first, second) => {
    const { status, error } = await ask([picture(whole), picture(first)], [text, picture(second), text]);
    expect(status).toBe(400);
    expect(error.param).toBe("messages[0].content[1].image_url.url");
    const named = error.message.match(/messages\[\d\]\.content\[\d\]\.image_url\.url: /g);
    expect(named).toEqual([
      "messages[0].content[1].image_url.url: ",
      "messages[1].content[1].image_url.url: ",
    ]);
    // The fields say which; a number among those that were decoded would be another one.
    expect(error.message).not.toMatch(/picture \d of/);
  });

  it("as the library names it", async () => {
    const content = [whole, cut, whole].map((url) => ({
      type: "image" as const,
      image: new Uint8Array(Buffer.from(url.slice(url.indexOf(",") + 1), "base64")),
    }));
    const reply = served.owl.chat([{ role: "user", content }]).text();
    await expect(reply).rejects.toThrow(/^picture 2 of 3: image bytes: must be a whole PNG file/);
    // One that is shown twice counts twice.
    const twice = served.owl.chat([{ role: "user", content: [content[0], content[0], content[1]] }]).text();
    await expect(twice).rejects.toThrow(/^picture 3 of 3: /);
  });
});

describe("pictures are known by their content", () => {
  it.each<[says: string, url: string]>([
    ["an AVIF whose major brand is mif1", urlOf(fixture("strangers/mif1.avif"), "image/avif")],
    ["under another type", urlOf(fixture("strangers/base.avif"), "image/jpeg")],
    ["with line breaks", urlOf(fixture("strangers/base.avif")).replace(/.{40}/g, "$&\r\n")],
    ["percent-encoded", urlOf(fixture("strangers/base.avif")).replaceAll("+", "%2B").replaceAll("=", "%3D")],
    [
      "without base64",
      `data:image/avif,${[...fixture("strangers/base.avif")].map((byte) => `%${byte.toString(16).padStart(2, "0")}`).join("")}`,
    ],
    ["without padding", urlOf(fixture("strangers/base.avif")).replaceAll("=", "")],
    ["in capitals", urlOf(fixture("strangers/base.avif")).replace("data:image/png;base64", "DATA:;BASE64")],
  ])("%s", async (_, url) => {
    const ask = async (one: string): Promise<unknown> => {
      const messages = [{ role: "user", content: [picture(one), text] }];
      const body = { model: "owl-nano", messages, logprobs: true, max_tokens: 4 };
      const response = await served.post("/v1/chat/completions", body);
      expect(response.status).toBe(200);
      return ((await response.json()) as { choices: unknown }).choices;
    };
    expect(await ask(url)).toEqual(await ask(urlOf(fixture("strangers/base.avif"))));
  });
});
