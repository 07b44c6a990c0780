import type { OwlConfig } from "../model/index.ts";
import { windowsOf } from "./decoder-inputs.ts";

export interface CardContent {
  readonly name: string;
  readonly config: OwlConfig;
  /** transformers.js's name of the number format. */
  readonly format: string;
  readonly longest: number;
  readonly positions: number;
}

/** What the exported files do not say as the model itself does, a line each. */
export function limitsOf({ config, longest }: Pick<CardContent, "config" | "longest">): string[] {
  const { language } = config;
  const windows = windowsOf(language).filter((window) => window !== undefined);
  return [
    "Several pictures in one call of the processor must be of one size. Their places come from the chat template: write texts with `apply_chat_template`.",
    "The written forms of special tokens, `<image>` among them, count as such in what people write.",
    ...(longest < language.maxPositions
      ? [
          `Sequences end at ${longest} positions, not at ${language.maxPositions}: the angles of longer ones depend on their length.`,
        ]
      : []),
    ...(windows.length > 0
      ? [`The cache keeps everything, also what lies before the window of ${windows.join(", ")} tokens.`]
      : []),
    ...(config.video ? ["Videos are not exported; pictures are."] : []),
  ];
}

/** The README of an exported model. */
export function exportCard(content: CardContent): string {
  const { name, format, positions } = content;
  return `---
library_name: transformers.js
pipeline_tag: image-text-to-text
---

# ${name}, for transformers.js

An mPLUG-Owl (arXiv 2304.14178) as ONNX files that transformers.js 4 loads as \`LlavaForConditionalGeneration\`, in \`${format}\`. A picture takes ${positions} positions.

\`\`\`js
import { AutoProcessor, LlavaForConditionalGeneration, load_image } from '@huggingface/transformers';

const place = "…"; // this directory, or its name on the hub
const processor = await AutoProcessor.from_pretrained(place);
const model = await LlavaForConditionalGeneration.from_pretrained(place);

const content = [{ type: "image" }, { type: "text", text: "what is this?" }];
const text = processor.apply_chat_template([{ role: "user", content }], { add_generation_prompt: true });
const inputs = await processor(await load_image("picture.png"), text, { add_special_tokens: false });
const ids = await model.generate({ ...inputs, do_sample: false });
const answer = ids.slice(null, [inputs.input_ids.dims[1], null]);
console.log(processor.batch_decode(answer, { skip_special_tokens: true })[0]);
\`\`\`

Without a picture: \`processor.tokenizer(text, { add_special_tokens: false })\` in the place of \`processor(…)\`.

${limitsOf(content)
  .map((line) => `- ${line}`)
  .join("\n")}
`;
}
