import protobuf from "protobufjs/light.js";
import {
  type AppendOnlyFile,
  directoryEntries,
  joinPath,
  makeDirectory,
  openAppendOnlyFile,
} from "../../platform/index.ts";
import type { ToldRewards, TrainingEvent } from "../events.ts";
import type { RunLog } from "../run-log.ts";
import { tfRecord } from "./records.ts";

const message = (fields: Record<string, protobuf.IField>) => ({ edition: "proto3", fields });

// Field numbers and types of TensorFlow's event.proto, summary.proto and tensor.proto, as far as they are written here.
const eventType = protobuf.Root.fromJSON({
  nested: {
    Size: message({ size: { id: 1, type: "int64" } }),
    Shape: message({ dim: { rule: "repeated", id: 2, type: "Size" } }),
    Tensor: message({
      dtype: { id: 1, type: "int32" },
      shape: { id: 2, type: "Shape" },
      strings: { rule: "repeated", id: 8, type: "bytes" },
    }),
    Plugin: message({ name: { id: 1, type: "string" } }),
    Metadata: message({ plugin: { id: 1, type: "Plugin" } }),
    Value: message({
      tag: { id: 1, type: "string" },
      simpleValue: { id: 2, type: "float" },
      tensor: { id: 8, type: "Tensor" },
      metadata: { id: 9, type: "Metadata" },
    }),
    Summary: message({ value: { rule: "repeated", id: 1, type: "Value" } }),
    SessionLog: message({ status: { id: 1, type: "int32" } }),
    Event: message({
      wallTime: { id: 1, type: "double" },
      step: { id: 2, type: "int64" },
      fileVersion: { id: 3, type: "string" },
      summary: { id: 5, type: "Summary" },
      sessionLog: { id: 7, type: "SessionLog" },
    }),
  },
})
  .resolveAll()
  .lookupType("Event");

type Content =
  | { readonly fileVersion: string }
  | { readonly sessionLog: { readonly status: number } }
  | { readonly summary: { readonly value: readonly Value[] } };

/** A number, or a text as a tensor that TensorBoard shows on its page of texts. */
type Value = { readonly tag: string } & ({ readonly simpleValue: number } | ReturnType<typeof textValue>);

/** DT_STRING of types.proto. */
const stringType = 7;

function textValue(text: string) {
  const strings = [new TextEncoder().encode(text)];
  return {
    tensor: { dtype: stringType, shape: { dim: [{ size: 1 }] }, strings },
    metadata: { plugin: { name: "text" } },
  };
}

const sessionStart = 1;

function record(step: number, content: Content): Uint8Array {
  const encoded = eventType.encode({ wallTime: Date.now() / 1000, step, ...content });
  return tfRecord(encoded.finish());
}

/** The curves of an event, by TensorBoard's tags. */
function scalarsOf(event: TrainingEvent): Record<string, number> {
  if (event.kind === "evaluation") {
    return { "evaluation/loss": event.loss, ...rewardScalars("evaluation", event) };
  }
  if (event.kind === "benchmark") {
    const figures = Object.entries(event.figures).filter(([, { estimate }]) => Number.isFinite(estimate));
    return Object.fromEntries(
      figures.map(([name, { estimate }]) => [
        `benchmarks/${event.name}/${name.replace(/\W+/g, "_")}`,
        estimate,
      ]),
    );
  }
  if (event.kind !== "step") return {};
  return {
    "train/loss": event.loss,
    "train/learning_rate": event.learningRate,
    "train/gradient_norm": event.gradientNorm,
    ...rewardScalars("train", event),
    "train/tokens_per_second": event.stepTokens / event.seconds,
    "train/data_wait_seconds": event.waitSeconds,
    "train/memory_bytes": event.memoryBytes,
  };
}

const rewardScalars = (kind: string, event: ToldRewards): Record<string, number> => ({
  ...(event.rewardMargin !== undefined && { [`${kind}/reward_margin`]: event.rewardMargin }),
  ...(event.rewardAccuracy !== undefined && { [`${kind}/reward_accuracy`]: event.rewardAccuracy }),
});

/** The values of an event by TensorBoard's tags; answers are Markdown, in which they are quoted as code. */
function valuesOf(event: TrainingEvent): Value[] {
  if (event.kind === "samples") {
    return event.answers.map(({ question, answer }, i) => ({
      tag: `samples/${i + 1}`,
      ...textValue(`${indented(question)}\n\n---\n\n${indented(answer)}`),
    }));
  }
  return Object.entries(scalarsOf(event)).map(([tag, simpleValue]) => ({ tag, simpleValue }));
}

const indented = (text: string): string => text.replace(/^/gm, "    ");

/** Records of an event; none where it has no curve. */
function recordsOf(event: TrainingEvent): Uint8Array[] {
  if (event.kind === "start") {
    // Readers drop what earlier files of the run have from the step on that a start names.
    const step = event.step + 1;
    return [
      record(step, { fileVersion: "brain.Event:2" }),
      record(step, { sessionLog: { status: sessionStart } }),
    ];
  }
  const value = valuesOf(event);
  return value.length === 0 ? [] : [record(event.step, { summary: { value } })];
}

const namePattern = /^events\.out\.tfevents\.(\d+)\./;

/** The name of a run's next event file: readers take them in the order of their names. */
async function nextName(directory: string): Promise<string> {
  const numbers = (await directoryEntries(directory)).flatMap((name) => {
    const found = namePattern.exec(name);
    return found === null ? [] : [Number(found[1])];
  });
  const number = Math.max(0, ...numbers) + 1;
  return `events.out.tfevents.${String(number).padStart(10, "0")}.mplug-owl`;
}

/**
 * A log for TensorBoard: loss, learning rate, gradient norm, tokens a second, the wait for data, memory, and losses on held-out
 * rows, and scores in benchmarks, as scalars by step, and answers to fixed questions as texts. Every process that trains into the directory writes a file of its own, which begins with the run's
 * `start`: TensorBoard then drops steps that an earlier file has and this one repeats.
 */
export function openEventFile(directory: string): RunLog {
  let file: AppendOnlyFile | undefined;
  const opened = async (): Promise<AppendOnlyFile> => {
    await makeDirectory(directory);
    return openAppendOnlyFile(joinPath(directory, await nextName(directory)));
  };
  return {
    write: async (event) => {
      const records = recordsOf(event);
      if (records.length === 0) return;
      file ??= await opened();
      await file.requireInPlace();
      for (const bytes of records) await file.append(bytes);
    },
    flush: async () => file?.flush(),
    close: async () => file?.close(),
  };
}
