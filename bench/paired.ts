import { type ChildProcess, fork } from "node:child_process";
import { once } from "node:events";
import { setTimeout as pause } from "node:timers/promises";
import { fileURLToPath } from "node:url";
import type { Token } from "node-llama-cpp";
import { Owl } from "../src/owl/index.ts";
import { missingLlama, openLlama } from "./llama.ts";
import { printLine } from "./processor.ts";
import { type GgufMix, ggufMixNamed, writeRandomGguf } from "./random-gguf.ts";
import { median } from "./statistics.ts";
import { placesOf, type TextModelName, textModelNamed, textModels, writeTextModel } from "./text-models.ts";

const systems = ["ours", "llama"] as const;
type System = (typeof systems)[number];

/** New tokens of one turn. */
const newTokens = 16;
/** What lets the threads of the one that had its turn fall asleep. */
const pauseMs = 300;

/** Milliseconds a token behind a prompt, each time it is called. */
type Turn = () => Promise<number>;

function prompt(name: TextModelName, length: number): number[] {
  const { vocabulary } = textModels[name]().language;
  return Array.from({ length }, (_, i) => 300 + ((i * 7919) % (vocabulary - 300)));
}

async function ourTurn(name: TextModelName, context: number, mix: GgufMix | undefined): Promise<Turn> {
  const places = placesOf(name, mix);
  const owl = await Owl.load(mix === undefined ? places.directory : places.gguf);
  const settings = { eosTokenIds: [], promptLookupNumTokens: 0, doSample: false, numBeams: 1 } as const;
  const ids = prompt(name, context);
  const ask = async (maxNewTokens: number): Promise<number> => {
    const start = performance.now();
    await owl.generate({ ids, pictures: [] }, { ...settings, repetitionPenalty: 1, maxNewTokens });
    return performance.now() - start;
  };
  await ask(2);
  return async () => {
    // As a prompt does before llama.cpp's tokens, it wakes the threads.
    await ask(1);
    const first = await ask(1);
    return ((await ask(newTokens + 1)) - first) / newTokens;
  };
}

async function llamaTurn(name: TextModelName, context: number, mix: GgufMix | undefined): Promise<Turn> {
  const { sequence } = await openLlama(placesOf(name, mix).gguf, context + newTokens + 8);
  const ids = prompt(name, context) as Token[];
  return async () => {
    await sequence.clearHistory();
    await sequence.evaluateWithoutGeneratingNewTokens(ids);
    let [count, start] = [0, 0];
    for await (const _ of sequence.evaluate([300 as Token], { temperature: 0, yieldEogToken: true })) {
      if (count === 0) start = performance.now();
      if (count++ === newTokens) break;
    }
    return (performance.now() - start) / newTokens;
  };
}

const self = fileURLToPath(import.meta.url);

/** A process with the model of one system, which takes its turns when it is told to. */
async function begun(system: System, words: readonly string[]): Promise<ChildProcess> {
  const child = fork(self, [system, ...words], { execArgv: ["--import", "tsx"] });
  await messageOf(child);
  return child;
}

async function turnOf(child: ChildProcess): Promise<number> {
  await pause(pauseMs);
  child.send("turn");
  return Number(await messageOf(child));
}

async function messageOf(child: ChildProcess): Promise<unknown> {
  const control = new AbortController();
  const ended = once(child, "exit", control).then(([code]) => {
    throw new Error(`paired: ${child.spawnargs.join(" ")} must go on, but ended with ${code}`);
  });
  try {
    const [message] = await Promise.race([once(child, "message", control), ended]);
    return message;
  } finally {
    ended.catch(() => undefined);
    control.abort();
  }
}

/**
 * `bench paired [model] [context] [turns] [mix]`: a token by default here and in llama.cpp, both in memory at once, taking turns of 16
 * tokens. What changes on a machine from minute to minute, as its memory's speed, meets both alike. With a mix both read the same GGUF
 * file. A ratio above 1: ours is faster.
 */
export async function pairedBench([model = "7b", context = "128", turns = "10", mix]: readonly string[]) {
  const missing = missingLlama();
  if (missing !== undefined) throw new Error(`paired: ${missing}`);
  const name = textModelNamed(model);
  const ggufMix = mix === undefined ? undefined : ggufMixNamed(mix);
  if (ggufMix === undefined) await writeTextModel(name);
  await writeRandomGguf(placesOf(name, ggufMix).gguf, textModels[name](), ggufMix);
  const words = [name, context, ...(ggufMix === undefined ? [] : [ggufMix])];
  const children: ChildProcess[] = [];
  const times: number[][] = [];
  try {
    for (const system of systems) children.push(await begun(system, words));
    for (let turn = 0; turn < Number(turns); turn++) {
      // Who begins changes, too.
      const order = turn % 2 === 0 ? [0, 1] : [1, 0];
      const pair: number[] = [];
      for (const i of order) pair[i] = await turnOf(children[i]);
      times.push(pair);
    }
  } finally {
    for (const child of children) child.kill();
  }
  const ratios = times.map(([ours, llama]) => llama / ours);
  printLine({
    model,
    context: Number(context),
    gguf: ggufMix,
    ours_ms: median(times.map(([ours]) => ours)),
    llama_ms: median(times.map(([, llama]) => llama)),
    ratio: median(ratios),
    ratios: ratios.map((ratio) => Number(ratio.toFixed(2))),
  });
}

if (process.argv[1] === self) {
  const [system, name, context, mix] = process.argv.slice(2);
  const make = { ours: ourTurn, llama: llamaTurn }[system as System];
  const turn = await make(
    textModelNamed(name),
    Number(context),
    mix === undefined ? undefined : ggufMixNamed(mix),
  );
  process.on("message", () => {
    turn().then(
      (milliseconds) => process.send!(milliseconds),
      (error) => {
        console.error(error);
        process.exit(1);
      },
    );
  });
  process.send!("ready");
}
