import { describe, expect, test } from "vitest";
import { ArchiveError, exportArchive, importArchive } from "./archive.ts";
import { append, type Conversation, newConversation, path } from "./conversation.ts";

const picture = { id: "p", kind: "image" as const, name: "owl.png", type: "image/png" };
const bytes = Uint8Array.from({ length: 70_000 }, (_, i) => i * 7);
const read = async () => new Blob([bytes], { type: "image/png" });

function example(): Conversation {
  const asked = append(newConversation(1), {
    id: "q",
    parent: null,
    role: "user",
    text: "what is this?",
    attachments: [picture],
  });
  const answer = { parent: "q", role: "assistant" as const, state: "done" as const, model: "owl-nano" };
  const timing = { firstMilliseconds: 20, tokensPerSecond: 90.5, tokens: 4 };
  const first = append(asked, { ...answer, id: "a", text: "an owl", timing, rating: "up", note: "yes" });
  return append(first, { ...answer, id: "b", text: "a dog" });
}

async function exported(): Promise<Record<string, never>> {
  return JSON.parse(await exportArchive([example()], read));
}

test("what is exported comes back, branches and files too, under new ids", async () => {
  const original = example();
  const text = await exportArchive([original], read);
  const { conversations, files } = importArchive(text);
  const [back] = conversations;
  expect(back.id).not.toBe(original.id);
  expect(back.title).toBe("what is this?");
  expect(path(back).map((turn) => turn.text)).toEqual(["what is this?", "a dog"]);
  expect(back.turns[1]).toEqual(original.turns[1]);
  const [question] = back.turns;
  const [file] = question.role === "user" ? question.attachments : [];
  expect(file.id).not.toBe("p");
  expect(new Uint8Array(await files.get(file.id)!.arrayBuffer())).toEqual(bytes);
});

describe("a file that is no such export is refused in words", () => {
  const refuses = (text: string, words: RegExp): void => {
    expect(() => importArchive(text)).toThrow(ArchiveError);
    expect(() => importArchive(text)).toThrow(words);
  };

  test.each([
    ["no JSON", "{", /not JSON/],
    ["something else", `{"a":1}`, /not an export/],
    ["a list", "[]", /not an export/],
    ["nothing", "null", /not an export/],
  ])("%s", (_, text, words) => refuses(text, words));

  test("a later version", async () => {
    refuses(JSON.stringify({ ...(await exported()), version: 2 }), /another version/);
  });

  type Plain = { conversations: { turns: Record<string, unknown>[]; chosen: object }[]; files: object };
  test.each<[string, (plain: Plain) => void, RegExp]>([
    ["a file that is missing", (plain) => Object.assign(plain, { files: {} }), /"owl.png" is not there/],
    [
      "a file of another kind",
      ({ files }) => Object.assign(files, { p: "data:text/html;base64,AAAA" }),
      /files › p/,
    ],
    [
      "an address in place of a file",
      ({ files }) => Object.assign(files, { p: "https://example.com/x.png" }),
      /files › p/,
    ],
    [
      "a parent that is missing",
      ({ conversations }) => Object.assign(conversations[0].turns[1], { parent: "z" }),
      /must come before/,
    ],
    [
      "a turn that follows itself",
      ({ conversations }) => Object.assign(conversations[0].turns[0], { parent: "q" }),
      /must come before/,
    ],
    [
      "an id that is there twice",
      ({ conversations }) => Object.assign(conversations[0].turns[2], { id: "a" }),
      /there twice/,
    ],
    [
      "an answer to an answer",
      ({ conversations }) => Object.assign(conversations[0].turns[2], { parent: "a" }),
      /must follow/,
    ],
    [
      "a choice of no branch",
      ({ conversations }) => Object.assign(conversations[0].chosen, { q: "z" }),
      /branch that is there/,
    ],
    [
      "a role that is none",
      ({ conversations }) => Object.assign(conversations[0].turns[0], { role: "system" }),
      /turns › 0/,
    ],
  ])("%s", async (_, damage, words) => {
    const plain = (await exported()) as unknown as Plain;
    damage(plain);
    refuses(JSON.stringify(plain), words);
  });
});
