import { expect, test } from "vitest";
import { BackendError, type ChatBackend, type ChatEvent } from "../backends/backend.ts";
import { defaultSettings } from "../storage/preferences.ts";
import { type AnswerFields, figures, writeAnswer } from "./answering.ts";

const limits = {
  pictureBytes: 1,
  picturePixels: 1,
  videoBytes: 1,
  attachments: 1,
  tokens: 1,
  pictureTypes: [],
};

/** Has an answer written by these events and gives all that was told of it. */
async function written(
  events: (signal: AbortSignal) => AsyncIterable<ChatEvent>,
  controller = new AbortController(),
  positions?: number,
): Promise<{ answer: AnswerFields; progress: unknown[] }> {
  const backend: ChatBackend = {
    limits,
    truncates: true,
    models: async () => [],
    chat: (_messages, _settings, signal) => events(signal),
  };
  let answer: AnswerFields = {};
  const progress: unknown[] = [];
  let clock = 0;
  await writeAnswer(
    Promise.resolve({ backend, settings: defaultSettings, positions }),
    Promise.resolve([]),
    controller.signal,
    {
      change: (fields) => {
        answer = { ...answer, ...fields };
      },
      progress: (one) => progress.push(one),
    },
    () => (clock += 100),
  );
  return { answer, progress };
}

test("an answer grows, and is timed by its tokens", async () => {
  const { answer, progress } = await written(async function* () {
    yield { progress: "fetching", fraction: 0.5 };
    yield { text: "an " };
    yield { text: "owl" };
    yield { finish: "stop", usage: { promptTokens: 9, completionTokens: 3 } };
  });
  expect(answer).toEqual({
    text: "an owl",
    state: "done",
    usage: { promptTokens: 9, completionTokens: 3 },
    timing: { firstMilliseconds: 100, tokensPerSecond: undefined, tokens: 3 },
  });
  expect(progress).toEqual([{ words: "fetching", fraction: 0.5 }, undefined, undefined]);
  expect(figures(answer)).toBe("3 tokens · first after 100 ms");
});

test("a rate is told of ten tokens or more, which took some time", async () => {
  const counted = async (tokens: number, pieces: number): Promise<string> => {
    const { answer } = await written(async function* () {
      for (let i = 0; i < pieces; i++) yield { text: "a " };
      yield { finish: "stop", usage: { promptTokens: 9, completionTokens: tokens } };
    });
    return figures(answer);
  };
  expect(await counted(11, 6)).toBe("11 tokens · 20 a second · first after 100 ms");
  expect(await counted(11, 1)).toBe("11 tokens · first after 100 ms");
  expect(await counted(9, 6)).toBe("9 tokens · first after 100 ms");
});

test("an answer that was cut says by what, and what should be known of it", async () => {
  const cut = async (promptTokens: number, positions: number | undefined) => {
    const events = async function* (): AsyncGenerator<ChatEvent> {
      yield { text: "a" };
      yield {
        finish: "length",
        usage: { promptTokens, completionTokens: 6 },
        notes: ["2 turns were left out."],
      };
    };
    return (await written(events, new AbortController(), positions)).answer;
  };
  expect(await cut(10, 256)).toMatchObject({
    state: "length",
    cut: "setting",
    notes: ["2 turns were left out."],
  });
  expect(await cut(250, 256)).toMatchObject({ state: "length", cut: "positions" });
  expect(await cut(250, undefined)).toMatchObject({ state: "length", cut: "setting" });
});

test("an answer that fails keeps what there is of it and says why", async () => {
  const { answer } = await written(async function* () {
    yield { text: "an " };
    throw new BackendError("busy", "The server is busy.");
  });
  const failure = { kind: "busy" };
  expect(answer).toEqual({ text: "an ", state: "failed", problem: "The server is busy.", failure });
});

test("an answer that ends without saying why has failed", async () => {
  expect((await written(async function* () {})).answer.state).toBe("failed");
});

test("a stopped answer is no failure", async () => {
  const controller = new AbortController();
  const { answer } = await written(async function* (signal) {
    yield { text: "an " };
    controller.abort();
    signal.throwIfAborted();
  }, controller);
  expect(answer).toEqual({ text: "an ", state: "stopped" });
});

test("an answer can be stopped while it is not known yet who gives it", async () => {
  const controller = new AbortController();
  const told: AnswerFields[] = [];
  const ended = writeAnswer(new Promise(() => {}), Promise.resolve([]), controller.signal, {
    change: (fields) => told.push(fields),
    progress: () => {},
  });
  controller.abort();
  await ended;
  expect(told).toEqual([{ state: "stopped" }]);
});

test("figures that are not known are left out", () => {
  expect(figures({})).toBe("");
  expect(figures({ timing: { firstMilliseconds: 1530, tokens: 1 } })).toBe("1 token · first after 1.5 s");
});
