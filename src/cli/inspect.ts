import type { Command } from "commander";
import {
  type Adapter,
  baseWarning,
  describeLora,
  loadAdapter,
  readModelConfig,
  validateAdapter,
} from "../checkpoint/index.ts";
import { isGguf } from "../gguf/index.ts";
import { adapterScopeOptions } from "../inspection/index.ts";
import { describeParameters, modelScope, stageScopeOptions, stages, storedName } from "../model/index.ts";
import { modelFiles } from "../model-files/index.ts";
import { joinPath, pathKind, readJson } from "../platform/index.ts";
import { type DType, elementCount } from "../tensor/index.ts";
import { printWarning } from "./load-owl.ts";
import { requireAdapter, requireModel } from "./options.ts";
import { loraOf, type StageName, stageOf, stageOption } from "./stage-option.ts";

/** A line of the table; the name is that of the model's files. */
interface Row {
  readonly dtype: DType;
  readonly module: string;
  readonly name: string;
  readonly dims: readonly number[];
  readonly trained: boolean;
}

const sizeOf = (rows: readonly Row[]): number => rows.reduce((sum, { dims }) => sum + elementCount(dims), 0);
const million = (count: number): string => `${(count / 1e6).toFixed(2)} M`.padStart(12);

function tableOf(rows: readonly Row[]): string[] {
  const shapes = rows.map(({ dims }) => `[${dims.join(", ")}]`);
  const nameWidth = Math.max(...rows.map(({ name }) => name.length));
  const shapeWidth = Math.max(...shapes.map((shape) => shape.length));
  return rows.map(({ module, name, dims, trained }, i) => {
    const size = String(elementCount(dims)).padStart(12);
    const state = trained ? "trained" : "frozen";
    return `${module.padEnd(18)} ${name.padEnd(nameWidth)} ${shapes[i].padEnd(shapeWidth)} ${size} ${state}`;
  });
}

function summaryOf(rows: readonly Row[]): string[] {
  const modules = [...new Set(rows.map(({ module }) => module))];
  const lines = [...modules, "all"].map((module) => {
    const own = rows.filter((row) => module === "all" || row.module === module);
    const learned = own.filter(({ trained }) => trained);
    return `${module.padEnd(18)} ${million(sizeOf(own))} ${million(sizeOf(learned))} trained`;
  });
  const isPacked = ({ dtype }: Row): boolean => dtype === "uint8" || dtype === "int8";
  const bytes = rows.reduce((sum, row) => sum + elementCount(row.dims) * (isPacked(row) ? 1 : 4), 0);
  const packed = rows.some(isPacked) ? ", packed weights a byte an element" : "";
  return [...lines, `${(bytes / 2 ** 20).toFixed(1)} MiB of memory (float32${packed})`];
}

function adapterLine(path: string, { settings, replaced, baseModel }: Adapter): string {
  const base = baseModel === undefined ? "" : `, trained on ${baseModel}`;
  const whole = replaced.size > 0 ? `, and ${replaced.size} whole tensors` : "";
  return `adapter ${path}: ${describeLora(settings)}${whole}${base}`;
}

async function modelTable(directory: string, named: StageName, adapterPath?: string): Promise<string[]> {
  const stage = stageOf(named);
  const config = await readModelConfig(directory);
  const sizes = new Map(describeParameters(config).map((parameter) => [parameter.name, parameter]));
  const adapter = adapterPath === undefined ? undefined : await loadAdapter(adapterPath, sizes);
  if (adapter) {
    validateAdapter(sizes, adapter, adapterPath);
    // A GGUF file does not say which model it was converted from.
    const json = (await isGguf(directory)) ? {} : await readJson(joinPath(directory, modelFiles.config));
    const warning = await baseWarning(adapter, adapterPath ?? "adapter", directory, json);
    if (warning !== undefined) printWarning(warning);
  }
  const options = adapter
    ? adapterScopeOptions(config, stage, adapter)
    : stageScopeOptions(stage, loraOf(named, config.language));
  const rows = describeParameters(config, modelScope(config, options)).map((row) => {
    return { ...row, name: storedName(config, row.name) };
  });
  const about = adapter && adapterPath !== undefined ? [adapterLine(adapterPath, adapter)] : [];
  return [
    `stage ${named}: ${stages[stage].description}`,
    ...about,
    "",
    ...tableOf(rows),
    "",
    ...summaryOf(rows),
  ];
}

async function adapterTable(path: string): Promise<string[]> {
  const adapter = await loadAdapter(path);
  const rowsOf = (module: string, tensors: Adapter["lora"]): Row[] =>
    [...tensors].map(([name, { dims }]): Row => ({ module, name, dims, dtype: "float32", trained: true }));
  const rows = [...rowsOf("LoRA", adapter.lora), ...rowsOf("replaced", adapter.replaced)];
  return [adapterLine(path, adapter), "", ...tableOf(rows), "", ...summaryOf(rows)];
}

async function inspect(model: string, options: { stage: StageName; adapter?: string }): Promise<void> {
  const directory = await requireModel(model, "`owl train` writes one", "base");
  const adapter = await requireAdapter(options.adapter);
  const holds = async (name: string): Promise<boolean> =>
    (await pathKind(joinPath(directory, name))) === "file";
  const isAdapter = !(await holds(modelFiles.config)) && (await holds(modelFiles.adapterConfig));
  const lines = isAdapter
    ? await adapterTable(directory)
    : await modelTable(directory, options.stage, adapter);
  process.stdout.write(`${lines.join("\n")}\n`);
}

export function define(command: Command): void {
  command
    .argument(
      "<model>",
      "a model directory (config.json is enough) or an adapter's, or a fetched repo, org/name",
    )
    .addOption(stageOption("the stage whose trained parameters are marked").default("2"))
    .option("--adapter <path>", "a LoRA adapter in PEFT's layout, for its rank and targets")
    .addHelpText(
      "after",
      `
Examples:
  owl inspect owl-nano                         what stage 2 trains (the abstractor and a LoRA)
  owl inspect owl-nano --stage 1               what stage 1 trains (vision encoder and abstractor)
  owl inspect runs/mine/adapter                a trained adapter by itself`,
    )
    .action(inspect);
}
