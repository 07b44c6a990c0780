import OpenAI, { NotFoundError } from "openai";
import { afterAll, beforeAll, expect, it } from "vitest";
import { owlServer, question } from "./testing/owl-server.ts";
import { onSocket } from "./testing/socket.ts";

let served: Awaited<ReturnType<typeof owlServer>>;
let socket: Awaited<ReturnType<typeof onSocket>>;
beforeAll(async () => {
  served = await owlServer();
  socket = await onSocket(served.server);
});
afterAll(async () => {
  await socket.close();
  await served.close();
});

const hello = { ...question("hello"), max_tokens: 2 };
const client = (path: string): OpenAI =>
  new OpenAI({ baseURL: `${socket.url}${path}`, apiKey: "none", maxRetries: 0 });
const ask = (path: string): Promise<unknown> =>
  client(path).chat.completions.create(hello as OpenAI.ChatCompletionCreateParamsNonStreaming);

async function refused(path: string, method: string): Promise<{ message: string; code: string }> {
  const response = await fetch(socket.url + path, { method });
  expect(response.status).toBe(404);
  return ((await response.json()) as { error: { message: string; code: string } }).error;
}

it("takes a base URL with a slash at its end, and addresses that have one", async () => {
  expect(await ask("/v1/")).toMatchObject({ object: "chat.completion" });
  for (const path of ["/v1/models/", "/v1/models/owl-nano/", "/healthz/"]) {
    expect((await fetch(socket.url + path)).status, path).toBe(200);
  }
  const reply = await served.post("/v1/chat/completions/", hello);
  expect(reply.status).toBe(200);
  const { post } = served;
  expect((await post("/v1/completions/", { model: "owl-nano", prompt: "hello", max_tokens: 1 })).status).toBe(
    200,
  );
  expect((await fetch(`${socket.url}/v1/chat/completions/`)).headers.get("allow")).toBe("POST");
  expect(await (await fetch(`${socket.url}/metrics`)).text()).toContain('route="/v1/chat/completions"');
});

it.each([
  "",
  "/",
  "/api",
  "/v1/v1",
  "/openai",
])("tells a client with the base URL %j what it is", async (path) => {
  const error = await ask(path).catch((reason: unknown) => reason);
  expect(error).toBeInstanceOf(NotFoundError);
  expect((error as NotFoundError).message).toContain(
    "/v1/chat/completions is what you mean: a client's base URL is http://HOST:PORT/v1",
  );
  expect((error as NotFoundError).code).toBe("unknown_url");
});

it.each([
  ["POST", "/v1/responses"],
  ["POST", "/v1/embeddings"],
  ["POST", "/v1/messages"],
  ["POST", "/api/chat"],
  ["GET", "/api/tags"],
  ["GET", "/v1"],
  ["POST", "/"],
])("says what there is to who asks for %s %s", async (method, path) => {
  const { message, code } = await refused(path, method);
  expect(code).toBe("unknown_url");
  expect(message).toContain("there are /v1/chat/completions, /v1/completions, /v1/models");
});

it("says no more where a page is asked for", async () => {
  expect((await refused("/nowhere.html", "GET")).message).toBe("there is nothing at this address");
});
