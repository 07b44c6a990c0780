import { connect } from "node:net";
import { afterAll, beforeAll, describe, expect, it, vi } from "vitest";
import type { Engine } from "../generation/index.ts";
import { createServer, type OwlServer } from "./server.ts";
import { modelDirectory, owlServer, pictureUrl, poster, question } from "./testing/owl-server.ts";
import { onSocket } from "./testing/socket.ts";

let served: Awaited<ReturnType<typeof owlServer>>;
beforeAll(async () => {
  served = await owlServer();
});
afterAll(() => served.close());

const chat = "/v1/chat/completions";
/** For a busy machine: nothing below waits for a time to be over. */
const timeout = 60_000;
/** An answer that only the model's last position ends: what was said is likeliest to be said again. */
const endless = { ...question("hello"), repetition_penalty: 0.05, max_tokens: 4000 };

/** A server with one place, its engine, and how many tokens there were when it heard that somebody had gone. */
async function watched(): Promise<{
  server: OwlServer;
  engine: Engine;
  socket: Awaited<ReturnType<typeof onSocket>>;
  heard: () => number | undefined;
}> {
  const engineOf = vi.spyOn(served.owl, "engine");
  const models = { "owl-nano": { owl: served.owl, directory: modelDirectory } };
  const server = createServer({ models, limits: { queue: 1 } });
  const engine = engineOf.mock.results[0].value as Engine;
  engineOf.mockRestore();
  let tokens: number | undefined;
  const socket = await onSocket({
    fetch: (request) => {
      const note = (): void => {
        tokens = engine.statistics.generatedTokens;
      };
      request.signal.addEventListener("abort", note, { once: true });
      return server.fetch(request);
    },
    drain: () => server.drain(),
    close: () => server.close(),
  });
  return { server, engine, socket, heard: () => tokens };
}

describe("whoever goes away in the middle of an answer", () => {
  it.each([
    ["streamed", true],
    ["whole", false],
  ])("%s: at most one more token is made, and the place is free", async (_, stream) => {
    const { server, engine, socket, heard } = await watched();
    const body = JSON.stringify({ ...endless, stream });
    const head = `POST ${chat} HTTP/1.1\r\nhost: localhost\r\ncontent-type: application/json\r\ncontent-length: ${body.length}`;
    const client = connect(socket.port, "127.0.0.1");
    client.write(`${head}\r\n\r\n${body}`);
    await expect.poll(() => engine.statistics.generatedTokens, { interval: 1, timeout }).toBeGreaterThan(5);
    expect((await poster(server)(chat, question("hello"))).status).toBe(429);
    client.destroy();
    await expect.poll(() => engine.statistics.running, { timeout }).toBe(0);
    const atThatTime = heard();
    expect(atThatTime).toBeGreaterThan(5);
    // It was not at its end anyway.
    expect(atThatTime).toBeLessThan(200);
    expect(engine.statistics.generatedTokens - (atThatTime ?? 0)).toBeLessThanOrEqual(1);
    expect((await poster(server)(chat, { ...question("hello"), max_tokens: 1 })).status).toBe(200);
    await socket.close();
    await server.close();
  });
});

describe("whoever does not read", () => {
  it("has what is left of a reply for so long, then it is forgotten", async () => {
    const models = { "owl-nano": { owl: served.owl } };
    const server = createServer({ models, limits: { readingSeconds: 0.01 } });
    const reply = await poster(server)(chat, { ...question("hello"), stream: true });
    const reader = reply.body?.getReader();
    await server.drain();
    const readAll = async (): Promise<void> => {
      while (!(await reader?.read())?.done);
    };
    await new Promise((resolve) => setTimeout(resolve, 50));
    await expect(readAll()).rejects.toThrow("must be read within 0.01 seconds");
    await server.close();
  });

  it("keeps the memory of fetched pictures until its reply is over, and no longer", async () => {
    const models = { "owl-nano": { owl: served.owl } };
    const picture = new Uint8Array(await (await fetch(pictureUrl("owl.png"))).arrayBuffer());
    const server = createServer({
      models,
      limits: { bodyBytesAtOnce: 2 * picture.byteLength },
      remote: async () => picture,
    });
    const ask = (count: number): Promise<Response> => {
      const addresses = Array.from({ length: count }, () => "https://example.org/owl.png");
      return poster(server)(chat, { ...question("what?", ...addresses), max_tokens: 1 });
    };
    expect((await ask(3)).status).toBe(503);
    for (let i = 0; i < 3; i++) expect((await ask(1)).status).toBe(200);
    await server.close();
  });
});
