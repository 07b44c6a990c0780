import { fileURLToPath } from "node:url";
import { describe, expect, test } from "vitest";
import { loadTokenizer } from "../tokenizer/index.ts";
import { encodeTrainingSample, type TrainingSample } from "./index.ts";

const tokenizer = await loadTokenizer(fileURLToPath(new URL("../../tests/fixtures/text", import.meta.url)));
const tokensPerImage = 3;
const encode = (text: string, maxLength: number, more: object = {}): TrainingSample =>
  encodeTrainingSample(text, tokenizer, { maxLength, tokensPerImage, truncation: "turns", ...more });
const lengthOf = (text: string): number => encode(text, 10_000).ids.length - 1;
const learned = ({ ids, lossMask }: TrainingSample): string =>
  tokenizer.decode(ids.filter((_, index) => lossMask[index]));

const head = "be good\n";
const first = "Human: <image>\nHuman: what is this?\nAI: an owl.\n";
const second = "Human: and what does it eat, and when?\nAI: mice, at night.\n";
const third = "Human: where?\nAI: in a wood.";

describe("a row that is too long", () => {
  test("loses its oldest turns and keeps its picture; what is left is learned as a row of its own would be", () => {
    const whole = head + first + second + third;
    expect(encode(whole, lengthOf(whole))).not.toHaveProperty("turnsLeftOut");
    const two = `${head}Human: <image>\n${second}${third}`;
    const sample = encode(whole, lengthOf(whole) - 1);
    expect(sample).toEqual({ ...encode(two, 1000), turnsLeftOut: 1 });
    expect(learned(sample)).toBe(" mice, at night.\n</s> in a wood.</s>".replace("\n", ""));
    expect(sample).toMatchObject({ imageCount: 1, isCut: false });
    const one = `${head}Human: <image>\n${third}`;
    expect(encode(whole, lengthOf(one))).toEqual({ ...encode(one, 1000), turnsLeftOut: 2 });
  });

  test("without a sentence in front begins with the turn that is kept", () => {
    const row = second + third;
    expect(encode(row, lengthOf(row) - 1)).toEqual({ ...encode(third, 1000), turnsLeftOut: 1 });
  });

  test("is cut at its end where its last turn alone is too long", () => {
    const whole = head + first + third;
    const one = `${head}Human: <image>\n${third}`;
    const sample = encode(whole, lengthOf(one) - 2);
    expect(sample).toMatchObject({ turnsLeftOut: 1, isCut: true, imageCount: 1 });
    expect(learned(sample)).toMatch(/^ in.*<\/s>$/);
  });

  test("loses nothing but its end where the last turn would then teach nothing", () => {
    const whole = `${head}${second}Human: ${"word ".repeat(60)}\nAI: no.`;
    const sample = encode(whole, 60);
    expect(sample).toEqual(encode(whole, 60, { truncation: "end" }));
    expect(learned(sample)).toMatch(/^ mice, at night\.<\/s>$/);
  });

  test("with lines behind its last answer loses these first", () => {
    const whole = `${head}${first}${third}\nHuman: ${"bye ".repeat(20)}`;
    const sample = encode(whole, lengthOf(head + first + third) + 4);
    expect(sample).not.toHaveProperty("turnsLeftOut");
    expect(learned(sample)).toBe(" an owl.</s> in a wood.</s>");
  });

  test("as the released code has it, and where nothing is said, is cut at its end", () => {
    const whole = first + second + third;
    const short = lengthOf(whole) - 4;
    const unsaid = encodeTrainingSample(whole, tokenizer, { maxLength: short, tokensPerImage });
    expect(unsaid).toEqual(encode(whole, short, { truncation: "end" }));
    expect(learned(encode(whole, short, { truncation: "end" }))).toContain("an owl.");
    expect(learned(encode(whole, short, { fidelity: "reference" }))).toContain("an owl.");
  });
});
