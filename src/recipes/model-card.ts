import {
  describeLora,
  entriesByName,
  isRun,
  openCheckpoint,
  parseAdapterConfig,
} from "../checkpoint/index.ts";
import { nameOfModel } from "../hub/index.ts";
import {
  configJson,
  generationOf,
  hyperOf,
  type OwlConfig,
  publishedModel,
  readsTiles,
  tokensPerImage,
} from "../model/index.ts";
import { madeCardMark, modelFiles } from "../model-files/index.ts";
import { fileName, joinPath, pathKind, readJson, readText, writeFileAtomically } from "../platform/index.ts";
import { formatDuration } from "../primitives/index.ts";
import { type Curve, type RunRecord, runRecord } from "./run-record.ts";
import { trainingCurve } from "./training-curve.ts";

export interface CardOptions {
  /** The weights' licence by the hub's name of it, such as "apache-2.0". */
  readonly license?: string | undefined;
}

/** The drawing of a run's curves, beside the model card. */
export const curveFile = "curve.svg";

/**
 * Writes the model card of a finished run, and the drawing of its curves, beside its model and its adapter.
 *
 * @param output the run's directory
 */
export async function writeCards(output: string): Promise<void> {
  const run = await runRecord(output);
  const name = fileName(output);
  const curve = run && trainingCurve(`The training of ${name}`, run.log);
  for (const result of ["model", "adapter"]) {
    const directory = joinPath(output, result);
    if ((await pathKind(directory)) !== "directory") continue;
    if (curve !== undefined) await writeFileAtomically(joinPath(directory, curveFile), curve);
    const card = await cardOf(directory, { name, place: `${name}/${result}`, options: {}, run });
    await writeFileAtomically(joinPath(directory, "README.md"), `${card}\n${madeCardMark}\n`);
  }
}

/**
 * A model card, made of what a model's directory and the run that made it record: sizes, recipe, data, figures and
 * licences. Paths of this machine are not in it.
 *
 * @param directory a model's or an adapter's, in the directory of its run or elsewhere; a run's
 * @param name the repo, `org/name`
 */
export async function modelCard(directory: string, name: string, options: CardOptions = {}): Promise<string> {
  const result = (await isRun(directory)) ? joinPath(directory, "model") : directory;
  return cardOf(result, { name, options, run: await runRecord(directory) });
}

/** What the card that a training wrote says of it, where the model no longer lies in the directory of its run. */
async function earlierSections(directory: string): Promise<string[]> {
  const path = joinPath(directory, "README.md");
  const text = (await pathKind(path)) === "file" ? await readText(path) : "";
  if (!text.includes(madeCardMark)) return [];
  return text
    .split(/^(?=## )/m)
    .filter((part) => /^## (Training|Data|Figures)$/m.test(part))
    .map((part) => part.trim());
}

interface CardContent {
  readonly name: string;
  /** Where the result lies on this machine, from where its run's directory lies; of one that is on the hub undefined. */
  readonly place?: string | undefined;
  readonly options: CardOptions;
  readonly run: RunRecord | undefined;
}

async function cardOf(directory: string, { name, place, options, run }: CardContent): Promise<string> {
  const about = await aboutResult(directory);
  const base = run?.base ?? about.base;
  const hasCurve = (await pathKind(joinPath(directory, curveFile))) === "file";
  const sections = [
    front(about, base, options),
    `# ${name.split("/").at(-1)}`,
    `${about.title}, made with the npm package [mplug-owl](https://www.npmjs.com/package/mplug-owl).`,
    usage(about, base, { name, place }),
    section("Sizes", about.lines),
    ...(run === undefined
      ? await earlierSections(directory)
      : [trained(run, hasCurve), section("Data", run.data), figures(run)]),
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
      title: "A LoRA adapter for a model of the mPLUG-Owl line",
      task: "image-text-to-text",
      isAdapter: true,
      base: baseModel && nameOfModel(baseModel),
      lines: [describeLora(settings)],
    };
  }
  const { config: json, weights } = await openCheckpoint(directory);
  const path = joinPath(directory, modelFiles.config);
  const config = publishedModel.parse(json, path, entriesByName(weights));
  await weights.close();
  const title = config.textOnly
    ? `A language model (${String(configJson(config).model_type)})`
    : `An ${generationOf(config).title} (${generationOf(config).paper})${readsTiles(config) ? BY_TILES : ""}`;
  return {
    title,
    task: config.textOnly ? "text-generation" : "image-text-to-text",
    isAdapter: false,
    base: undefined,
    lines: sizes(config),
  };
}

const BY_TILES = " that reads pictures in tiles, as UReader does (arXiv 2310.05126)";

function sizes(config: OwlConfig): string[] {
  const { language, quantization } = config;
  const own = `language model: ${language.family}, width ${language.hidden}, ${language.layers} layers, vocabulary ${language.vocabulary}, ${language.maxPositions} positions`;
  const bits =
    quantization?.language && `weights of the language model in ${quantization.language.bits} bits`;
  if (config.textOnly) return [own, ...(bits ? [bits] : [])];
  const { vision } = config;
  return [
    `vision encoder: ${vision.imageSize}-pixel pictures in patches of ${vision.patchSize}, width ${vision.hidden}, ${vision.layers} layers`,
    ofPictures(config),
    own,
    ...(bits ? [bits] : []),
  ];
}

/** What pictures pass on their way to the language model. */
function ofPictures(config: OwlConfig): string {
  const hyper = hyperOf(config);
  if (hyper !== undefined) {
    const layers = hyper.layers.map((layer) => layer + 1).join(", ");
    return `projector: ${tokensPerImage(config)} tokens a picture, which layers ${layers} look at; it takes none of the text's positions but its marker's`;
  }
  const { abstractor, numQueryTokens } = config;
  const picture = readsTiles(config) ? "the whole of a picture, and each of its tiles," : "a picture";
  return `visual abstractor: ${numQueryTokens} queries, ${abstractor.layers} layers; ${picture} takes ${tokensPerImage(config)} positions`;
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

function usage(
  { isAdapter, task }: Result,
  base: string | undefined,
  { name, place }: Pick<CardContent, "name" | "place">,
): string {
  const picture = task === "image-text-to-text" ? " --image picture.jpg" : "";
  const where = /\s/.test(place ?? name) ? `"${place ?? name}"` : (place ?? name);
  const ask = isAdapter
    ? `npx owl chat ${base ?? "MODEL"} --adapter ${where}${picture}`
    : `npx owl chat ${where}${picture}`;
  const pull = place === undefined ? `npx owl pull ${name}\n` : "";
  return `\`\`\`\n${pull}${ask} "what is this?"\n\`\`\``;
}

/** What was done, its curves, and the recipe as a table: plain values, and a LoRA's. */
function trained({ recipe, step, resultStep, tokens, base, log }: RunRecord, hasCurve: boolean): string {
  const rows = Object.entries(recipe).flatMap(([key, value]) => {
    const text = typeof value === "object" && value !== null ? JSON.stringify(value) : String(value);
    const isPlain = value !== null && value !== undefined && !/(^|[\s"])(\/|[A-Za-z]:\\|~\/)/.test(text);
    return isPlain && text.length <= 200 ? [`| ${key} | ${text.replaceAll("|", "\\|")} |`] : [];
  });
  const from = base === undefined ? "a fresh model" : base;
  const best = resultStep === step ? "" : ` The weights are those after step ${resultStep}, the best ones.`;
  const machines = log.machines.length === 0 ? "" : ` on ${log.machines.join("; ")}`;
  const time = log.seconds > 0 ? ` The steps took ${formatDuration(log.seconds)}${machines}.` : "";
  const done = `${step} steps${tokens > 0 ? `, ${tokens.toLocaleString("en-US")} tokens` : ""}, from ${from}.${best}${time}`;
  const curve = hasCurve ? `\n\n![Losses and scores by step](${curveFile})` : "";
  return `## Training\n\n${done}${curve}\n\n| recipe | |\n|---|---|\n${rows.join("\n")}`;
}

/** What was measured: at first, and of the result. */
function figures({ log, resultStep }: RunRecord): string {
  const at = ({ steps, values }: Curve, i: number, interval = ""): string =>
    `${values[i].toFixed(4)}${interval} at step ${steps[i]}`;
  const resultOf = ({ steps }: Curve): number =>
    Math.max(
      0,
      steps.findLastIndex((one) => one <= resultStep),
    );
  const losses = (
    [
      ["loss of the training's rows", log.loss],
      ["loss of held-out rows", log.heldOut],
    ] as const
  )
    .filter(([, { steps }]) => steps.length > 0)
    .map(([name, curve]) => [name, at(curve, 0), at(curve, resultOf(curve))]);
  const scores = log.benchmarks.map((curve) => {
    const told = (i: number): string => {
      const [low, high] = curve.intervals[i];
      return at(curve, i, ` (95 %: ${low.toFixed(4)} to ${high.toFixed(4)})`);
    };
    return [`${curve.name}, ${curve.figure}, ${curve.items} items`, told(0), told(resultOf(curve))];
  });
  const rows = [...losses, ...scores].map((cells) => `| ${cells.join(" | ")} |`);
  return rows.length === 0 ? "" : `## Figures\n\n| | first | result |\n|---|---|---|\n${rows.join("\n")}`;
}

function licences({ license }: CardOptions, base: string | undefined, run: RunRecord | undefined): string {
  const own = license === undefined ? "Of these weights: not said." : `Of these weights: ${license}.`;
  const from = base === undefined ? "" : ` They were made from ${base}, whose licence holds for them too.`;
  const data = run === undefined || run.data.length === 0 ? "" : " So do the terms of the data.";
  return own + from + data;
}
