import Ajv2020 from "ajv/dist/2020.js";
import OpenAI, { APIError } from "openai";
import { afterAll, beforeAll, expect, it } from "vitest";
import { owlServer, pictureUrl } from "./testing/owl-server.ts";
import { onSocket } from "./testing/socket.ts";

let served: Awaited<ReturnType<typeof owlServer>>;
let socket: Awaited<ReturnType<typeof onSocket>>;
let client: OpenAI;
beforeAll(async () => {
  served = await owlServer();
  socket = await onSocket(served.server);
  client = new OpenAI({ baseURL: `${socket.url}/v1`, apiKey: "none", maxRetries: 0 });
});
afterAll(async () => {
  await socket.close();
  await served.close();
});

const schema = {
  type: "object",
  properties: {
    name: { type: "string" },
    colours: { type: "array", items: { enum: ["red", "green", "blue"] }, minItems: 1, maxItems: 3 },
    certainty: { type: "number", minimum: 0, maximum: 1 },
    parent: { anyOf: [{ $ref: "#" }, { type: "null" }] },
  },
  required: ["name", "colours", "certainty", "parent"],
  additionalProperties: false,
};
const fits = new Ajv2020.default({ strict: false }).compile(schema);
const format = { type: "json_schema" as const, json_schema: { name: "thing", strict: true, schema } };

/** A question about a picture, to an owl that was never taught JSON. */
function asked(maxTokens: number): OpenAI.ChatCompletionCreateParamsNonStreaming {
  const content: OpenAI.ChatCompletionContentPart[] = [
    { type: "image_url", image_url: { url: pictureUrl("owl.png") } },
    { type: "text", text: "what is this?" },
  ];
  return { model: "owl-nano", messages: [{ role: "user", content }], max_tokens: maxTokens };
}

it("a reply parses against its schema, greedy and sampled, whole and streamed, several at once", async () => {
  for (const sampled of [{}, { temperature: 1.5, seed: 3, n: 3 }]) {
    const request = { ...asked(90), ...sampled, response_format: format };
    const { choices } = await client.chat.completions.create(request);
    for (const { message, finish_reason } of choices) {
      expect(finish_reason).toBe("stop");
      expect(fits(JSON.parse(message.content ?? "")), message.content ?? "").toBe(true);
    }
    const stream = client.chat.completions.stream({ ...request, stream: true, n: 1 });
    const final = await stream.finalChatCompletion();
    expect(final.choices[0].message.content).toBe(choices[0].message.content);
  }
});

it("json_object is any object; too few tokens are told as such", async () => {
  const { choices } = await client.chat.completions.create({
    ...asked(40),
    temperature: 1,
    seed: 5,
    response_format: { type: "json_object" },
  });
  expect(choices[0].finish_reason).toBe("stop");
  expect(Object.prototype.toString.call(JSON.parse(choices[0].message.content ?? ""))).toBe(
    "[object Object]",
  );
  const cut = await client.chat.completions.create({ ...asked(5), response_format: format });
  expect(cut.choices[0].finish_reason).toBe("length");
});

it("what is not supported in a schema is a 400 that names all of it", async () => {
  const wrong = { type: "object", properties: { a: { not: {} }, b: { uniqueItems: true } } };
  const error = await client.chat.completions
    .create({
      ...asked(20),
      response_format: { type: "json_schema", json_schema: { name: "x", schema: wrong } },
    })
    .catch((reason: unknown) => reason);
  expect(error).toBeInstanceOf(APIError);
  expect(error).toMatchObject({ status: 400, param: "response_format.json_schema.schema" });
  expect((error as APIError).message).toMatch(/#\/properties\/a.*"not"[\s\S]*#\/properties\/b.*uniqueItems/);
});
