import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { owlFixture } from "../../tests/owl-fixture.ts";
import { ClosedError } from "../inference/index.ts";
import { executionProviderNames } from "../platform/index.ts";
import { PromptError } from "../prompt/index.ts";
import type { Conversation } from "./conversation.ts";
import { Owl } from "./owl.ts";

let owl: Owl;
let fixture: Awaited<ReturnType<typeof owlFixture>>;
beforeAll(async () => {
  fixture = await owlFixture();
  owl = await Owl.load(fixture.directory, { threads: 1 });
});
afterAll(async () => {
  await owl.close();
  fixture.remove();
});

/** What a caller without a compiler may write. */
const untyped = <T>(value: unknown): T => value as T;

describe("options of Owl.load", () => {
  test("are refused before anything is read, all at once, with the nearest name", async () => {
    const options = {
      device: "gpu",
      thread: 4,
      framesPerVideo: 1,
      fidelity: "exact",
      binding: "wasm",
      adapter: 3,
    };
    const error = await Owl.load("nowhere", untyped(options)).catch(String);
    for (const said of [
      `device: must be one of ${executionProviderNames.map((name) => `"${name}"`).join(", ")}, got "gpu"`,
      "no option is called thread (did you mean threads?)",
      "framesPerVideo: must be a whole number of at least 2, got 1",
      'fidelity: must be one of "default", "reference", got "exact"',
      'binding: must be one of "c-api", "onnxruntime-node", "onnxruntime-web", got "wasm"',
      "adapter: must be a path, a name or a file: URL, got 3",
    ]) {
      expect(error).toContain(said);
    }
  });

  test.each([0, -1, 1.5, "4", null])("threads: %j", async (threads) => {
    await expect(Owl.load(fixture.directory, untyped({ threads }))).rejects.toThrow(
      /^Owl.load: threads: must be/,
    );
  });

  test("a model that is none is told, and an adapter, too", async () => {
    await expect(Owl.load("org/none")).rejects.toThrow(/`owl pull org\/none` fetches it/);
    await expect(Owl.load(untyped({ threads: 1 }))).rejects.toThrow(/^model: must be .*got an object/);
    await expect(Owl.load(fixture.directory, { adapter: "no/lora" })).rejects.toThrow(/`owl pull no\/lora`/);
  });
});

describe("settings", () => {
  test.each<[settings: object, says: RegExp]>([
    [{ max_new_tokens: 5 }, /no setting is called max_new_tokens \(did you mean maxNewTokens\?\)/],
    [{ maxTokens: 5 }, /no setting is called maxTokens \(did you mean maxNewTokens\?\)/],
    [{ Temperature: 1 }, /did you mean temperature\?/],
    [{ abortSignal: 1 }, /no setting is called abortSignal \(there are maxNewTokens, .*signal, json/],
    [{ maxNewTokens: "5", topK: -1 }, /maxNewTokens: .*; topK: /],
    [
      { signal: 5, json: "yes" },
      /signal: must be an AbortSignal, got 5; json: must be true, false or a JSON schema/,
    ],
    [[], /must be an object, got an empty list/],
  ])("%j", async (settings, says) => {
    await expect(owl.chat("hi", untyped(settings)).text()).rejects.toThrow(says);
    await expect(owl.chatAll(["hi"], untyped(settings))).rejects.toThrow(says);
  });

  test("how many answers are made at once is asked of many only", async () => {
    await expect(owl.chat("hi", untyped({ batchSize: 2 })).text()).rejects.toThrow(/called batchSize/);
    await expect(owl.chatAll(["hi"], { batchSize: 0 })).rejects.toThrow(/batchSize: must be a whole number/);
  });

  test("options of an engine and limits of reading", async () => {
    expect(() => owl.engine(untyped({ maxRuning: 2, prefillChunk: 0 }))).toThrow(
      "engine: no option is called maxRuning (did you mean maxRunning?); prefillChunk: must be a whole number",
    );
    await expect(owl.prompt("hi", untyped({ maxPixel: 2 }))).rejects.toThrow(/did you mean maxPixels\?/);
  });
});

describe("conversations", () => {
  test("a text or a message is a conversation that begins", async () => {
    const message = { role: "user", content: "what is this?" } as const;
    const expected = (await owl.prompt([message])).ids;
    expect((await owl.prompt("what is this?")).ids).toEqual(expected);
    expect((await owl.prompt(message)).ids).toEqual(expected);
    const settings = { maxNewTokens: 4 };
    const text = await owl.chat([message], settings).text();
    expect(await owl.chat("what is this?", settings).text()).toBe(text);
    const all = await owl.chatAll(["what is this?", message, [message]], settings);
    expect(all.map((answer) => answer.text)).toEqual([text, text, text]);
  });

  test.each<[given: unknown, says: RegExp]>([
    [undefined, /must be a text, a message or a list of messages, got undefined/],
    [7, /got 7/],
    [[], /no message/],
    [["what?"], /message 0 must be \{ role, content \}, got "what\?"/],
    [
      [null, { role: "user" }, { content: "hi" }],
      /message 0 .*null; message 1 must have content.*; message 2 must have the role/,
    ],
    [{ role: "user", content: 5 }, /message 0 must have content, a text or a list of parts, got 5/],
    [{ role: "user", content: [null] }, /message 0 must have parts that are objects, got null/],
    [
      { role: "user", content: "what?", images: ["a.png"] },
      /message 0 has images: pictures and videos are parts/,
    ],
    [{ role: "human", content: "hi" }, /role "human"/],
    [{ role: "h".repeat(100_000), content: "hi" }, /^.{1,300}$/s],
    [{ role: "user", content: [{ type: "t".repeat(100_000) }] }, /^.{1,300}$/s],
  ])("%j is no conversation", async (given, says) => {
    const failed = await owl.prompt(untyped<Conversation>(given)).catch((error: unknown) => error);
    expect(failed).toBeInstanceOf(PromptError);
    expect(String(failed)).toMatch(says);
    await expect(owl.chat(untyped<Conversation>(given)).text()).rejects.toThrow(says);
  });

  test("chatAll and generate say what they are given", async () => {
    await expect(owl.chatAll(untyped("hi"))).rejects.toThrow(
      /must be given a list of conversations, got "hi"/,
    );
    await expect(owl.generate(untyped("hi"))).rejects.toThrow(
      /prompt: must be what owl.prompt\(messages\) gives/,
    );
  });
});

describe("a closed owl", () => {
  test("refuses everything in the same words, and closes again", async () => {
    const closed = await Owl.load(fixture.directory, { threads: 1 });
    const prompt = await closed.prompt("hi");
    const engine = closed.engine();
    const settings = closed.defaults;
    await closed.chat("hi", { maxNewTokens: 2 }).text();
    await closed.close();
    await closed.close();
    await closed[Symbol.asyncDispose]();
    const pixel = { width: 1, height: 1, data: new Uint8Array(3) };
    const inputs = { ids: [[1, 2]] };
    const calls: (() => unknown)[] = [
      () => closed.chat("hi").text(),
      () => closed.chatAll(["hi"]),
      () => closed.prompt("hi"),
      () => closed.generate(prompt),
      () => closed.generateBatch([prompt]),
      () => closed.attention(pixel),
      () => closed.forward(inputs),
      () => closed.gradients(inputs, "language"),
      () => closed.engine(),
      () => closed.tokenizer,
      () => engine.generate({ prompt, settings }).next(),
    ];
    for (const call of calls) {
      const error = await new Promise((resolve) => resolve(call())).catch((reason: unknown) => reason);
      expect(error).toBeInstanceOf(ClosedError);
      expect(String(error)).toContain("owl: must be open to be asked, got a closed one; load it again");
    }
    expect(closed.config.language.vocabulary).toBeGreaterThan(0);
  });

  test("an answer under way ends with the same error", async () => {
    const closing = await Owl.load(fixture.directory, { threads: 1 });
    const reading = (async () => {
      for await (const _ of closing.chat("hi", { maxNewTokens: 200, eosTokenIds: [] })) await closing.close();
    })();
    await expect(reading).rejects.toBeInstanceOf(ClosedError);
  });
});
