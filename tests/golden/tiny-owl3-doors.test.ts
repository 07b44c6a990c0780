import { afterAll, beforeAll, describe, expect, test } from "vitest";
import type { Engine } from "../../src/generation/index.ts";
import { run, settingsOf } from "../../src/generation/testing/collect-answer.ts";
import type { Prompt } from "../../src/inference/index.ts";
import { Owl } from "../../src/owl/index.ts";
import { owl3Fixture } from "../owl3-fixture.ts";
import { shared, sharedAvailable } from "../shared.ts";

const picture = (number: number): string => shared(`owleval/cases/${number}.jpg`);

/** A user's question about some pictures. */
const ask = (text: string, ...pictures: readonly string[]) => [
  {
    role: "user" as const,
    content: [
      ...pictures.map((image) => ({ type: "image" as const, image })),
      { type: "text" as const, text },
    ],
  },
];

/** mPLUG-Owl3 through what is done with an owl. */
describe.skipIf(!sharedAvailable)("the doors of the tiny mPLUG-Owl3s", () => {
  describe.each(["240728", "241014", "241101"])("%s", (version) => {
    let fixture: Awaited<ReturnType<typeof owl3Fixture>>;
    let owl: Owl;
    let prompts: Prompt[];
    beforeAll(async () => {
      fixture = await owl3Fixture(version, 7);
      owl = await Owl.load(fixture.directory, { threads: 1, onWarning: () => undefined });
      const questions = [
        ask("How many birds are there?", picture(9)),
        ask("What is the capital of France?"),
        ask("What do they have in common?", picture(1), picture(2)),
        ask("Read.", picture(3)),
        ask("And now?", picture(9), picture(3), picture(1)),
        ask("Why?"),
      ];
      prompts = await Promise.all(questions.map((question) => owl.prompt(question)));
    });
    afterAll(async () => {
      await owl.close();
      fixture.remove();
    });

    test("an answer is the same alone and in company, by the last bit, with pictures or none, whole or in chunks", async () => {
      const requests = prompts.map((prompt, i) => ({
        prompt,
        settings: settingsOf({
          maxNewTokens: 5 + 4 * (i % 4),
          doSample: i % 2 === 1,
          temperature: 1.4,
          topK: 50,
          seed: i,
          eosTokenIds: [],
        }),
      }));
      const withEngine = async <T>(options: object, use: (engine: Engine) => Promise<T>): Promise<T> => {
        const engine = owl.engine(options);
        try {
          return await use(engine);
        } finally {
          await engine.close();
        }
      };
      const expected = [];
      for (const request of requests) {
        const { ids, tokens } = await withEngine({}, (engine) => run(engine, request));
        expected.push({ ids, tokens });
      }
      for (const prefillChunk of [6, 64]) {
        const got = await withEngine({ maxRunning: 4, prefillChunk }, (engine) =>
          Promise.all(requests.map((request) => run(engine, request))),
        );
        for (const [i, { ids, tokens }] of got.entries()) {
          expect({ ids, tokens }, `chunks of ${prefillChunk}, request ${i}`).toEqual(expected[i]);
        }
      }
    });

    test("answers are drawn as generation_config.json says, unless one says otherwise", () => {
      const { doSample, temperature, topP, topK, repetitionPenalty } = owl.defaults;
      expect({ doSample, temperature, topP, topK, repetitionPenalty }).toEqual({
        doSample: true,
        temperature: 0.7,
        topP: 0.8,
        topK: 20,
        repetitionPenalty: 1.05,
      });
    });

    test("attention maps lie over the whole picture, cut or not, and are those of the question's words", async () => {
      const question = "How many birds are there?";
      const maps = await owl.attention(picture(9), { question });
      const [{ grid }] = prompts[0].pictures.slice(-1);
      expect([maps.rows, maps.columns]).toEqual(grid!.map((count) => 7 * count));
      const { framing, words = [], layers, heads, queries } = maps;
      expect(framing).toEqual({ fit: "squeeze", edge: 98, size: 98, covered: 98 });
      expect(layers * heads * queries * maps.rows * maps.columns).toBe(maps.maps.length);
      expect(words.join("")).toContain("birds are there?");
      const patches = maps.rows * maps.columns;
      const isShared = version === "241101";
      for (let at = 0; at < maps.maps.length; at += patches) {
        const sum = maps.maps.subarray(at, at + patches).reduce((all, share) => all + share, 0);
        expect(sum).toBeGreaterThan(0);
        if (isShared) expect(sum).toBeLessThan(1);
        else expect(sum).toBeCloseTo(1, 4);
      }
      const other = await owl.attention(picture(9));
      expect(other.queries).toBeLessThan(queries);
    });
  });
});
