import { fileURLToPath } from "node:url";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import type { Prompt } from "../inference/index.ts";
import { Owl } from "../owl/index.ts";
import type { Engine } from "./engine.ts";
import type { EngineOptions } from "./engine-options.ts";
import type { GenerationRequest } from "./request.ts";
import { type Collected, run, settingsOf, useEngine } from "./testing/collect-answer.ts";

const path = (relative: string): string => fileURLToPath(new URL(`../../${relative}`, import.meta.url));

let owl: Owl;
let prompts: Prompt[];

beforeAll(async () => {
  owl = await Owl.load(path("models/owl-nano"), { threads: 1 });
  const texts = [
    "what do cats eat?",
    "where do fish live?",
    "what is a piano for?",
    "is a dog an animal and what does it like to eat?",
    "hi",
  ];
  prompts = await Promise.all(texts.map(ask));
  prompts.push(await askOf("examples/owl.png", "what is this?"));
});
afterAll(() => owl.close());

const ask = (content: string): Promise<Prompt> => owl.prompt([{ role: "user", content }]);

const askOf = (picture: string, text: string): Promise<Prompt> =>
  owl.prompt([
    {
      role: "user",
      content: [
        { type: "image", image: path(picture) },
        { type: "text", text },
      ],
    },
  ]);

const withEngine = <T>(options: EngineOptions, use: (engine: Engine) => Promise<T>): Promise<T> =>
  useEngine(owl.engine(options), use);

const alone = (request: GenerationRequest): Promise<Collected> =>
  withEngine({}, (engine) => run(engine, request));

describe("an answer is the same alone and in company", () => {
  test("greedy and sampled, by the last bit of its log-probabilities, whoever joins and leaves", async () => {
    const requests = prompts.map((prompt, i) => ({
      prompt,
      settings: settingsOf({
        maxNewTokens: 5 + 4 * (i % 4),
        doSample: i % 2 === 1,
        temperature: 1.4,
        topK: 50,
        seed: i,
        presencePenalty: 0.3,
      }),
    }));
    const expected = [];
    for (const request of requests) expected.push(await alone(request));
    const got = await withEngine({ maxRunning: 4, prefillChunk: 6 }, async (engine) => {
      const started: Promise<Collected>[] = [];
      const start = (): void => {
        const request = requests[started.length];
        // Every answer that has three tokens lets the next one begin.
        if (request !== undefined) started.push(run(engine, request, (count) => count === 3 && start()));
      };
      start();
      start();
      const answers: Collected[] = [];
      for (let i = 0; i < requests.length; i++) answers.push(await started[i]);
      const steps = requests.reduce((sum, { settings }) => sum + settings.maxNewTokens - 1, 0);
      expect(engine.statistics.decodeSteps).toBeLessThan(steps);
      return answers;
    });
    expect(got).toEqual(expected);
    expect(new Set(got.map(({ text }) => text)).size).toBe(prompts.length);
  });

  test("beams too, and they do not disturb the others", async () => {
    const beams = { prompt: prompts[0], settings: settingsOf({ numBeams: 3, maxNewTokens: 5 }) };
    const greedy = { prompt: prompts[1], settings: settingsOf({ maxNewTokens: 12 }) };
    const expected = await owl.generate(beams.prompt, beams.settings);
    const expectedGreedy = await alone(greedy);
    await withEngine({}, async (engine) => {
      const other = run(engine, greedy);
      expect(await run(engine, { ...beams, topLogprobs: undefined })).toMatchObject(expected);
      expect(await other).toEqual(expectedGreedy);
    });
  });
});

describe("the running batch", () => {
  test("is joined at the next token and left at the end", async () => {
    await withEngine({}, async (engine) => {
      const order: string[] = [];
      let second: Promise<Collected> | undefined;
      const long = { prompt: prompts[0], settings: settingsOf({ maxNewTokens: 40 }) };
      await run(engine, long, (count) => {
        if (count !== 5) return;
        second = run(engine, { prompt: prompts[1], settings: settingsOf({}) });
        void second.then(() => order.push("second"));
      });
      order.push("first");
      await second;
      expect(order).toEqual(["second", "first"]);
      // The second answer took no step of its own.
      expect(engine.statistics).toMatchObject({
        decodeSteps: 39,
        generatedTokens: 46,
        running: 0,
        waiting: 0,
      });
    });
  });

  test("takes no more than it may; the others wait in order", async () => {
    await withEngine({ maxRunning: 2 }, async (engine) => {
      const ended: number[] = [];
      const lengths = [40, 3, 3, 3];
      const answers = lengths.map(async (maxNewTokens, i) => {
        await run(engine, { prompt: prompts[i], settings: settingsOf({ maxNewTokens }) }, () => {
          expect(engine.statistics.running).toBeLessThanOrEqual(2);
        });
        ended.push(i);
      });
      expect(engine.statistics).toMatchObject({ running: 2, waiting: 2 });
      await Promise.all(answers);
      expect(ended).toEqual([1, 2, 3, 0]);
    });
  });

  test("goes on between the chunks of a long prompt", async () => {
    const ids = Array.from({ length: 150 }, (_, i) => 3 + ((i * 37) % 1500));
    await withEngine({ prefillChunk: 16 }, async (engine) => {
      const seen: { readonly runs: number; readonly steps: number }[] = [];
      let long: Promise<Collected> | undefined;
      const request = { prompt: prompts[0], settings: settingsOf({ maxNewTokens: 30 }) };
      await run(engine, request, (count) => {
        const { prefillRuns: runs, decodeSteps: steps } = engine.statistics;
        seen.push({ runs, steps });
        if (count === 3)
          long = run(engine, { prompt: { ids: [1, ...ids], pictures: [] }, settings: settingsOf({}) });
      });
      await long;
      for (const [i, { runs, steps }] of seen.slice(1).entries()) {
        expect(runs - seen[i].runs).toBeLessThanOrEqual(steps - seen[i].steps + 1);
      }
      expect(seen.at(-1)!.runs).toBe(1 + Math.ceil(151 / 16));
    });
  });
});

describe("whoever leaves frees the place before the next token but one", () => {
  const endless = (): GenerationRequest => ({
    prompt: prompts[0],
    settings: settingsOf({ maxNewTokens: 200 }),
  });

  test("by the signal", async () => {
    await withEngine({ maxRunning: 1 }, async (engine) => {
      const stop = new AbortController();
      const left = run(engine, { ...endless(), signal: stop.signal }, (count) => {
        if (count === 3) stop.abort(new Error("enough"));
      });
      const next = run(engine, { prompt: prompts[1], settings: settingsOf({}) });
      await expect(left).rejects.toThrow("enough");
      await next;
      expect(engine.statistics.generatedTokens).toBeLessThanOrEqual(3 + 2 + 6);
    });
  });

  test("by no longer iterating", async () => {
    await withEngine({ maxRunning: 1 }, async (engine) => {
      let pieces = 0;
      for await (const _ of engine.generate(endless())) if (++pieces === 3) break;
      await run(engine, { prompt: prompts[1], settings: settingsOf({}) });
      expect(engine.statistics.generatedTokens).toBeLessThanOrEqual(3 + 2 + 6);
      expect(engine.statistics.ended).toBe(2);
    });
  });

  test("also while it waits, or its prompt is computed", async () => {
    await withEngine({ maxRunning: 1, prefillChunk: 2 }, async (engine) => {
      const stop = new AbortController();
      const ids = Array.from({ length: 100 }, (_, i) => 3 + i);
      const request = { prompt: { ids, pictures: [] }, settings: settingsOf({}), signal: stop.signal };
      const [computed, waiting] = [run(engine, request), run(engine, request)];
      const rejected = Promise.all([
        expect(computed).rejects.toThrow("gone"),
        expect(waiting).rejects.toThrow("gone"),
      ]);
      while (engine.statistics.prefillRuns < 3) await new Promise((resolve) => setImmediate(resolve));
      stop.abort(new Error("gone"));
      await rejected;
      await run(engine, { prompt: prompts[1], settings: settingsOf({}) });
      expect(engine.statistics.prefillRuns).toBeLessThan(3 + 2 + prompts[1].ids.length);
      await expect(run(engine, request)).rejects.toThrow("gone");
    });
  });
});

describe("prompts", () => {
  test("computed in chunks give what they give whole", async () => {
    for (const prompt of [prompts[2], prompts[3], prompts[5]]) {
      const request = { prompt, settings: settingsOf({ maxNewTokens: 3 }) };
      const whole = await alone(request);
      for (const prefillChunk of [1, 6]) {
        expect(await withEngine({ prefillChunk }, (engine) => run(engine, request))).toEqual(whole);
      }
    }
  });

  test("that go on from an answer compute only what is new", async () => {
    await withEngine({}, async (engine) => {
      const settings = settingsOf({ maxNewTokens: 7 });
      const first = await run(engine, { prompt: prompts[0], settings });
      const ids = [...prompts[0].ids, ...first.ids, ...prompts[1].ids.slice(1)];
      const further = { prompt: { ids, pictures: [] }, settings };
      const held = prompts[0].ids.length + 6;
      const second = await run(engine, further);
      // One more is computed where that makes an even number.
      expect([held, held - 1]).toContain(second.cachedTokens);
      expect(second.ids).toEqual((await alone(further)).ids);
      expect(engine.statistics).toMatchObject({
        promptTokens: prompts[0].ids.length + ids.length,
        cachedTokens: second.cachedTokens,
        prefixCache: { hits: 1, misses: 1, entries: 1 },
      });
      // Another conversation needs the row: what it held is found again as a copy.
      await run(engine, { prompt: prompts[3], settings });
      const again = await run(engine, further);
      expect(again.cachedTokens).toBeGreaterThanOrEqual(ids.length - 2);
      expect(again.tokens).toEqual(second.tokens);
    });
  });

  test("share what they have in common with one that is being answered", async () => {
    await withEngine({ keyValueCacheBytes: 0 }, async (engine) => {
      const request = (seed: number): GenerationRequest => ({
        prompt: prompts[3],
        settings: settingsOf({ maxNewTokens: 12, doSample: true, temperature: 1.5, seed }),
      });
      const answers = await Promise.all([1, 2, 3].map((seed) => run(engine, request(seed))));
      for (const [i, seed] of [1, 2, 3].entries()) {
        const { tokens, text } = await alone(request(seed));
        expect(answers[i]).toMatchObject({ tokens, text });
      }
      expect(engine.statistics.prefixCache).toEqual({ hits: 2, misses: 1, entries: 0, bytes: 0 });
    });
  });

  test("that begin with the same picture share it, wherever the rest begins", async () => {
    const [, , , , , { ids, pictures }] = prompts;
    const behind = ids.findLastIndex((id) => id < 0) + 1;
    const request = (rest: readonly number[]): GenerationRequest => ({
      prompt: { ids: [...ids.slice(0, behind), ...rest], pictures },
      settings: settingsOf({ maxNewTokens: 3 }),
    });
    await withEngine({ visualCacheBytes: 0 }, async (engine) => {
      await run(engine, request([500, 600]));
      for (const rest of [[501], [502, 601], [503, 602, 700]]) {
        const got = await run(engine, request(rest));
        expect(got.cachedTokens).toBe(behind - (rest.length % 2));
        const { tokens } = await alone(request(rest));
        expect(got.tokens).toEqual(tokens);
      }
    });
  });

  test("about a picture that was seen run no vision", async () => {
    const about = await askOf("examples/penguin.png", "what is this?");
    await withEngine({ keyValueCacheBytes: 0, visualCacheBytes: 1e6 }, async (engine) => {
      const before = engine.statistics.visualCache;
      await run(engine, { prompt: about, settings: settingsOf({ maxNewTokens: 2 }) });
      await run(engine, { prompt: about, settings: settingsOf({ maxNewTokens: 2 }) });
      const { hits, misses } = engine.statistics.visualCache;
      expect([hits - before.hits, misses - before.misses]).toEqual([1, 1]);
    });
  });
});

test("what is kept of conversations is bounded by bytes; the one not used for longest goes", async () => {
  const bytesPerPosition = 2 * 4 * 192 * 4;
  // A row is kept by its positions, a copy by multiples of 64.
  const keyValueCacheBytes = 2 * 64 * bytesPerPosition;
  await withEngine({ keyValueCacheBytes, maxRunning: 1 }, async (engine) => {
    const turn = async (i: number): Promise<number> => {
      const { cachedTokens } = await run(engine, { prompt: prompts[i], settings: settingsOf({}) });
      expect(engine.statistics.prefixCache.bytes).toBeLessThanOrEqual(keyValueCacheBytes);
      return cachedTokens;
    };
    for (const i of [0, 1, 2, 3]) expect(await turn(i)).toBe(0);
    expect(await turn(3)).toBeGreaterThan(0);
    expect(await turn(2)).toBeGreaterThan(0);
    expect(await turn(0)).toBe(0);
    expect(engine.statistics.prefixCache.entries).toBeGreaterThan(0);
  });
});

describe("what is reported and what may come", () => {
  test("log-probabilities are the log-softmax of the model's logits, whatever the settings", async () => {
    const [prompt] = prompts;
    const settings = settingsOf({ doSample: true, temperature: 2, topK: 9, frequencyPenalty: 1, seed: 3 });
    const { ids, tokens } = await alone({ prompt, settings, topLogprobs: 3 });
    expect(tokens.map(({ id }) => id)).toEqual(ids);
    const { logits } = await owl.forward({ ids: [[...prompt.ids, ...ids]] });
    const { vocabulary } = owl.config.language;
    for (const [i, { id, logprob, top }] of tokens.entries()) {
      const start = (prompt.ids.length - 1 + i) * vocabulary;
      const row = Array.from((logits.data as Float32Array).subarray(start, start + vocabulary));
      const sum = Math.log(row.reduce((total, value) => total + Math.exp(value), 0));
      expect(logprob).toBeCloseTo(row[id] - sum, 4);
      const best = [...row.keys()].sort((a, b) => row[b] - row[a]).slice(0, 3);
      expect(top.map((token) => token.id)).toEqual(best);
      for (const token of top) expect(token.logprob).toBeCloseTo(row[token.id] - sum, 4);
    }
  });

  test("nothing is reported where nothing is asked", async () => {
    const request = { prompt: prompts[0], settings: settingsOf({}), topLogprobs: undefined };
    expect((await alone(request)).tokens).toEqual([]);
    expect((await alone({ ...request, topLogprobs: 0 })).tokens[0].top).toEqual([]);
  });

  test("a constraint is asked before every token and told of it, and stands above penalties", async () => {
    const accepted: number[] = [];
    const allowed = (id: number): boolean => (accepted.length % 2 === 0 ? id > 1000 : id === 70);
    const constraint = {
      forbid: (logits: Float32Array) => {
        for (const id of logits.keys()) if (!allowed(id)) logits[id] = -Infinity;
      },
      accept: (id: number) => {
        expect(allowed(id)).toBe(true);
        accepted.push(id);
      },
    };
    const settings = settingsOf({ noRepeatNgramSize: 1, doSample: true, seed: 1 });
    const { ids } = await alone({ prompt: prompts[0], settings, constraint: () => constraint });
    expect(ids).toEqual(accepted);
    expect(ids.filter((_, i) => i % 2 === 1)).toEqual([70, 70, 70]);
  });

  test("a constraint that fails ends its own answer only", async () => {
    const fail = (): never => {
      throw new Error("no token fits");
    };
    await withEngine({}, async (engine) => {
      const other = run(engine, { prompt: prompts[1], settings: settingsOf({ maxNewTokens: 10 }) });
      let asked = 0;
      const constraint = { forbid: () => void (++asked === 3 && fail()), accept: () => undefined };
      const failed = run(engine, {
        prompt: prompts[0],
        settings: settingsOf({}),
        constraint: () => constraint,
      });
      await expect(failed).rejects.toThrow("no token fits");
      expect((await other).ids).toHaveLength(10);
    });
  });

  test("settings and prompts that do not fit, and a closed engine, are errors", async () => {
    const [prompt] = prompts;
    const engine = owl.engine();
    const beams = run(engine, { prompt, settings: settingsOf({ numBeams: 2 }), topLogprobs: 1 });
    await expect(beams).rejects.toThrow(/numBeams.*got 2/);
    const empty = { ids: [], pictures: [] };
    await expect(run(engine, { prompt: empty, settings: settingsOf({}) })).rejects.toThrow(
      /at least one token/,
    );
    await engine.close();
    await expect(run(engine, { prompt, settings: settingsOf({}) })).rejects.toThrow(/closed/);
    expect(() => owl.engine({ maxRunning: 0 })).toThrow(/maxRunning.*at least 1, got 0/);
  });

  test("an answer ends at the model's longest sequence, in company too", async () => {
    const { maxPositions } = owl.config.language;
    const ids = Array.from({ length: maxPositions - 3 }, (_, i) => 3 + ((7 * i) % 1500));
    const request = { prompt: { ids, pictures: [] }, settings: settingsOf({ maxNewTokens: 50 }) };
    await withEngine({}, async (engine) => {
      const others = run(engine, { prompt: prompts[0], settings: settingsOf({ maxNewTokens: 20 }) });
      const full = await run(engine, request);
      expect(full).toMatchObject({ finishReason: "length", promptTokens: maxPositions - 3 });
      expect(full.ids).toHaveLength(4);
      expect(await others).toMatchObject({
        ids: (await alone({ prompt: prompts[0], settings: settingsOf({ maxNewTokens: 20 }) })).ids,
      });
      // The same again: what is kept of the full row does not harm.
      expect((await run(engine, request)).tokens).toEqual(full.tokens);
    });
  });
});
