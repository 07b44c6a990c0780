import { parseArgs } from "node:util";
import { stepTimes } from "./against-peers.ts";
import { configurations } from "./configurations.ts";
import { textSpeeds } from "./decode.ts";
import { installedDependencies } from "./install.ts";
import { missingLlama } from "./llama.ts";
import { measurePeaks, type Peaks } from "./peaks.ts";
import { processor } from "./processor.ts";
import { servingSpeed } from "./serving.ts";
import { missingProgram, startTimes } from "./start.ts";
import { median } from "./statistics.ts";
import { markdownTable, type Row } from "./table.ts";
import { type Gguf, ourText, type TextSpeed } from "./text.ts";
import { type TextModelName, textModels, writeTextModel } from "./text-models.ts";
import { missingTorch } from "./torch.ts";
import { type StepShape, usualShape } from "./train.ts";
import { visionTimes } from "./vision.ts";
import { decodeWork, leastMilliseconds, pictureWork, prefillWork, stepWork, type Work } from "./work.ts";

interface Settings {
  /** Alternating rounds, of which medians are taken. */
  readonly rounds: number;
  /** Small models, to see that everything runs. */
  readonly quick: boolean;
  readonly peaks: Peaks;
}

/** A part of the table, row by row as they are measured. */
type Section = (settings: Settings) => AsyncIterable<Row>;

const few = [128, 1024];
const growth = [128, 512, 1024, 2048, 4096];

/** Language models and the lengths of their contexts. */
const textWork: Readonly<Partial<Record<TextModelName, readonly number[]>>> = {
  "7b-4-layers": growth,
  "smollm2-135m": growth,
  "qwen3-0.6b": growth,
  "1b": few,
  "7b": [128],
};

/** New tokens that are decoded behind each context. */
const newTokens = { full: 16, quick: 2 };

async function textRows(
  name: TextModelName,
  contexts: readonly number[],
  { rounds, peaks, quick }: Settings,
  gguf?: Gguf,
): Promise<Row[]> {
  const work = { contexts, newTokens: newTokens[quick ? "quick" : "full"], gguf };
  const { ours, tuned, llama } = await textSpeeds(name, work, rounds);
  const config = textModels[name]();
  // What a file's blocks make of it is no matter of the model's sizes.
  const limitOf = (work: Work): number | undefined => (gguf ? undefined : leastMilliseconds(work, peaks));
  const row = (what: string, unit: Row["unit"], of: (speed: TextSpeed) => number, limit?: number): Row => ({
    what: `${name}${gguf ? `, GGUF ${gguf.mix}${gguf.converted ? " converted" : ""}` : ""}: ${what}`,
    unit,
    ours: of(ours),
    tuned: of(tuned),
    peer: llama && ["llama.cpp", of(llama)],
    limit,
  });
  return [
    ...contexts.map((context, i) => {
      const limit = limitOf(decodeWork(config, context));
      return row(`a token at context ${context}`, "ms", ({ decode_ms }) => decode_ms[i], limit);
    }),
    ...contexts.map((context, i) => {
      const limit = limitOf(prefillWork(config, context));
      return row(`prefill of ${context}`, "ms", ({ prefill_ms }) => prefill_ms[i], limit);
    }),
    row("load", "s", ({ load_s }) => load_s),
    row("memory after loading", "MB", ({ loaded_mb }) => loaded_mb),
    row("memory at most", "MB", ({ peak_mb }) => peak_mb),
  ];
}

const text: Section = async function* (settings) {
  const work = settings.quick ? { tiny: [16] } : textWork;
  for (const [name, contexts] of Object.entries(work)) {
    yield* await textRows(name as TextModelName, contexts, settings);
  }
};

/** The very files that llama.cpp reads, as they are and converted. */
const gguf: Section = async function* (settings) {
  const name = settings.quick ? "tiny" : "1b";
  for (const mix of settings.quick ? (["q4_0"] as const) : (["q4_0", "q4_k_m"] as const)) {
    for (const converted of [false, true]) {
      yield* await textRows(name, settings.quick ? [16] : few, settings, { mix, converted });
    }
  }
};

/** Keys and values in 8 bits, by the length of the context. */
const kvCache: Section = async function* ({ rounds, quick, peaks }) {
  const name: TextModelName = quick ? "tiny" : "7b-4-layers";
  const contexts = quick ? [16] : growth;
  const size = quick ? "quick" : "full";
  const work = { contexts, newTokens: newTokens[size], kvCacheDtype: "int8" } as const;
  await writeTextModel(name);
  const speeds = Array.from({ length: rounds }, () => ourText(name, work, false));
  const row = (what: string, unit: Row["unit"], ours: number, limit?: number): Row => {
    return { what: `${name}, keys and values in 8 bits: ${what}`, unit, ours, limit };
  };
  const config = textModels[name]();
  for (const [i, context] of contexts.entries()) {
    const limit = leastMilliseconds(decodeWork(config, context, 1), peaks);
    yield row(`a token at context ${context}`, "ms", median(speeds.map((one) => one.decode_ms[i])), limit);
  }
  yield row("memory at most", "MB", median(speeds.map(({ peak_mb }) => peak_mb)));
};

const vision: Section = async function* ({ rounds, quick, peaks }) {
  if (quick) return;
  for (const { system, ours, tuned, torch } of await visionTimes(rounds)) {
    const isQuantized = system === "q8";
    const work = { ...pictureWork(configurations["vit-l"]), ...(isQuantized && { type: "int8" as const }) };
    const limit = leastMilliseconds(work, peaks);
    const peer = torch === undefined ? undefined : (["PyTorch", torch] as const);
    yield { what: `ViT-L/14 and abstractor, ${system}: a picture`, unit: "ms", ours, tuned, peer, limit };
  }
};

const train: Section = async function* ({ rounds, quick, peaks }) {
  for (const name of quick ? (["nano"] as const) : (["nano", "small"] as const)) {
    for (const stage of quick ? [2] : [0, 1, 2]) {
      const { ours, tuned, torch, compiled } = stepTimes(name, stage, rounds, { withCompiled: !quick });
      const what = `training step, ${name}, stage ${stage}`;
      const limit = leastMilliseconds(
        stepWork(configurations[name], stage, usualShape.rows, usualShape.tokens),
        peaks,
      );
      const row = { what, unit: "ms", ours, tuned, limit } as const;
      yield torch === undefined ? row : { ...row, peer: ["PyTorch", torch] };
      if (compiled !== undefined) yield { ...row, peer: ["torch.compile", compiled] };
    }
  }
};

/** Stage 2 by rows, and by tokens of a row. */
const trainGrowth: Section = async function* ({ rounds, quick, peaks }) {
  const name = quick ? "nano" : "small";
  const shapes: readonly StepShape[] = [
    ...[2, 4, 8, 16, 32].map((rows) => ({ ...usualShape, rows })),
    ...[192, 384].map((tokens) => ({ ...usualShape, tokens })),
  ];
  for (const shape of quick ? shapes.slice(0, 1) : shapes) {
    const { ours, tuned, torch } = stepTimes(name, 2, rounds, { shape });
    const limit = leastMilliseconds(stepWork(configurations[name], 2, shape.rows, shape.tokens), peaks);
    const peer = torch === undefined ? undefined : (["PyTorch", torch] as const);
    const what = `training step, ${name}, stage 2, ${shape.rows} rows of ${shape.tokens} tokens`;
    yield { what, unit: "ms", ours, tuned, peer, limit };
  }
};

const serving: Section = async function* ({ rounds, quick }) {
  for (const name of quick ? ["nano"] : ["nano", "small"]) {
    const speed = await servingSpeed(name, rounds);
    const row = (what: string, perSecond: number): Row => ({
      what: `${name}, a token ${what}`,
      unit: "ms",
      ours: 1000 / perSecond,
    });
    yield row("of one answer outside the server", speed.without_engine_tokens_per_s);
    yield row("of one stream", speed.one_stream_tokens_per_s);
    yield row("of eight streams together", speed.eight_streams_tokens_per_s);
  }
};

const start: Section = async function* ({ rounds }) {
  if (missingProgram() !== undefined) return;
  const [node, ...commands] = await startTimes(rounds);
  for (const { name, seconds, processorSeconds } of commands) {
    // What happens in a process that runs already has no Node to start.
    const limit = processorSeconds === undefined ? undefined : node.seconds;
    yield { what: name, unit: "s", ours: seconds, limit };
  }
};

const install: Section = async function* () {
  const packages = installedDependencies();
  const all = packages.reduce((sum, [, size]) => sum + size, 0);
  const largest = packages.slice(0, 3);
  for (const [name, size] of [["all", all] as const, ...largest]) {
    yield { what: `dependencies of an install: ${name}`, unit: "MB", ours: size };
  }
};

const sections: Readonly<Record<string, Section>> = {
  text,
  gguf,
  "kv-cache": kvCache,
  vision,
  train,
  "train-growth": trainGrowth,
  serving,
  start,
  install,
};

/** Measures the named parts; what fails is told, and the others go on. */
async function measured(
  names: readonly string[],
  settings: Settings,
): Promise<{ readonly rows: Row[]; readonly failures: string[] }> {
  const rows: Row[] = [];
  const failures: string[] = [];
  for (const name of names) {
    console.error(`bench all: ${name}`);
    try {
      for await (const row of sections[name](settings)) {
        console.error(JSON.stringify(row));
        rows.push(row);
      }
    } catch (error) {
      failures.push(`${name}: ${error instanceof Error ? error.message : String(error)}`);
    }
  }
  return { rows, failures };
}

const giga = (value: number): string => (value / 1e9).toFixed(0);

/** What the figures were measured on, in words. */
function conditions({ peaks, rounds, quick }: Settings): string {
  const { processor: model, processors, flags } = processor;
  return [
    `${new Date().toISOString().slice(0, 10)}, ${model}, ${processors} processors (${flags.join(", ")}), Node ${process.version}; medians of ${rounds} rounds.`,
    `Memory is read at ${giga(peaks.bandwidth)} GB/s; ONNX Runtime's products reach ${giga(peaks.float32)} GFLOP/s in float32 and ${giga(peaks.int8)} GOP/s in int8; limits are worked out from these.`,
    ...(quick ? ["Small models only, to see that everything runs: no figures to keep."] : []),
  ].join("\n");
}

/**
 * `bench all [--quick] [--rounds N] [--only text,kv-cache,vision,train,serving,start,install]`: every figure as one table of Markdown on
 * standard output, what is under way on standard error. Peers that are not set up are left out, with the command that does it.
 */
export async function allBench(words: readonly string[]): Promise<void> {
  const { values } = parseArgs({
    args: [...words],
    options: {
      quick: { type: "boolean", default: false },
      rounds: { type: "string" },
      only: { type: "string" },
    },
  });
  const { quick } = values;
  const names = values.only?.split(",") ?? Object.keys(sections);
  const unknown = names.filter((name) => !(name in sections));
  if (unknown.length > 0) {
    throw new RangeError(
      `bench all: --only must name ${Object.keys(sections).join(", ")}, got ${unknown.join(", ")}`,
    );
  }
  const rounds = Number(values.rounds ?? (quick ? 1 : 5));
  if (!(Number.isInteger(rounds) && rounds > 0)) {
    throw new RangeError(`bench all: --rounds must be a whole number above 0, got ${values.rounds}`);
  }
  const settings = { rounds, quick, peaks: await measurePeaks({ quick }) };
  const { rows, failures } = await measured(names, settings);
  const missing = [missingLlama(), missingTorch(), missingProgram()].filter((one) => one !== undefined);
  console.log([conditions(settings), "", markdownTable(rows)].join("\n"));
  if (missing.length > 0) console.log(`\nWithout these, which are set up so:\n\n- ${missing.join("\n- ")}`);
  if (failures.length > 0) {
    console.log(`\nNot measured:\n\n- ${failures.join("\n- ")}`);
    process.exitCode = 1;
  }
}
