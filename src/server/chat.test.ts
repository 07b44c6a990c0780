import { readFileSync } from "node:fs";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { eventsOf, owlServer, picturePath, pictureUrl, question } from "./testing/owl-server.ts";

let served: Awaited<ReturnType<typeof owlServer>>;
beforeAll(async () => {
  served = await owlServer();
});
afterAll(() => served.close());

interface Completion {
  readonly id: string;
  readonly object: string;
  readonly model: string;
  readonly choices: readonly {
    readonly message: { readonly role: string; readonly content: string };
    readonly finish_reason: string;
    readonly logprobs: {
      readonly content: readonly LogprobEntry[];
    } | null;
  }[];
  readonly usage: {
    readonly prompt_tokens: number;
    readonly completion_tokens: number;
    readonly total_tokens: number;
    readonly prompt_tokens_details: { readonly cached_tokens: number };
  };
}
interface LogprobEntry {
  readonly token: string;
  readonly logprob: number;
  readonly bytes: readonly number[] | null;
  readonly top_logprobs: readonly { readonly token: string; readonly logprob: number }[];
}
interface Chunk {
  readonly choices: readonly {
    readonly index: number;
    readonly delta: { readonly content?: string };
    readonly finish_reason: string | null;
  }[];
  readonly usage?: Completion["usage"] | null;
}

async function chat(body: object): Promise<Completion> {
  const response = await served.post("/v1/chat/completions", body);
  const found = await response.json();
  expect(response.status, JSON.stringify(found)).toBe(200);
  return found as Completion;
}

const what = "what is this?";
const owlPng = pictureUrl("owl.png");

describe("/v1/chat/completions", () => {
  it("answers as the owl itself does, whole and streamed", async () => {
    const content = [
      { type: "image" as const, image: picturePath("owl.png") },
      { type: "text" as const, text: what },
    ];
    const own = await served.owl.chat([{ role: "user", content }]).answer();
    const reply = await chat(question(what, owlPng));
    expect(reply).toMatchObject({
      object: "chat.completion",
      model: "owl-nano",
      choices: [
        {
          index: 0,
          message: { role: "assistant", content: own.text },
          finish_reason: "stop",
          logprobs: null,
        },
      ],
    });
    expect(own.text).toContain("owl");
    expect(reply.usage.completion_tokens).toBe(own.ids.length);
    expect(reply.usage.total_tokens).toBe(reply.usage.prompt_tokens + own.ids.length);

    const response = await served.post("/v1/chat/completions", {
      ...question(what, owlPng),
      stream: true,
      stream_options: { include_usage: true },
    });
    expect(response.headers.get("content-type")).toBe("text/event-stream; charset=utf-8");
    const events = await eventsOf(response);
    expect(events.pop()).toBe("[DONE]");
    const chunks = events as Chunk[];
    const pieces = chunks.flatMap(({ choices }) => choices.map(({ delta }) => delta.content ?? ""));
    expect(pieces.join("")).toBe(own.text);
    expect(pieces.filter((piece) => piece !== "").length).toBeGreaterThan(3);
    expect(chunks.at(-2)?.choices[0].finish_reason).toBe("stop");
    expect(chunks.at(-1)).toMatchObject({
      choices: [],
      usage: { ...reply.usage, prompt_tokens_details: {} },
    });
    expect(chunks.slice(0, -1).every(({ usage }) => usage === null)).toBe(true);
  });

  it("sees several pictures, over several turns", async () => {
    const messages = [
      { role: "system", content: "" },
      {
        role: "user",
        content: [
          { type: "image_url", image_url: { url: pictureUrl("penguin.png"), detail: "low" } },
          { type: "image_url", image_url: { url: owlPng } },
          { type: "text", text: what },
        ],
      },
      { role: "assistant", content: "a dog and an owl." },
      { role: "user", content: [{ type: "text", text: "what do they eat?" }] },
    ];
    const read = (name: string) => ({ type: "image" as const, image: picturePath(name) });
    const own = await served.owl
      .chat([
        { role: "system", content: "" },
        { role: "user", content: [read("penguin.png"), read("owl.png"), { type: "text", text: what }] },
        { role: "assistant", content: "a dog and an owl." },
        { role: "user", content: "what do they eat?" },
      ])
      .text();
    expect((await chat({ model: "owl-nano", messages })).choices[0].message.content).toBe(own);
  });

  it("takes a video as the owl does, and says what it made of it", async () => {
    const gif = readFileSync(new URL("../../tests/fixtures/image/animated.gif", import.meta.url));
    const url = `data:video/gif;base64,${gif.toString("base64")}`;
    const content = [
      { type: "video_url", video_url: { url } },
      { type: "text", text: what },
    ];
    const reply = await chat({ model: "owl-nano", max_tokens: 4, messages: [{ role: "user", content }] });
    expect(reply).toMatchObject({ notes: [expect.stringContaining("takes no videos")] });
    const own = served.owl.chat(
      [
        {
          role: "user",
          content: [
            { type: "video", video: gif },
            { type: "text", text: what },
          ],
        },
      ],
      { maxNewTokens: 4 },
    );
    expect(reply.choices[0].message.content).toBe(await own.text());
  });

  it("never hides that an answer was cut, and stops where it is told to", async () => {
    const cut = await chat({ ...question(what, owlPng), max_completion_tokens: 2 });
    expect(cut.choices[0].finish_reason).toBe("length");
    expect(cut.usage.completion_tokens).toBe(2);
    const whole = await chat(question(what, owlPng));
    const word = whole.choices[0].message.content.split(" ")[2];
    const stopped = await chat({ ...question(what, owlPng), stop: word });
    expect(stopped.choices[0].finish_reason).toBe("stop");
    expect(stopped.choices[0].message.content).toBe(whole.choices[0].message.content.split(word)[0]);
  });

  it("draws tokens with a temperature, again the same with a seed, and each of n answers on its own", async () => {
    const asked = { ...question("tell me about cats"), temperature: 1.8, seed: 5, max_tokens: 12 };
    const first = await chat({ ...asked, n: 3 });
    const again = await chat({ ...asked, n: 3 });
    const texts = first.choices.map(({ message }) => message.content);
    expect(again.choices.map(({ message }) => message.content)).toEqual(texts);
    expect(new Set(texts).size).toBeGreaterThan(1);
    const alone = await chat(asked);
    expect(alone.choices[0].message.content).toBe(texts[0]);
    expect(first.usage.prompt_tokens).toBe(alone.usage.prompt_tokens);
    expect(first.usage.completion_tokens).toBeGreaterThan(alone.usage.completion_tokens);
    const own = served.owl.chat([{ role: "user", content: "tell me about cats" }], {
      doSample: true,
      temperature: 1.8,
      seed: 5,
      maxNewTokens: 12,
    });
    expect(await own.text()).toBe(texts[0]);
    const greedy = await chat({ ...asked, temperature: 0 });
    const best = served.owl.chat([{ role: "user", content: "tell me about cats" }], { maxNewTokens: 12 });
    expect(greedy.choices[0].message.content).toBe(await best.text());
    const onlyBest = await chat({ ...question("tell me about cats"), seed: 5, max_tokens: 12, min_p: 1 });
    expect(onlyBest.choices).toEqual(greedy.choices);
  });

  it("streams n answers, each under its index", async () => {
    const asked = { ...question("hello"), temperature: 1.5, seed: 2, n: 2, max_tokens: 10 };
    const whole = await chat(asked);
    const events = await eventsOf(await served.post("/v1/chat/completions", { ...asked, stream: true }));
    const texts = ["", ""];
    for (const event of events.slice(0, -1) as Chunk[]) {
      for (const { index, delta } of event.choices) texts[index] += delta.content ?? "";
    }
    expect(texts).toEqual(whole.choices.map(({ message }) => message.content));
  });

  it("searches with beams as the owl does", async () => {
    const asked = { num_beams: 3, no_repeat_ngram_size: 2, length_penalty: 0.5, repetition_penalty: 1.1 };
    const reply = await chat({ ...question(what, owlPng), ...asked, max_tokens: 16 });
    const content = [
      { type: "image" as const, image: picturePath("owl.png") },
      { type: "text" as const, text: what },
    ];
    const own = served.owl.chat([{ role: "user", content }], {
      numBeams: 3,
      noRepeatNgramSize: 2,
      lengthPenalty: 0.5,
      repetitionPenalty: 1.1,
      maxNewTokens: 16,
    });
    expect(reply.choices[0].message.content).toBe(await own.text());
  });

  it("favours or avoids what was said", async () => {
    // So hot that something is said twice whatever the owl has learnt: where nothing is, penalties change nothing.
    const asked = { ...question("tell me about cats"), max_tokens: 48, temperature: 2, seed: 7 };
    const again = await chat({ ...asked, frequency_penalty: -2, presence_penalty: -2 });
    const hot = { doSample: true, temperature: 2, seed: 7, maxNewTokens: 48 };
    const settings = { ...hot, frequencyPenalty: -2, presencePenalty: -2 };
    const own = served.owl.chat([{ role: "user", content: "tell me about cats" }], settings);
    expect(again.choices[0].message.content).toBe(await own.text());
    expect(again.choices[0].message.content).not.toBe((await chat(asked)).choices[0].message.content);
  });

  it("reports log-probabilities, token by token", async () => {
    const asked = { ...question(what, owlPng), logprobs: true, top_logprobs: 3 };
    const reply = await chat(asked);
    const content = reply.choices[0].logprobs?.content ?? [];
    expect(content.map(({ token }) => token).join("")).toBe(reply.choices[0].message.content);
    const bytes = Uint8Array.from(content.flatMap((one) => one.bytes ?? []));
    expect(new TextDecoder().decode(bytes)).toBe(reply.choices[0].message.content);
    for (const { token, logprob, top_logprobs } of content) {
      expect(logprob).toBeLessThanOrEqual(0);
      expect(top_logprobs).toHaveLength(3);
      expect(top_logprobs[0]).toMatchObject({ token, logprob });
      expect(top_logprobs[0].logprob).toBeGreaterThanOrEqual(top_logprobs[1].logprob);
    }
    const events = await eventsOf(await served.post("/v1/chat/completions", { ...asked, stream: true }));
    const streamed = (events.slice(0, -1) as Completion[]).flatMap(
      ({ choices }) => choices[0].logprobs?.content ?? [],
    );
    expect(streamed).toEqual(content);
  });
});

describe("/v1/completions", () => {
  it("continues texts, lists of texts and ids, whole and streamed", async () => {
    const { tokenizer } = served.owl;
    const text = "Human: what do cats eat?\nAI:";
    const ids = [...tokenizer.start, ...tokenizer.encode(text)];
    const own = await served.owl.generate({ ids, pictures: [] }, { maxNewTokens: 10 });
    const ask = async (prompt: unknown, more: object = {}) => {
      const body = { model: "owl-nano", prompt, max_tokens: 10, ...more };
      const response = await served.post("/v1/completions", body);
      expect(response.status).toBe(200);
      return response;
    };
    for (const prompt of [text, [text], ids, [ids]]) {
      const reply = await (await ask(prompt)).json();
      expect(reply).toMatchObject({ object: "text_completion", choices: [{ index: 0, text: own.text }] });
    }
    const two = await (await ask([text, "Human: hello\nAI:"], { n: 2 })).json();
    expect(two).toMatchObject({
      choices: [{ text: own.text }, { text: own.text }, { index: 2 }, { index: 3 }],
    });
    const events = await eventsOf(await ask(text, { stream: true, logprobs: 2 }));
    const chunks = events.slice(0, -1) as {
      choices: { text: string; logprobs: { tokens: string[] } | null }[];
    }[];
    expect(chunks.map(({ choices }) => choices[0].text).join("")).toBe(own.text);
    expect(chunks.flatMap(({ choices }) => choices[0].logprobs?.tokens ?? []).join("")).toBe(own.text);
  });
});
