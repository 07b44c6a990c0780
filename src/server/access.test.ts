import { request } from "node:http";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { hostName } from "./access.ts";
import { createServer } from "./server.ts";
import { modelDirectory, owlServer } from "./testing/owl-server.ts";
import { onSocket } from "./testing/socket.ts";

const own = ["localhost", "127.0.0.1", "[::1]"];
let served: Awaited<ReturnType<typeof owlServer>>;
let socket: Awaited<ReturnType<typeof onSocket>>;
beforeAll(async () => {
  served = await owlServer({ hosts: [...own, "Owl.Example", "bücher.example", "2001:DB8::1"] });
  socket = await onSocket(served.server);
});
afterAll(async () => {
  await socket.close();
  await served.close();
});

/** The reply to a request with these headers, as a proxy on this machine hands it on. */
function asked(headers: Record<string, string>): Promise<{ status: number | undefined; body: string }> {
  return new Promise((resolve, reject) => {
    const outgoing = request(
      { host: "127.0.0.1", port: socket.port, path: "/v1/models", headers },
      (reply) => {
        let body = "";
        reply.on("data", (part: Buffer) => {
          body += part;
        });
        reply.on("end", () => resolve({ status: reply.statusCode, body }));
      },
    );
    outgoing.on("error", reject);
    outgoing.end();
  });
}

describe("the names that a server answers to", () => {
  it.each([
    ...["owl.example", "owl.example:443", "OWL.example", "owl.example.", "owl.example.:8443", "localhost:1"],
    ...["127.0.0.1", "[::1]:80", "[2001:db8::1]", "[2001:db8::1]:443", "xn--bcher-kva.example"],
  ])("%s is one", async (host) => {
    expect((await asked({ host })).status).toBe(200);
  });

  it.each([
    ...["evil.example", "owl.example.evil.test", "evil-owl.example", "www.owl.example", "example", "owl"],
    ...["[2001:db8::2]", "192.168.0.1", "owl.example..", "localhost."],
  ])("%s is none", async (host) => {
    const { status, body } = await asked({ host });
    expect(status).toBe(403);
    const { error } = JSON.parse(body) as { error: { message: string; code: string } };
    expect(error.code).toBe("wrong_host");
    expect(error.message).toContain("--allow-host");
  });

  it("what a proxy says in other headers counts for nothing", async () => {
    const said = { "x-forwarded-host": "owl.example", forwarded: "host=owl.example" };
    expect((await asked({ host: "evil.example", ...said })).status).toBe(403);
    expect((await asked({ host: "owl.example", "x-forwarded-host": "evil.example" })).status).toBe(200);
  });

  it("the error stays short", async () => {
    const label = "a".repeat(60);
    const host = `${label}.${label}.${label}.${label}.test`;
    expect((await asked({ host })).body.length).toBeLessThan(500);
  });

  it("pages of elsewhere still cannot ask through them", async () => {
    const reply = await fetch(`${socket.url}/v1/chat/completions`, {
      method: "POST",
      headers: { "content-type": "text/plain", origin: "https://evil.example" },
      body: "{}",
    });
    expect(reply.status).toBe(415);
    expect(reply.headers.get("access-control-allow-origin")).toBeNull();
  });
});

describe("a host's name", () => {
  it("is written in one way", () => {
    const texts = ["OWL.example", "owl.example.", "::1", "[::1]", "bücher.example", "127.1"];
    expect(texts.map(hostName)).toEqual([
      ...["owl.example", "owl.example", "[::1]", "[::1]", "xn--bcher-kva.example", "127.0.0.1"],
    ]);
  });

  it("has neither port nor scheme, and is no pattern", () => {
    const wrong = [
      "",
      "owl.example:80",
      "https://owl.example",
      "owl.example/",
      "*.example",
      "a b",
      "u@h",
      "[x",
    ];
    expect(wrong.map(hostName)).toEqual(wrong.map(() => undefined));
    const models = { "owl-nano": { owl: served.owl, directory: modelDirectory } };
    expect(() => createServer({ models, hosts: ["owl.example:80"] })).toThrow(
      'hosts: must be names without port, as owl.example, got "owl.example:80"',
    );
  });
});
