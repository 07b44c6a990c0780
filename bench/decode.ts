import { execFileSync } from "node:child_process";
import { copyFileSync, existsSync } from "node:fs";
import { fileURLToPath } from "node:url";
import type { OwlConfig, Quantization } from "../src/model/index.ts";
import { Owl } from "../src/owl/index.ts";
import { mulberry32 } from "../src/primitives/index.ts";
import { quantizationOf } from "../src/quantization/index.ts";
import { configurations } from "./configurations.ts";
import { median, roundNumbers } from "./statistics.ts";
import { writeQuantized } from "./synthetic.ts";

const path = (relative: string): string => fileURLToPath(new URL(relative, import.meta.url));
const layers = 4;
const promptTokens = 128;
const newTokens = 16;

interface Speed {
  readonly prefill_ms: number;
  readonly decode_ms_per_token: number;
}

/** Formats of the weights; llama.cpp's file has 4 bits everywhere. */
const formats: Readonly<Record<string, Quantization>> = Object.fromEntries(
  [32, 64, 128].flatMap((blockSize) =>
    [true, false].map((zeroPoints) => {
      const made = quantizationOf({ quantize: "q4", blockSize: blockSize as 32 })!;
      const four = { ...made.language!, zeroPoints };
      return [
        `q4-${blockSize}${zeroPoints ? "-zero" : ""}`,
        { ...made, language: four, head: four },
      ] as const;
    }),
  ),
);

/** The default of `owl convert`: 4 bits, 8 in the head. */
const converted = { converted: quantizationOf({ quantize: "q4" })! };

function configOf(format: string): OwlConfig {
  const { language, ...rest } = configurations["7b"];
  const quantization = { ...formats, ...converted }[format];
  if (quantization === undefined) {
    throw new RangeError(
      `decode: formats are ${[...Object.keys(formats), "converted"].join(", ")}, got ${format}`,
    );
  }
  return { ...rest, language: { ...language, layers }, quantization };
}

const directoryOf = (format: string): string => path(`../.cache/decode-${format}`);

/** Prefill of 128 tokens (best of three) and decode after it, measured as in llama.cpp's program. */
async function measureOurs(format: string): Promise<Speed & { readonly load_s: number }> {
  const began = performance.now();
  const owl = await Owl.load(directoryOf(format), { threads: 2, spinning: true });
  const load_s = (performance.now() - began) / 1000;
  const random = mulberry32(5);
  const promptOf = () => ({
    ids: Array.from({ length: promptTokens }, () => 300 + Math.floor(30_000 * random())),
    pictures: [],
  });
  const settings = {
    eosTokenIds: [],
    promptLookupNumTokens: 0,
    doSample: false,
    repetitionPenalty: 1,
    numBeams: 1,
  } as const;
  const measure = async (ids: ReturnType<typeof promptOf>, maxNewTokens: number): Promise<number> => {
    const start = performance.now();
    await owl.generate(ids, { ...settings, maxNewTokens });
    return performance.now() - start;
  };
  await measure(promptOf(), 2);
  const prefills: number[] = [];
  for (let i = 0; i < 3; i++) prefills.push(await measure(promptOf(), 1));
  // One token more than is counted: with the prompt in the KV cache, its last position is still computed once.
  const last = promptOf();
  await measure(last, 1);
  const first = await measure(last, 1);
  const decode = (await measure(last, newTokens + 1)) - first;
  await owl.close();
  return { prefill_ms: Math.min(...prefills), decode_ms_per_token: decode / newTokens, load_s };
}

function inProcess(command: string, words: readonly string[], directory?: string): Speed {
  const output = execFileSync(command, words, {
    encoding: "utf8",
    stdio: ["ignore", "pipe", "inherit"],
    ...(directory && { cwd: directory }),
  });
  return JSON.parse(output.trim().split("\n").at(-1)!);
}

const llama = path("../.peers/llama");
const gguf = path(`../.cache/llama-${layers}.gguf`);

/** llama.cpp on the same shapes; undefined where it is not installed. */
function preparePeer(): (() => Speed) | undefined {
  const shared = path("../../shared/peers/llama_cpp");
  if (!existsSync(`${llama}/node_modules/node-llama-cpp`) || !existsSync(shared)) {
    console.error(
      "decode: without llama.cpp, for want of ../shared/peers or .peers/llama; `npm i --prefix .peers/llama node-llama-cpp` installs it (put {} into .peers/llama/package.json first)",
    );
    return undefined;
  }
  if (!existsSync(gguf)) {
    execFileSync(path("../.peers/bin/python"), [`${shared}/make_gguf.py`, gguf, "--layers", `${layers}`]);
  }
  // The program must lie where Node finds the package.
  copyFileSync(`${shared}/bench.mjs`, `${llama}/bench.mjs`);
  const words = ["bench.mjs", gguf, `${promptTokens}`, `${newTokens}`, "2"];
  return () => inProcess(process.execPath, words, llama);
}

/** Alternating runs of this package and llama.cpp, each in a process of its own; medians and their ratio (above 1: this package is faster). */
async function compare(rounds: number, names: readonly string[]): Promise<void> {
  for (const format of names) await writeQuantized(directoryOf(format), configOf(format));
  const peer = preparePeer();
  const systems = new Map<string, Speed[]>([...names.map((name) => [name, []] as [string, Speed[]])]);
  if (peer) systems.set("llama.cpp", []);
  for (let round = 0; round < rounds; round++) {
    for (const [system, speeds] of systems) {
      const run = ["--import", "tsx", path("decode.ts"), "ours", system];
      const speed = system === "llama.cpp" ? peer!() : inProcess(process.execPath, run, path(".."));
      speeds.push(speed);
      console.log(JSON.stringify({ round, system, ...speed }, roundNumbers));
    }
  }
  const medianOf = (system: string, key: keyof Speed): number =>
    median((systems.get(system) ?? []).map((speed) => speed[key]));
  for (const system of systems.keys()) {
    const [prefill, decode] = [medianOf(system, "prefill_ms"), medianOf(system, "decode_ms_per_token")];
    const ratios = systems.has("llama.cpp") && {
      prefill_ratio: medianOf("llama.cpp", "prefill_ms") / prefill,
      decode_ratio: medianOf("llama.cpp", "decode_ms_per_token") / decode,
    };
    console.log(
      JSON.stringify(
        { median: system, prefill_ms: prefill, decode_ms_per_token: decode, ...ratios },
        roundNumbers,
      ),
    );
  }
}

/** `bench decode [rounds] [format…]` */
export async function decodeBench(words: readonly string[]): Promise<void> {
  const [rounds = "5", ...names] = words;
  await compare(Number(rounds), names.length > 0 ? names : ["q4-128-zero", "converted"]);
}

if (process.argv[1] === path("decode.ts")) {
  const [what, format] = process.argv.slice(2);
  if (what === "ours") console.log(JSON.stringify(await measureOurs(format), roundNumbers));
}
