import { fileURLToPath } from "node:url";
import type { KvCacheDtype } from "../src/model/index.ts";
import { Owl } from "../src/owl/index.ts";
import { mulberry32 } from "../src/primitives/index.ts";
import { ownLine } from "./child.ts";
import { memory } from "./memory.ts";
import { printLine } from "./processor.ts";
import type { GgufMix } from "./random-gguf.ts";
import { placesOf, type TextModelName, textModelNamed } from "./text-models.ts";

/** What a program for language models takes. */
export interface TextSpeed {
  readonly load_s: number;
  /** Resident after loading. */
  readonly loaded_mb: number;
  /** Resident at most. */
  readonly peak_mb: number;
  /** Of a prompt as long as each context, the best of some. */
  readonly prefill_ms: readonly number[];
  /** Of one token after it. */
  readonly decode_ms: readonly number[];
}

/** A GGUF file, and what this package reads: the file itself, or what `owl convert --quantize none` makes of it. */
export interface Gguf {
  readonly mix: GgufMix;
  readonly converted: boolean;
}

/** Lengths of contexts, and new tokens that are decoded behind each. */
export interface TextWork {
  readonly contexts: readonly number[];
  readonly newTokens: number;
  /** How this package keeps keys and values; default "float32". */
  readonly kvCacheDtype?: KvCacheDtype;
  /** The GGUF file of llama.cpp, which this package reads, too. Default: 4 bits there, and blocks of this package's own here. */
  readonly gguf?: Gguf | undefined;
}

/** How often a prompt of this length is computed: long ones vary less and take long. */
export const prefillsOf = (context: number): number => (context <= 512 ? 3 : 1);

/** In the language model of this package; `tuned`: with threads that wait by looping. */
async function measureOurs(
  name: TextModelName,
  { contexts, newTokens, kvCacheDtype, gguf }: TextWork,
  tuned: boolean,
): Promise<TextSpeed> {
  const began = performance.now();
  const places = placesOf(name, gguf?.mix);
  const place = gguf === undefined ? places.directory : places[gguf.converted ? "converted" : "gguf"];
  const owl = await Owl.load(place, { spinning: tuned, kvCacheDtype });
  const random = mulberry32(5);
  const { vocabulary } = owl.config.language;
  const word = (): number => 3 + Math.floor((vocabulary - 3) * random());
  const settings = {
    eosTokenIds: [],
    promptLookupNumTokens: 0,
    doSample: false,
    repetitionPenalty: 1,
    numBeams: 1,
  } as const;
  const ask = async (ids: readonly number[], maxNewTokens: number): Promise<number> => {
    const start = performance.now();
    await owl.generate({ ids, pictures: [] }, { ...settings, maxNewTokens });
    return performance.now() - start;
  };
  const promptOf = (length: number): number[] => Array.from({ length }, word);
  // What is compiled with the first answer is a part of loading.
  await ask([3], 1);
  const load_s = (performance.now() - began) / 1000;
  const loaded_mb = memory().resident_mb;
  await ask(promptOf(8), 2);
  const [prefill_ms, decode_ms]: number[][] = [[], []];
  for (const context of contexts) {
    const prefills: number[] = [];
    let last: number[] = [];
    for (let i = 0; i < prefillsOf(context); i++) {
      last = promptOf(context);
      prefills.push(await ask(last, 1));
    }
    prefill_ms.push(Math.min(...prefills));
    // One token more than is counted: with the prompt in the KV cache, its last position is still computed once.
    const first = await ask(last, 1);
    decode_ms.push(((await ask(last, newTokens + 1)) - first) / newTokens);
  }
  const { peak_mb } = memory();
  await owl.close();
  return { load_s, loaded_mb, peak_mb, prefill_ms, decode_ms };
}

const self = fileURLToPath(import.meta.url);

/** {@link measureOurs} in a process of its own. */
export const ourText = (name: TextModelName, work: TextWork, tuned: boolean): TextSpeed =>
  ownLine(self, [name, JSON.stringify(work), tuned ? "tuned" : "default"]);

if (process.argv[1] === self) {
  const [name, work, configuration] = process.argv.slice(2);
  printLine(await measureOurs(textModelNamed(name), JSON.parse(work), configuration === "tuned"));
}
