import { expect, it } from "vitest";
import { conversations } from "./conversations.ts";
import { rowOfRecord } from "./record-format.ts";
import { formatOfRecord } from "./record-formats.ts";

it("UReader's rows are conversations, with their words for the system", () => {
  const said = (from: string, value: string) => ({ from, value });
  const textOf = (system_instruction: string): unknown => {
    const value = {
      image: ["cat.jpg"],
      prompt: "",
      text: "<image>",
      system_instruction,
      conversations: [said("user", "<image>"), said("user", "what is this?"), said("assistant", "a cat")],
      task_type: "qa_sft",
    };
    expect(formatOfRecord(value)).toBe("llava");
    const record = { line: 1, unit: "line", stored: "", value, again: async () => value } as const;
    const row = rowOfRecord(conversations, record, { path: "rows.jsonl", settings: {} });
    return "text" in row ? row.text : row;
  };
  const turns = [
    { role: "user", content: [{ type: "image", image: 0 }] },
    { role: "user", content: "what is this?" },
    { role: "assistant", content: "a cat" },
  ];
  expect(textOf("Read.")).toEqual([{ role: "system", content: "Read." }, ...turns]);
  expect(textOf("")).toEqual(turns);
});
