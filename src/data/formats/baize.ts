import { withLineFeeds } from "../../prompt/index.ts";
import type { GivenTurn } from "../turns.ts";
import { type Fields, type Reading, type RecordFormat, RowProblem, requireText } from "./record-format.ts";

const mark = /\[\|\s*(human|ai)\s*\|\][ \t]*:?/gi;

/**
 * Baize's self-chats: one text `input` with `[|Human|]` and `[|AI|]` at the beginnings of turns, what stands in front is the
 * system's. The empty `[|Human|]` at the end of its rows is dropped.
 */
export const baize: RecordFormat = {
  fields: { input: ["input"] },
  lists: [],
  signature: ["input", "topic"],
  recognises: ({ input }) => typeof input === "string" && new RegExp(mark).test(input),
  read: readBaize,
};

function readBaize({ input }: Fields): Reading {
  const text = withLineFeeds(requireText(input, '"input"'));
  const found = [...text.matchAll(mark)];
  const inside = found.find(({ index }) => !/(?:^|\n)[ \t]*$/.test(text.slice(0, index)));
  if (inside !== undefined)
    throw new RowProblem(
      `${inside[0].trim()} must begin a line, got it behind ${JSON.stringify(text.slice(Math.max(0, inside.index - 20), inside.index))}`,
    );
  const strange = /^[ \t]*\[\|[^\]\n]{0,20}\|?\]/m.exec(text.replaceAll(mark, ""));
  if (strange !== null)
    throw new RowProblem(`turns begin with [|Human|] and [|AI|], got ${strange[0].trim()}`);
  const head = text.slice(0, found[0]?.index ?? text.length);
  const turns = found.map(({ 0: whole, 1: who, index }, i): GivenTurn => {
    const words = text.slice(index + whole.length, found[i + 1]?.index ?? text.length);
    return { role: who.toLowerCase() === "ai" ? "assistant" : "user", parts: [{ text: words }] };
  });
  const last = turns.at(-1);
  const isOpen =
    last?.role === "user" && last.parts.every((part) => "text" in part && part.text.trim() === "");
  return { says: [{ role: "system", parts: [{ text: head }] }, ...(isOpen ? turns.slice(0, -1) : turns)] };
}
