import { z } from "zod";
import {
  describeLora,
  entriesByName,
  isRun,
  openCheckpoint,
  parseAdapterConfig,
  startDirectory,
  startFile,
} from "../checkpoint/index.ts";
import { configJson, generationOf, type OwlConfig, publishedModel, tokensPerImage } from "../model/index.ts";
import { modelFiles } from "../model-files/index.ts";
import {
  completeDirectory,
  fileName,
  joinPath,
  parentDirectory,
  pathKind,
  readJson,
  readText,
} from "../platform/index.ts";

export interface CardOptions {
  /** The weights' licence by the hub's name of it, such as "apache-2.0". */
  readonly license?: string | undefined;
}

/** What a run left of itself. */
interface RunRecord {
  readonly step: number;
  readonly tokens: number;
  readonly recipe: Readonly<Record<string, unknown>>;
  /** The data, a line each. */
  readonly data: readonly string[];
  /** The model that it began with; undefined for a fresh one. */
  readonly base: string | undefined;
  readonly log: readonly LogLine[];
}

const stateSchema = z.object({
  step: z.number(),
  tokens: z.number().default(0),
  recipe: z.record(z.string(), z.unknown()),
  inputs: z.record(z.string(), z.object({ description: z.string(), isData: z.boolean() })).default({}),
});
const startSchema = z.object({ model: z.string().nullable() });
const lineSchema = z.object({ kind: z.string(), step: z.number().optional(), loss: z.number().optional() });
type LogLine = z.infer<typeof lineSchema>;

/**
 * A model card, made of what a model's directory and the run that made it record: sizes, recipe, data, figures and
 * licences. Paths of this machine are not in it.
 *
 * @param directory a model's or an adapter's, in the directory of its run or elsewhere; a run's
 * @param name the repo, `org/name`
 */
export async function modelCard(directory: string, name: string, options: CardOptions = {}): Promise<string> {
  const run = await runOf(directory);
  const result = (await isRun(directory)) ? joinPath(directory, "model") : directory;
  const about = await aboutResult(result);
  const base = run?.base ?? about.base;
  const sections = [
    front(about, base, options),
    `# ${name.split("/").at(-1)}`,
    `${about.title}, made with the npm package [mplug-owl](https://www.npmjs.com/package/mplug-owl).`,
    usage(about, name, base),
    section("Sizes", about.lines),
    ...(run === undefined ? [] : [trained(run), section("Data", run.data), section("Figures", figures(run))]),
    section("Licences", [licences(options, base, run)]),
  ];
  return `${sections.filter((text) => text !== "").join("\n\n")}\n`;
}

const section = (title: string, lines: readonly string[]): string =>
  lines.length === 0 ? "" : `## ${title}\n\n${lines.map((line) => `- ${line}`).join("\n")}`;

interface Result {
  readonly title: string;
  readonly task: "image-text-to-text" | "text-generation";
  readonly isAdapter: boolean;
  readonly base: string | undefined;
  readonly lines: readonly string[];
}

async function aboutResult(directory: string): Promise<Result> {
  const adapter = joinPath(directory, modelFiles.adapterConfig);
  if ((await pathKind(joinPath(directory, modelFiles.config))) !== "file") {
    const { settings, baseModel } = parseAdapterConfig(await readJson(adapter), adapter);
    return {
      title: "A LoRA adapter of an mPLUG-Owl (arXiv 2304.14178)",
      task: "image-text-to-text",
      isAdapter: true,
      base: baseModel && nameOf(baseModel),
      lines: [describeLora(settings)],
    };
  }
  const { config: json, weights } = await openCheckpoint(directory);
  const path = joinPath(directory, modelFiles.config);
  const config = publishedModel.parse(json, path, entriesByName(weights));
  await weights.close();
  const title = config.textOnly
    ? `A language model (${String(configJson(config).model_type)})`
    : `An ${generationOf(config).title} (${generationOf(config).paper})`;
  return {
    title,
    task: config.textOnly ? "text-generation" : "image-text-to-text",
    isAdapter: false,
    base: undefined,
    lines: sizes(config),
  };
}

function sizes(config: OwlConfig): string[] {
  const { language, quantization } = config;
  const own = `language model: ${language.family}, width ${language.hidden}, ${language.layers} layers, vocabulary ${language.vocabulary}, ${language.maxPositions} positions`;
  const bits =
    quantization?.language && `weights of the language model in ${quantization.language.bits} bits`;
  if (config.textOnly) return [own, ...(bits ? [bits] : [])];
  const { vision, abstractor, numQueryTokens } = config;
  return [
    `vision encoder: ${vision.imageSize}-pixel pictures in patches of ${vision.patchSize}, width ${vision.hidden}, ${vision.layers} layers`,
    `visual abstractor: ${numQueryTokens} queries, ${abstractor.layers} layers; a picture takes ${tokensPerImage(config)} positions`,
    own,
    ...(bits ? [bits] : []),
  ];
}

function front({ task, isAdapter }: Result, base: string | undefined, { license }: CardOptions): string {
  const lines = [
    ...(license === undefined ? [] : [`license: ${license}`]),
    `library_name: ${isAdapter ? "peft" : "mplug-owl"}`,
    `pipeline_tag: ${task}`,
    ...(base?.includes("/") ? [`base_model: ${base}`] : []),
    "tags:",
    "- mplug-owl",
  ];
  return `---\n${lines.join("\n")}\n---`;
}

function usage({ isAdapter, task }: Result, name: string, base: string | undefined): string {
  const picture = task === "image-text-to-text" ? " --image picture.jpg" : "";
  const ask = isAdapter
    ? `npx owl chat ${base ?? "MODEL"} --adapter ${name}${picture}`
    : `npx owl chat ${name}${picture}`;
  return `\`\`\`\nnpx owl pull ${name}\n${ask} "what is this?"\n\`\`\``;
}

/** The recipe as a table: plain values, and a LoRA's. */
function trained({ recipe, step, tokens, base }: RunRecord): string {
  const rows = Object.entries(recipe).flatMap(([key, value]) => {
    const text = typeof value === "object" && value !== null ? JSON.stringify(value) : String(value);
    const isPlain = value !== null && value !== undefined && !/(^|[\s"])(\/|[A-Za-z]:\\|~\/)/.test(text);
    return isPlain && text.length <= 200 ? [`| ${key} | ${text.replaceAll("|", "\\|")} |`] : [];
  });
  const from = base === undefined ? "a fresh model" : base;
  const done = `${step} steps${tokens > 0 ? `, ${tokens.toLocaleString("en-US")} tokens` : ""}, from ${from}.`;
  return `## Training\n\n${done}\n\n| recipe | |\n|---|---|\n${rows.join("\n")}`;
}

function figures({ log }: RunRecord): string[] {
  const losses = (kind: string): LogLine[] =>
    log.filter((line) => line.kind === kind && line.loss !== undefined && line.step !== undefined);
  const told = ({ step, loss }: LogLine): string => `${loss!.toFixed(4)} at step ${step}`;
  return ["step", "evaluation"].flatMap((kind) => {
    const all = losses(kind);
    if (all.length === 0) return [];
    const title = kind === "step" ? "loss of the training's rows" : "loss of held-out rows";
    return [`${title}: ${[...new Set([all[0], all[all.length - 1]].map(told))].join(", ")}`];
  });
}

function licences({ license }: CardOptions, base: string | undefined, run: RunRecord | undefined): string {
  const own = license === undefined ? "Of these weights: not said." : `Of these weights: ${license}.`;
  const from = base === undefined ? "" : ` They were made from ${base}, whose licence holds for them too.`;
  const data = run === undefined || run.data.length === 0 ? "" : " So do the terms of the data.";
  return own + from + data;
}

/** What the run of a directory recorded: of a run's own, or of the one that the directory lies in. */
async function runOf(directory: string): Promise<RunRecord | undefined> {
  for (const run of [directory, parentDirectory(directory)]) {
    const state = joinPath(run, "state");
    if (!(await isRun(run)) || (await pathKind(state)) !== "directory") continue;
    const file = joinPath(await completeDirectory(state), "training_state.json");
    const { inputs, ...rest } = stateSchema.parse(await readJson(file));
    const data = Object.entries(inputs)
      .filter(([key, { isData }]) => isData && /^data \d+$/.test(key))
      .map(([, { description }]) => description);
    return { ...rest, data, base: await baseOf(run), log: await logOf(run) };
  }
  return undefined;
}

async function baseOf(run: string): Promise<string | undefined> {
  const file = joinPath(run, startDirectory, startFile);
  if ((await pathKind(file)) !== "file") return undefined;
  const { model } = startSchema.parse(await readJson(file));
  return model === null ? undefined : nameOf(model);
}

/** A repo's name for a path in the hub's cache, else the last part of a path. */
function nameOf(model: string): string {
  const cached = /models--([^\\/]+?)--([^\\/]+)/.exec(model);
  if (cached !== null) return `${cached[1]}/${cached[2]}`;
  return /^[\w.-]+\/[\w.-]+$/.test(model) ? model : fileName(model.replace(/[\\/]+$/, ""));
}

async function logOf(run: string): Promise<LogLine[]> {
  const path = joinPath(run, "log.jsonl");
  if ((await pathKind(path)) !== "file") return [];
  return (await readText(path)).split("\n").flatMap((line) => {
    const parsed = lineSchema.safeParse(line === "" ? undefined : jsonOf(line));
    return parsed.success ? [parsed.data] : [];
  });
}

/** A line that a killed run cut short is no JSON. */
function jsonOf(line: string): unknown {
  try {
    return JSON.parse(line);
  } catch {
    return undefined;
  }
}
