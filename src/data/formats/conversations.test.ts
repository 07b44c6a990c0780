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

it("mPLUG-Owl2's rows place pictures by its own mark, where no other does", () => {
  const read = (value: string, image?: string): unknown => {
    const said = [
      { from: "human", value },
      { from: "gpt", value: "a cat" },
    ];
    const row = { ...(image !== undefined && { image }), conversations: said };
    const record = { line: 1, unit: "line", stored: "", value: row, again: async () => row } as const;
    const found = rowOfRecord(conversations, record, { path: "rows.json", settings: {} });
    return "text" in found ? (found.text as readonly { readonly content: unknown }[])[0].content : found;
  };
  const shown = [
    { type: "image", image: 0 },
    { type: "text", text: "what is this?" },
  ];
  expect(read("<|image|>\nwhat is this?", "cat.jpg")).toEqual(shown);
  expect(read("<image>what does <|image|> mean?", "cat.jpg")).toEqual([
    shown[0],
    { type: "text", text: "what does <|image|> mean?" },
  ]);
  expect(read("what does <|image|> mean?")).toBe("what does <|image|> mean?");
});
