import { spawn } from "node:child_process";
import { once } from "node:events";
import { existsSync } from "node:fs";
import type { Readable } from "node:stream";
import { fileURLToPath } from "node:url";
import { printLine } from "./processor.ts";
import { median } from "./statistics.ts";

const program = fileURLToPath(new URL("../dist/cli/main.js", import.meta.url));
const picture = fileURLToPath(new URL("../examples/owl.png", import.meta.url));
const commands = [
  "--version",
  "--help",
  "chat --help",
  "data check --help",
  "eval run --help",
  "train --help",
];

/** Asks the owl that comes with the package about a picture, in a process of its own. */
const question = ["chat", "--image", picture, "what is this?"];

/** Makes a process write the processor seconds that it took to its fourth stream. */
const telling = `data:text/javascript,${encodeURIComponent(`import { writeSync } from "node:fs";
process.on("exit", () => { const { user, system } = process.cpuUsage(); writeSync(3, String((user + system) / 1e6)); });`)}`;

/** Seconds that a process of Node takes. */
interface Taken {
  readonly processor: number;
  readonly clock: number;
  /** To the first byte of its output, if it has any. */
  readonly first: number | undefined;
}

async function measure(words: readonly string[]): Promise<Taken> {
  const began = performance.now();
  const seconds = (): number => (performance.now() - began) / 1000;
  const stdio = ["ignore", "pipe", "inherit", "pipe"] as const;
  const child = spawn(process.execPath, ["--import", telling, ...words], { stdio: [...stdio] });
  let first: number | undefined;
  (child.stdio[1] as Readable).on("data", () => {
    first ??= seconds();
  });
  let told = "";
  (child.stdio[3] as Readable).on("data", (bytes: Buffer) => {
    told += bytes;
  });
  const [code] = await once(child, "close");
  if (code !== 0) throw new Error(`${words.join(" ")}: must end well, got ${code}`);
  return { processor: Number(told), clock: seconds(), first };
}

/** Seconds from a further question of a conversation about a picture to the first byte of its answer. */
async function furtherAnswer(): Promise<number> {
  const stdio = ["pipe", "pipe", "inherit"] as const;
  const child = spawn(process.execPath, [program, "chat", "--image", picture], { stdio: [...stdio] });
  const ended = once(child, "close");
  let asked: number | undefined;
  let seconds: number | undefined;
  child.stdout.on("data", (said: Buffer) => {
    if (asked !== undefined && said.toString().trim() !== "") seconds ??= (performance.now() - asked) / 1000;
    if (asked === undefined && said.includes("\n")) {
      asked = performance.now();
      child.stdin.end("what color is it?\n");
    }
  });
  child.stdin.write("what is this?\n");
  const [code] = await ended;
  if (code !== 0 || seconds === undefined) throw new Error(`owl chat: must answer twice, got ${code}`);
  return seconds;
}

/** What a command takes, and a Node that does nothing, `node -e 0`. */
export interface StartTime {
  readonly name: string;
  readonly seconds: number;
  /** Absent where a part of what the process does is measured. */
  readonly processorSeconds?: number;
}

/** How the commands are built where they are missing; undefined where they are there. */
export function missingProgram(): string | undefined {
  return existsSync(program) ? undefined : "owl as built: npm run build";
}

/** Medians of so many rounds, alternating; last the first token of an answer about a picture, from the start of the process, and that of the next answer, from its question. */
export async function startTimes(rounds: number): Promise<StartTime[]> {
  const started = new Map<string, Taken[]>();
  const asked: Taken[] = [];
  const further: number[] = [];
  for (let round = 0; round < rounds; round++) {
    for (const command of ["", ...commands]) {
      const words = command === "" ? ["-e", "0"] : [program, ...command.split(" ")];
      started.set(command, [...(started.get(command) ?? []), await measure(words)]);
    }
    asked.push(await measure([program, ...question]));
    further.push(await furtherAnswer());
  }
  const processorSeconds = (times: readonly Taken[]): number => median(times.map((one) => one.processor));
  const commandTimes = [...started].map(([command, times]) => ({
    name: command === "" ? "node -e 0" : `owl ${command}`,
    seconds: median(times.map(({ clock }) => clock)),
    processorSeconds: processorSeconds(times),
  }));
  return [
    ...commandTimes,
    {
      name: "owl chat --image FILE QUESTION: first token",
      seconds: median(asked.map(({ first = Number.NaN }) => first)),
      processorSeconds: processorSeconds(asked),
    },
    { name: "owl chat, a further question: first token", seconds: median(further) },
  ];
}

/** `bench start [rounds]`: what `owl` takes before it works, as built by `npm run build`, beside a Node that does nothing. */
export async function startBench([rounds = "9"]: readonly string[]): Promise<void> {
  if (!existsSync(program)) throw new Error(`${program}: must be built, got no such file; npm run build`);
  for (const time of await startTimes(Number(rounds))) printLine({ ...time, node: process.version });
}
