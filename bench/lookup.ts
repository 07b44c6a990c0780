import { fileURLToPath } from "node:url";
import { completeSettings, Engine, type TokenConstraint } from "../src/generation/index.ts";
import { loadParts } from "../src/owl/index.ts";
import { mulberry32 } from "../src/primitives/index.ts";
import { quantizationOf } from "../src/quantization/index.ts";
import { configurations } from "./configurations.ts";
import { printLine } from "./processor.ts";
import { median } from "./statistics.ts";
import { writeQuantized } from "./synthetic.ts";

const path = (relative: string): string => fileURLToPath(new URL(relative, import.meta.url));
const promptTokens = 128;
const newTokens = 96;
/** How often the next token is the one that followed in the prompt. */
const shares = [0, 0.5, 0.8, 0.9, 0.95, 1];

/** Makes an answer copy the prompt, and otherwise go on at another place of it, as quoting does. */
function copying(ids: readonly number[], share: number, seed: number): () => TokenConstraint {
  return () => {
    const random = mulberry32(seed);
    let at = 1;
    return {
      forbid(logits) {
        logits.fill(-Infinity);
        logits[ids[at]] = 0;
      },
      accept() {
        at = random() < share ? (at + 1) % ids.length : Math.floor(random() * ids.length);
      },
    };
  };
}

async function directoryOf(model: string): Promise<string> {
  if (model === "nano") return path("../models/owl-nano");
  const { language, ...rest } = configurations["7b"];
  const directory = path("../.cache/decode-converted");
  const quantization = quantizationOf({ quantize: "q4" })!;
  await writeQuantized(directory, { ...rest, language: { ...language, layers: 4 }, quantization });
  return directory;
}

/**
 * `bench lookup [nano|7b] [rounds]`: milliseconds a token with drafts from the prompt and without, alternating, by how much
 * of an answer is copied. With 7b: four layers of its shapes in four bits.
 */
export async function lookupBench([name = "7b", rounds = "3"]: readonly string[]): Promise<void> {
  const { model } = await loadParts(await directoryOf(name), {});
  const engine = Engine.offline(model, {});
  const random = mulberry32(3);
  const { vocabulary } = model.config.language;
  const ids = Array.from({ length: promptTokens }, () => 3 + Math.floor((vocabulary - 3) * random()));
  const milliseconds = async (share: number, drafted: number, seed: number): Promise<number> => {
    const promptLookupNumTokens = drafted;
    const ask = async (maxNewTokens: number): Promise<number> => {
      const settings = completeSettings({ eosTokenIds: [], maxNewTokens, promptLookupNumTokens });
      const began = performance.now();
      await engine.answer({ prompt: { ids, pictures: [] }, settings, constraint: copying(ids, share, seed) });
      return performance.now() - began;
    };
    // The prompt is cached after the first; its last position is computed every time.
    const first = await ask(1);
    return ((await ask(newTokens + 1)) - first) / newTokens;
  };
  await milliseconds(1, 7, 1);
  for (const share of shares) {
    const times: Record<string, number[]> = { plain: [], drafts: [] };
    for (let round = 0; round < Number(rounds); round++) {
      times.plain.push(await milliseconds(share, 0, round));
      times.drafts.push(await milliseconds(share, 7, round));
    }
    const [plain_ms, drafts_ms] = [median(times.plain), median(times.drafts)];
    const figures = { model: name, copied: share, plain_ms, drafts_ms, ratio: plain_ms / drafts_ms };
    printLine(figures);
  }
  await engine.close();
  await model.close();
}
