import type { CommandRow } from "./command-row.ts";

/** The commands of `owl`, in the order of its help. */
export const commands: readonly CommandRow[] = [
  {
    name: "chat",
    summary: "ask about pictures and videos: one answer if a question is given, else a conversation",
    load: () => import("./chat.ts"),
  },
  {
    name: "serve",
    summary: "serve models over OpenAI's protocol, and in a web page",
    load: () => import("./serve.ts"),
  },
  {
    name: "pull",
    summary: "fetch a model from the Hugging Face hub; its name then stands for it in every command",
    load: () => import("./pull.ts"),
  },
  {
    name: "push",
    summary: "send a model to the Hugging Face hub, with a model card made from its run",
    load: () => import("./push.ts"),
  },
  {
    name: "data",
    summary: "look at training data before a run: check it, show it",
    load: () => import("./data.ts"),
  },
  {
    name: "train",
    summary: "train from a recipe: one stage, with checkpoints",
    load: () => import("./train.ts"),
  },
  {
    name: "watch",
    summary: "a page with a run's curves and sample answers, also while it runs",
    load: () => import("./watch.ts"),
  },
  {
    name: "assemble",
    summary:
      "make an mPLUG-Owl from a vision encoder and a language model, with a newly initialised abstractor",
    load: () => import("./assemble.ts"),
  },
  {
    name: "recipe",
    summary: "print a published training recipe, with the reason for each number",
    load: () => import("./recipe.ts"),
  },
  {
    name: "tokenizer",
    summary: "train a tokenizer on texts, for a model from nothing",
    load: () => import("./tokenizer.ts"),
  },
  {
    name: "inspect",
    summary: "the parameter table of a model: module, name, shape, size, trained or frozen",
    load: () => import("./inspect.ts"),
  },
  {
    name: "merge",
    summary: "merge a LoRA adapter into its model",
    load: () => import("./merge.ts"),
  },
  {
    name: "convert",
    summary: "quantise a model, or convert it to safetensors: less memory, faster answers",
    load: () => import("./convert.ts"),
  },
  {
    name: "export",
    summary: "write a model in the format of other programs",
    load: () => import("./export.ts"),
  },
  {
    name: "probe",
    summary: "tensors, ids and pixels, for comparing implementations",
    load: () => import("./probe.ts"),
  },
  {
    name: "eval",
    summary: "evaluate a model: OwlEval as in the paper, graded by people, and the usual benchmarks",
    load: () => import("./eval.ts"),
  },
];
