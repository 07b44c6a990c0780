import { TemplateError } from "../jinja/index.ts";
import type { Tokenizer } from "../tokenizer/index.ts";
import { chatTemplateOf } from "./chat-template.ts";

// A text that no message has; a template does not change it.
const said = "\ud810";

/** The token by which a model's chat template ends an answer; undefined where there is no template, or none does. */
export function answerEndOf(tokenizer: Tokenizer): number | undefined {
  const template = chatTemplateOf(tokenizer);
  if (template === undefined) return undefined;
  try {
    const { text } = template.render([
      { role: "user", content: "" },
      { role: "assistant", content: said },
    ]);
    const behind = text.slice(text.lastIndexOf(said) + said.length);
    const token = tokenizer.controlForms(behind).find(({ isWhole }) => isWhole);
    return token && tokenizer.encode(token.form)[0];
  } catch (error) {
    if (error instanceof TemplateError) return undefined;
    throw error;
  }
}
