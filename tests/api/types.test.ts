import type { LanguageModel } from "ai";
import { describe, expectTypeOf, test } from "vitest";
import type { createOwl, OwlLanguageModel, OwlProvider } from "../../src/ai/index.ts";
import type { WorkerOwl } from "../../src/browser/index.ts";
import type {
  Benchmark,
  BenchmarkItem,
  BenchmarkResult,
  runBenchmark,
} from "../../src/entrypoints/evaluation.ts";
import type { loadCheckpoint, parseConfig, StateDict } from "../../src/entrypoints/model.ts";
import type { gradients, HostTensor, openDevice, Scope, Tensor } from "../../src/entrypoints/tensor.ts";
import type {
  BatchSizes,
  createTrainer,
  ExampleSource,
  PreparedRun,
  prepareRun,
  Reader,
  RunOptions,
  TokenBatch,
  Trainer,
  TrainingEvent,
  TrainingOutcome,
  TrainingRecipe,
  train,
} from "../../src/entrypoints/training.ts";
import type {
  Answer,
  AnswerSettings,
  ChatAnswer,
  ChatMessage,
  ChatSettings,
  Conversation,
  completeSettings,
  FinishReason,
  GenerationSettings,
  ImageSource,
  Owl,
  OwlConfig,
  Reply,
} from "../../src/index.ts";
import type { createServer, OwlServer, ServerOptions } from "../../src/server/index.ts";

// Checked by the compiler (`npm run check`); running them does nothing.
describe("types of the library", () => {
  test("a conversation is a text, a message or a list of messages", () => {
    expectTypeOf<string>().toExtend<Conversation>();
    expectTypeOf<readonly ChatMessage[]>().toExtend<Conversation>();
    expectTypeOf<{ role: "user"; content: string }>().toExtend<ChatMessage>();
    expectTypeOf<{
      role: "user";
      content: ({ type: "image"; image: Blob } | { type: "text"; text: string })[];
    }>().toExtend<ChatMessage>();
    expectTypeOf<{ role: "user"; content: number }>().not.toExtend<ChatMessage>();
    expectTypeOf<string | URL | Blob | Uint8Array | ArrayBuffer>().toExtend<ImageSource>();
  });

  test("settings are optional, of the table's types, and beyond generation say how a conversation is cut", () => {
    type Setting<Name extends keyof ChatSettings> = Exclude<ChatSettings[Name], undefined>;
    expectTypeOf<Record<never, never>>().toExtend<ChatSettings>();
    expectTypeOf<Setting<"maxNewTokens">>().toBeNumber();
    expectTypeOf<Setting<"temperature">>().toBeNumber();
    expectTypeOf<Setting<"doSample">>().toBeBoolean();
    expectTypeOf<Setting<"signal">>().toEqualTypeOf<AbortSignal>();
    expectTypeOf<ChatSettings>().toExtend<AnswerSettings>();
    expectTypeOf<ChatSettings>().toHaveProperty("truncation");
    expectTypeOf<"maxTokens">().not.toExtend<keyof ChatSettings>();
    expectTypeOf<ReturnType<typeof completeSettings>>().toEqualTypeOf<GenerationSettings>();
  });

  test("an owl is loaded, asked and closed", () => {
    expectTypeOf<typeof Owl.load>().returns.resolves.toEqualTypeOf<Owl>();
    expectTypeOf<Owl["chat"]>().parameter(0).toEqualTypeOf<Conversation>();
    expectTypeOf<Owl["chat"]>().parameter(1).toEqualTypeOf<ChatSettings | undefined>();
    expectTypeOf<Owl["chat"]>().returns.toEqualTypeOf<Reply>();
    expectTypeOf<Owl["chatAll"]>().returns.resolves.toEqualTypeOf<ChatAnswer[]>();
    expectTypeOf<Owl>().toExtend<AsyncDisposable>();
    expectTypeOf<Owl["config"]>().toEqualTypeOf<OwlConfig>();
  });

  test("a reply is iterated as texts, or awaited as a text or an answer", () => {
    expectTypeOf<Reply>().toExtend<AsyncIterable<string>>();
    expectTypeOf<Reply["text"]>().returns.resolves.toBeString();
    expectTypeOf<Reply["answer"]>().returns.resolves.toEqualTypeOf<ChatAnswer>();
    expectTypeOf<ChatAnswer>().toExtend<Answer>();
    expectTypeOf<Answer["finishReason"]>().toEqualTypeOf<FinishReason>();
    expectTypeOf<WorkerOwl["chat"]>().returns.toExtend<AsyncIterable<string>>();
  });
});

describe("types of training", () => {
  test("a run is prepared from a recipe's file and started", () => {
    expectTypeOf<typeof prepareRun>().parameter(0).toBeString();
    expectTypeOf<typeof prepareRun>().returns.resolves.toEqualTypeOf<PreparedRun>();
    expectTypeOf<PreparedRun["start"]>().parameter(0).toEqualTypeOf<RunOptions | undefined>();
    expectTypeOf<PreparedRun["start"]>().returns.resolves.toEqualTypeOf<TrainingOutcome>();
    type Step = Extract<TrainingEvent, { kind: "step" }>;
    expectTypeOf<Step["loss"]>().toBeNumber();
  });

  test("the loop takes a trainer, a recipe and a reader of the trainer's batches", () => {
    type Options = Parameters<typeof train<BatchSizes>>[0];
    expectTypeOf<Options["trainer"]>().toEqualTypeOf<Trainer<BatchSizes>>();
    expectTypeOf<Options["recipe"]>().toEqualTypeOf<TrainingRecipe>();
    expectTypeOf<ReturnType<typeof createTrainer<BatchSizes>>>().resolves.toEqualTypeOf<
      Trainer<BatchSizes>
    >();
    expectTypeOf<Reader<TokenBatch>>().toExtend<Options["reader"]>();
    expectTypeOf<{
      length: number;
      example: (index: number) => { text: string; images: [] };
    }>().toExtend<ExampleSource>();
  });
});

describe("types of the other entry points", () => {
  test("the AI SDK takes an owl as a language model", () => {
    expectTypeOf<typeof createOwl>().returns.toEqualTypeOf<OwlProvider>();
    expectTypeOf<ReturnType<OwlProvider>>().toEqualTypeOf<OwlLanguageModel>();
    expectTypeOf<OwlLanguageModel>().toExtend<LanguageModel>();
  });

  test("a server is a fetch handler", () => {
    expectTypeOf<typeof createServer>().parameters.toEqualTypeOf<[options: ServerOptions]>();
    expectTypeOf<OwlServer["fetch"]>().parameter(0).toEqualTypeOf<Request>();
    expectTypeOf<Awaited<ReturnType<OwlServer["fetch"]>>>().toEqualTypeOf<Response>();
  });

  test("graphs are described, differentiated, compiled and run", () => {
    expectTypeOf<typeof gradients>().returns.toEqualTypeOf<Tensor[]>();
    expectTypeOf<Scope["parameter"]>().returns.toEqualTypeOf<Tensor>();
    type Device = Awaited<ReturnType<typeof openDevice>>;
    type Program = Awaited<ReturnType<Device["compile"]>>;
    expectTypeOf<Awaited<ReturnType<Program["run"]>>>().toEqualTypeOf<Record<string, HostTensor>>();
  });

  test("a checkpoint gives settings, which are read, and tensors by name", () => {
    expectTypeOf<Awaited<ReturnType<typeof loadCheckpoint>>["tensors"]>().toEqualTypeOf<StateDict>();
    expectTypeOf<typeof parseConfig>().returns.toEqualTypeOf<OwlConfig>();
  });

  test("a benchmark of one's own has items of its own", () => {
    interface Item extends BenchmarkItem {
      readonly question: string;
    }
    expectTypeOf<Parameters<typeof runBenchmark<Item>>[1]>().toEqualTypeOf<Benchmark<Item>>();
    expectTypeOf<ReturnType<typeof runBenchmark<Item>>>().resolves.toEqualTypeOf<BenchmarkResult>();
  });
});
