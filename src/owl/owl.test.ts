import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { pathToFileURL } from "node:url";
import sharp from "sharp";
import { afterAll, beforeAll, expect, test } from "vitest";
import { owlFixture } from "../../tests/owl-fixture.ts";
import type { ChatMessage } from "./chat.ts";
import { Owl } from "./owl.ts";

let owl: Owl;
let fixture: Awaited<ReturnType<typeof owlFixture>>;
let png: Buffer;

beforeAll(async () => {
  fixture = await owlFixture();
  owl = await Owl.load(fixture.directory, { threads: 1 });
  const colour = { width: 40, height: 30, channels: 3, background: "#3366cc" } as const;
  png = await sharp({ create: colour }).png().toBuffer();
  writeFileSync(join(fixture.directory, "blue.png"), png);
});
afterAll(async () => {
  await owl.close();
  fixture.remove();
});

const ask = (text: string): ChatMessage[] => [{ role: "user", content: text }];

async function piecesOf(reply: AsyncIterable<string>): Promise<string[]> {
  const pieces = [];
  for await (const piece of reply) pieces.push(piece);
  return pieces;
}

test("every piece of a streamed answer is whole characters, and all of them the whole text", async () => {
  for (let seed = 0; seed < 8; seed++) {
    const reply = owl.chat(ask("hello"), { maxNewTokens: 40, doSample: true, temperature: 3, seed });
    const pieces = await piecesOf(reply);
    const { ids, text } = await reply.answer();
    expect(pieces.join("")).toBe(text);
    expect(text).toBe(owl.tokenizer.decode(ids, { skipSpecialTokens: true }));
    for (const piece of pieces) expect(() => encodeURIComponent(piece)).not.toThrow();
  }
});

test("a stop string ends the answer and is not part of it", async () => {
  const settings = { maxNewTokens: 30, eosTokenIds: [] };
  const whole = await owl.chat(ask("tell me"), settings).text();
  const stop = whole.slice(12, 15);
  const reply = owl.chat(ask("tell me"), { ...settings, stop: ["never", stop] });
  const pieces = await piecesOf(reply);
  expect(pieces.join("")).toBe(whole.slice(0, whole.indexOf(stop)));
  expect((await reply.answer()).finishReason).toBe("stop");
});

test("a picture may come as path, URL, bytes or RGB and is the same picture", async () => {
  const path = join(fixture.directory, "blue.png");
  const rgb = { width: 40, height: 30, data: new Uint8Array(await sharp(png).raw().toBuffer()) };
  const dataUrl = new URL(`data:image/png;base64,${png.toString("base64")}`);
  const keys = [];
  for (const image of [path, pathToFileURL(path), dataUrl, new Uint8Array(png), rgb]) {
    const { ids, pictures } = await owl.prompt([{ role: "user", content: [{ type: "image", image }] }]);
    expect(ids.filter((id) => id < 0)).toHaveLength(9);
    keys.push(pictures[0].key);
  }
  expect(new Set(keys).size).toBe(1);
});

test("conversations answered together are answered as one by one", async () => {
  const conversations: ChatMessage[][] = [
    ask("what is this?"),
    [
      {
        role: "user",
        content: [
          { type: "image", image: png },
          { type: "text", text: "what colour?" },
        ],
      },
    ],
    [...ask("hi"), { role: "assistant", content: "hello" }, ...ask("and now a longer question about it")],
  ];
  const together = await owl.chatAll(conversations, { maxNewTokens: 12 });
  for (const [i, messages] of conversations.entries()) {
    const alone = await owl.chat(messages, { maxNewTokens: 12 }).answer();
    expect(together[i]).toEqual(alone);
    expect(alone.promptTokens).toBe((await owl.prompt(messages)).ids.length);
  }
});

test("mistakes are told when the reply is asked for", async () => {
  await expect(owl.chat([]).text()).rejects.toThrow(/no message/);
  await expect(owl.chat(ask("hi"), { topP: 2, numBeams: 0 }).text()).rejects.toThrow(
    /topP.*numBeams|numBeams.*topP/,
  );
  const gone: ChatMessage[] = [{ role: "user", content: [{ type: "image", image: "gone.png" }] }];
  await expect(owl.chat(gone).text()).rejects.toThrow(/gone\.png/);
  await expect(Owl.load(join(fixture.directory, "nowhere"))).rejects.toThrow(/nowhere/);
});

test("an owl without a tokenizer says so", async () => {
  const bare = await Owl.load(new URL("../../tests/fixtures/model", import.meta.url).pathname, {
    threads: 1,
  });
  await expect(bare.chat(ask("hi")).text()).rejects.toThrow(/tokenizer\.json or tokenizer\.model/);
  const answer = await bare.generate({ ids: [1, 5, 6], pictures: [] }, { maxNewTokens: 3 });
  expect(answer.ids.length).toBeGreaterThan(0);
  await bare.close();
});

const schema = {
  type: "object",
  properties: { animal: { enum: ["cat", "dog"] }, legs: { type: "integer", minimum: 0, maximum: 9 } },
  required: ["animal", "legs"],
};
const fits = { animal: expect.stringMatching(/^(cat|dog)$/), legs: expect.any(Number) };

test("with json an answer is an object that the schema allows, however it is asked for", async () => {
  const settings = { json: schema, maxNewTokens: 60, doSample: true, temperature: 3, seed: 4 };
  const prompt = await owl.prompt(ask("hello"));
  const answers = [
    await owl.chat(ask("hello"), settings).answer(),
    await owl.generate(prompt, settings),
    ...(await owl.chatAll([ask("hello"), ask("tell me")], settings)),
  ];
  for (const { text, finishReason } of answers) {
    expect(finishReason).toBe("end");
    expect(JSON.parse(text)).toEqual(fits);
  }
  const any = await owl.chat(ask("hello"), { ...settings, json: true, maxNewTokens: 20 }).text();
  expect(Object.prototype.toString.call(JSON.parse(any))).toBe("[object Object]");
  const [plain, none] = [{}, { json: false }].map((more) =>
    owl.chat(ask("hello"), { maxNewTokens: 5, ...more }),
  );
  expect(await none.text()).toBe(await plain.text());
});

test("json needs one beam and a schema that can be held to", async () => {
  await expect(owl.chat(ask("hello"), { json: true, numBeams: 2 }).text()).rejects.toThrow(/numBeams.*got 2/);
  await expect(owl.chat(ask("hello"), { json: { not: {} } }).text()).rejects.toThrow('"not"');
});
