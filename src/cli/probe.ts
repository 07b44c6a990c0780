import type { CommandRow } from "./command-row.ts";

/** `owl probe …`, in the order of its help. */
export const commands: readonly CommandRow[] = [
  {
    name: "model",
    summary: "hidden states, logits, loss, gradients, new tokens for given inputs",
    load: () => import("./probe-model.ts"),
  },
  {
    name: "prompt",
    summary:
      'JSON lines {"messages": [{"role": …, "content": …}], "pictures": [[width, height], …]} on standard input, with parts of type "image" or the model\'s mark in a text where pictures stand; {"text", "ids"} or {"error"} a line out',
    load: () => import("./probe-prompt.ts"),
  },
  {
    name: "template",
    summary:
      'JSON lines {"messages": […], "options": {"add_generation_prompt": true, …}, "now": …} on standard input; {"text"} or {"error"} a line out',
    load: () => import("./probe-template.ts"),
  },
  {
    name: "vision",
    summary: "a vision encoder's last hidden state for given pixels",
    load: () => import("./probe-vision.ts"),
  },
  {
    name: "language",
    summary: "a language model's logits of ids, or the tokens that follow",
    load: () => import("./probe-language.ts"),
  },
  {
    name: "text",
    summary:
      'JSON lines {"text": …} or {"ids": […]} on standard input; {"ids": […]} or {"text": …} a line out',
    load: () => import("./probe-text.ts"),
  },
  {
    name: "pixels",
    summary: "a picture as the vision encoder's input",
    load: () => import("./probe-pixels.ts"),
  },
];

/** The command has no options of its own. */
export function define(): void {}
