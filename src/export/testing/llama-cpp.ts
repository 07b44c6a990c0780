import { getLlama, type Llama, LlamaLogLevel, type LlamaModel, type Token } from "node-llama-cpp";

/** llama.cpp itself, on the CPU. */
export interface LlamaCpp {
  /** The likeliest tokens after a prompt, each given those before it. */
  greedy(file: string, prompt: readonly number[], count: number): Promise<number[]>;
  /** Ids of texts, without bos; special tokens that a text names are taken for such. */
  tokenize(file: string, texts: readonly string[]): Promise<number[][]>;
  close(): Promise<void>;
}

export async function openLlamaCpp(): Promise<LlamaCpp> {
  const llama = await getLlama({
    gpu: false,
    build: "never",
    skipDownload: true,
    maxThreads: 1,
    logLevel: LlamaLogLevel.error,
  });
  return {
    greedy: (file, prompt, count) => withModel(llama, file, (model) => greedy(model, prompt, count)),
    tokenize: (file, texts) =>
      withModel(llama, file, async (model) => texts.map((text) => model.tokenize(text, true).map(Number))),
    close: () => llama.dispose(),
  };
}

async function withModel<T>(llama: Llama, file: string, use: (model: LlamaModel) => Promise<T>): Promise<T> {
  const model = await llama.loadModel({ modelPath: file, useMmap: false });
  try {
    return await use(model);
  } finally {
    await model.dispose();
  }
}

async function greedy(model: LlamaModel, prompt: readonly number[], count: number): Promise<number[]> {
  const context = await model.createContext({
    contextSize: 64,
    batchSize: 64,
    threads: 1,
    flashAttention: false,
    // In half precision another token may be the likeliest.
    experimentalKvCacheKeyType: "F32",
    experimentalKvCacheValueType: "F32",
  });
  try {
    const ids: number[] = [];
    const tokens = context.getSequence().evaluate(prompt as Token[], { temperature: 0, yieldEogToken: true });
    for await (const id of tokens) {
      ids.push(Number(id));
      if (ids.length === count) break;
    }
    return ids;
  } finally {
    await context.dispose();
  }
}
