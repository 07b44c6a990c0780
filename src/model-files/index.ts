export { hubRepoOf } from "./hub-cache.ts";

/**
 * The names of the files in a model directory, as transformers and PEFT publish them. Those of weights follow from their
 * format: see `weight-formats.ts` of `checkpoint`.
 */
export const modelFiles = {
  config: "config.json",
  generationConfig: "generation_config.json",
  preprocessorConfig: "preprocessor_config.json",
  /** Where transformers 5 keeps the preprocessor's settings, under `image_processor`. */
  processorConfig: "processor_config.json",
  tokenizer: "tokenizer.json",
  sentencePiece: "tokenizer.model",
  tokenizerConfig: "tokenizer_config.json",
  specialTokens: "special_tokens_map.json",
  addedTokens: "added_tokens.json",
  /** How conversations are written, where it stands beside tokenizer_config.json. */
  chatTemplate: "chat_template.jinja",
  /** The same, for conversations with tools. */
  toolTemplate: "additional_chat_templates/tool_use.jinja",
  adapterConfig: "adapter_config.json",
} as const;

/** A line of a model card that a training wrote: `owl push` makes such a card anew, for the hub. */
export const madeCardMark =
  "<!-- written by owl train; owl push writes it anew for the hub, unless this line is taken out -->";

/** The files that a tokenizer consists of, in any of its published forms. */
export const tokenizerFiles: readonly string[] = [
  modelFiles.tokenizer,
  modelFiles.sentencePiece,
  modelFiles.tokenizerConfig,
  modelFiles.specialTokens,
  modelFiles.addedTokens,
  modelFiles.chatTemplate,
  modelFiles.toolTemplate,
];

/** All that a model has beside its weights. */
export const settingsFiles: readonly string[] = [
  modelFiles.config,
  modelFiles.generationConfig,
  modelFiles.preprocessorConfig,
  modelFiles.processorConfig,
  ...tokenizerFiles,
];

/** How the names of files of weights end, by format, the published ending first. */
export const weightExtensions = {
  safetensors: [".safetensors"],
  torch: [".bin", ".pt", ".pth"],
} as const satisfies Readonly<Record<string, readonly [published: string, ...others: string[]]>>;

/** Whether a name ends as those of a model's files do: settings, tokenizer, weights. */
export function isModelFile(name: string): boolean {
  const endings = Object.values(weightExtensions).map(([published]) => published);
  return [".json", ".jinja", ".model", ...endings].some((ending) => name.endsWith(ending));
}

/** Whether a name is that of a GGUF file: a language model, its settings and its tokenizer in one. */
export function isGgufFile(name: string): boolean {
  return /\.gguf$/i.test(name);
}
