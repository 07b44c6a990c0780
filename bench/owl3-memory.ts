// A process of its own, which loads nothing but what it measures: the tools that the other parts of the bench need take memory, too.
import type { ChatMessage } from "../src/index.ts";
import { Owl } from "../src/owl/index.ts";
import { memory } from "./memory.ts";
import { photograph, QUESTION } from "./photograph.ts";
import { printLine } from "./processor.ts";

const PICTURES = 10;
const NEW_TOKENS = 64;

const seconds = (since: number): number => (performance.now() - since) / 1000;

/** Greedy, without drafts, to the length that is asked for. */
const settings = {
  doSample: false,
  repetitionPenalty: 1,
  numBeams: 1,
  eosTokenIds: [],
  promptLookupNumTokens: 0,
};

const question = (seed: number): ChatMessage => ({
  role: "user",
  content: [
    { type: "image", image: photograph(seed) },
    { type: "text", text: QUESTION },
  ],
});

/** Loads the model and asks it about one photograph, a second and on to a tenth, each a further turn of one conversation. */
async function chat(directory: string, threads: string): Promise<Record<string, unknown>> {
  const began = performance.now();
  const owl = await Owl.load(directory, { threads: Number(threads), onWarning: () => undefined });
  const load_s = seconds(began);
  const loaded = memory();
  const messages: ChatMessage[] = [];
  const first: number[] = [];
  const tokens: number[] = [];
  const rates: number[] = [];
  const kept: number[] = [];
  for (let picture = 1; picture <= PICTURES; picture++) {
    messages.push(question(picture));
    const start = performance.now();
    await owl.chat(messages, { ...settings, maxNewTokens: 1 }).answer();
    first.push(seconds(start));
    tokens.push((await owl.prompt(messages)).ids.length);
    if (picture === 1 || picture === PICTURES) {
      // All but the last position of the prompt is kept: what is left is decoding.
      const decoding = performance.now();
      const { ids } = await owl.chat(messages, { ...settings, maxNewTokens: NEW_TOKENS }).answer();
      rates.push(ids.length / seconds(decoding));
    }
    kept.push(memory().resident_mb);
    messages.push({ role: "assistant", content: "A photograph." });
  }
  const { peak_mb } = memory();
  await owl.close();
  return {
    step: "chat",
    threads: Number(threads),
    load_s,
    loaded_mb: loaded.resident_mb,
    prompt_tokens: tokens[0],
    first_token_s: first[0],
    second_picture_s: first[1],
    tenth_picture_s: first[PICTURES - 1],
    one_picture_mb: kept[0],
    ten_pictures_mb: kept[PICTURES - 1],
    peak_mb,
    tokens_per_s: rates[0],
    tokens_per_s_ten_pictures: rates[1],
  };
}

/** As {@link chat} of one photograph alone, whose highest memory is told. */
async function onePicture(directory: string, threads: string): Promise<Record<string, unknown>> {
  const owl = await Owl.load(directory, { threads: Number(threads), onWarning: () => undefined });
  await owl.chat([question(1)], { ...settings, maxNewTokens: 8 }).answer();
  const after = memory();
  await owl.close();
  return { step: "one picture", ...after };
}

const [step, directory, threads] = process.argv.slice(2);
printLine(await (step === "one" ? onePicture : chat)(directory, threads));
